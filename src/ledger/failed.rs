//! The failed rows of a ledger: as a file that is a valid input, and as rows to send again.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;

use super::last::LastWords;
use super::sink::Sink;
use crate::durable;
use crate::error::{Error, Result};
use crate::outcome::{Entry, Outcome};
use crate::rows::{Format, Row};
use crate::shell::quoted;

/// A row of a failed-rows file. The first three columns make it a valid input, the others say why it
/// failed.
#[derive(Serialize)]
struct FailedRow<'a> {
    group: &'a str,
    sender: &'a str,
    topic: &'a str,
    code: i64,
    info: &'a str,
    attempts: u32,
    sent_at: String,
}

const COLUMNS: [&str; 7] = [
    "group", "sender", "topic", "code", "info", "attempts", "sent_at",
];

/// Writes the rows whose last outcome is `failed` to a file in `format`, which may differ from the
/// input's. If there are none, an older file is removed and no new one is written.
///
/// # Errors
/// If the ledger can't be read or the file can't be written. An older file is then still whole.
pub fn write_failed_rows(mut rows: LastWords, to: &Path, format: Format) -> Result<()> {
    if rows.failed() == 0 {
        return remove_failed_rows(to);
    }
    let ledger = quoted(rows.path());
    let fail = |error: io::Error| {
        Error::ledger(format!("cannot write the failed rows to {}", to.display()))
            .because(error)
            .hint(format!(
                "all of them are in the ledger: recall export {ledger} --outcome failed"
            ))
    };
    let written = durable::replace(to, |file| {
        let mut sink = Sink::new(file, format, &COLUMNS)?;
        while rows.advance().map_err(io::Error::other)? {
            if let Some(entry) = rows.entry().filter(has_failed) {
                sink.write(&FailedRow {
                    group: &entry.group,
                    sender: &entry.sender,
                    topic: &entry.topic,
                    code: entry.code,
                    info: &entry.info,
                    attempts: entry.attempts,
                    sent_at: entry.sent_at_text(),
                })?;
            }
        }
        sink.finish()
    });
    // An error from reading the ledger is returned as it is.
    written.map_err(|error| error.downcast().unwrap_or_else(fail))
}

/// Removes an older failed-rows file, if there is one, because no row has failed.
///
/// # Errors
/// If it can't be removed.
pub fn remove_failed_rows(at: &Path) -> Result<()> {
    match fs::remove_file(at) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::ledger(format!(
            "cannot remove {}, the failed rows of an earlier run",
            at.display()
        ))
        .because(error)
        .hint(
            "no row of this ledger has failed: remove it by hand, so that nobody sends it again",
        )),
        _ => Ok(()),
    }
}

/// Returns the rows whose last outcome is `failed`, to be sent again.
pub fn failed_rows(mut rows: LastWords) -> impl Iterator<Item = Result<Row>> + Send {
    std::iter::from_fn(move || {
        loop {
            match rows.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
            if let Some(entry) = rows.entry_as_written().filter(has_failed) {
                let input = Some(entry.input).filter(|input| !input.is_empty());
                return Some(Ok(Row {
                    input: input.map(Into::into),
                    line: entry.row,
                    group: entry.group.into_owned(),
                    sender: entry.sender.into_owned(),
                    topic: entry.topic.into_owned(),
                }));
            }
        }
    })
}

fn has_failed(entry: &Entry<'_>) -> bool {
    entry.outcome == Outcome::Failed
}
