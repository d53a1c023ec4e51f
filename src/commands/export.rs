//! `recall export`: the rows of a ledger on stdout, each with its last outcome.

use std::io::{self, BufWriter, Write};

use crate::cli::{ExportArgs, ExportFormat, OutcomeArg};
use crate::error::{Error, Result};
use crate::exit;
use crate::ledger::{LastWords, Sink};
use crate::outcome::{Entry, Outcome};
use crate::rows::Format;

/// Exports a ledger.
///
/// # Errors
/// When the ledger can't be read or stdout not be written.
pub fn run(args: &ExportArgs) -> Result<u8> {
    let rows = LastWords::open(&args.ledger)?;
    let format = match args.format {
        ExportFormat::Csv => Format::Csv,
        ExportFormat::Jsonl => Format::Jsonl,
    };
    let wanted = args.outcome.map(|outcome| match outcome {
        OutcomeArg::Recalled => Outcome::Recalled,
        OutcomeArg::Failed => Outcome::Failed,
        OutcomeArg::Invalid => Outcome::Invalid,
        OutcomeArg::Skipped => Outcome::Skipped,
    });
    match write(rows, wanted, format)? {
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(exit::OK),
        Err(error) => Err(Error::ledger("cannot write the export to stdout").because(error)),
        Ok(()) => Ok(exit::OK),
    }
}

fn write(mut rows: LastWords, wanted: Option<Outcome>, format: Format) -> Result<io::Result<()>> {
    let mut sink = Sink::new(BufWriter::new(io::stdout().lock()), format);
    while rows.advance()? {
        let Some(entry) = rows.entry() else {
            continue;
        };
        if wanted.is_none_or(|wanted| wanted == entry.outcome)
            && let Err(error) = sink.write(&Exported::from(&entry))
        {
            return Ok(Err(error));
        }
    }
    Ok(sink.finish().and_then(|mut stdout| stdout.flush()))
}

/// A row of an export: an entry with every column, for CSV has no absent ones.
#[derive(serde::Serialize)]
struct Exported<'a> {
    row: u64,
    group: &'a str,
    sender: &'a str,
    topic: &'a str,
    outcome: Outcome,
    code: i64,
    info: &'a str,
    attempts: u32,
    sent_at: String,
    ms: Option<u64>,
}

impl<'a> From<&'a Entry<'a>> for Exported<'a> {
    fn from(entry: &'a Entry<'a>) -> Self {
        Self {
            row: entry.row,
            group: &entry.group,
            sender: &entry.sender,
            topic: &entry.topic,
            outcome: entry.outcome,
            code: entry.code,
            info: &entry.info,
            attempts: entry.attempts,
            sent_at: entry
                .sent_at
                .map(|at| format!("{at:.3}"))
                .unwrap_or_default(),
            ms: entry.ms,
        }
    }
}
