//! `recall run --dry-run`: reads everything, shows the first calls as they would go out, makes none.

use std::io::{self, BufWriter, Write};
use std::num::NonZeroU64;
use std::path::Path;

use serde::Serialize;

use crate::api::client::Client;
use crate::error::{Error, Result};
use crate::exit;
use crate::ledger::Reader;
use crate::monitor::Screen;
use crate::monitor::words::{thousands, time};
use crate::rows::{Read, Row, Rows};
use crate::run::{Met, Plan, Seen};

/// So many calls are shown.
const SHOWN: u64 = 5;

/// What a run would find; `rows = distinct + duplicates + invalid`.
#[derive(Debug, Default, Serialize)]
struct Found {
    rows: u64,
    distinct: u64,
    duplicates: u64,
    resumed: u64,
    invalid: u64,
}

/// Reads the rows that a run would take, and tells how many calls it would make.
///
/// # Errors
/// When the rows or the ledger can't be read, or stdout not be written.
pub(super) fn run(
    rows: Rows,
    client: &Client,
    plan: &Plan,
    resumed_ledger: Option<&Path>,
    json: bool,
    screen: &Screen,
) -> Result<u8> {
    let mut seen = Seen::new();
    if let Some(ledger) = resumed_ledger.filter(|ledger| ledger.exists()) {
        let mut ledger = Reader::open(ledger)?;
        while ledger.advance()? {
            if let Some(settled) = ledger.settled() {
                seen.settled_earlier(&settled);
            }
        }
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let limit = plan.limit.map_or(u64::MAX, NonZeroU64::get);
    let mut found = Found::default();
    for read in rows {
        let read = read?;
        if let Some(row) = found.count(&read, &mut seen)
            && !json
            && found.calls() <= SHOWN
        {
            show(&mut out, client, row)?;
        }
        if found.calls() == limit {
            break;
        }
    }
    if json {
        let json = serde_json::to_string(&found).expect("plain data");
        writeln!(out, "{json}").map_err(unwritten)?;
    }
    out.flush().map_err(unwritten)?;
    screen.line(&found.text(plan));
    Ok(if found.invalid > 0 {
        exit::ROWS_FAILED
    } else {
        exit::OK
    })
}

fn show(out: &mut impl Write, client: &Client, row: &Row) -> Result<()> {
    writeln!(out, "{}\n", client.preview(row)).map_err(unwritten)
}

fn unwritten(error: io::Error) -> Error {
    Error::input("cannot write to stdout").because(error)
}

impl Found {
    /// Counts a row; returns it where it would be called.
    fn count<'a>(&mut self, read: &'a Read, seen: &mut Seen) -> Option<&'a Row> {
        self.rows += 1;
        let Read::Row(row) = read else {
            self.invalid += 1;
            return None;
        };
        match seen.meet(row) {
            Met::Duplicate => self.duplicates += 1,
            Met::Settled => {
                self.distinct += 1;
                self.resumed += 1;
            }
            Met::New => {
                self.distinct += 1;
                return Some(row);
            }
        }
        None
    }

    fn calls(&self) -> u64 {
        self.distinct - self.resumed
    }

    fn text(&self, plan: &Plan) -> String {
        let at_the_cap = plan.rate.map_or(String::new(), |rate| {
            let seconds = self.calls() / u64::from(rate.get());
            let took = time(std::time::Duration::from_secs(seconds));
            format!(", {took} at {rate} calls/s")
        });
        format!(
            "Nothing was called. {} rows: {} duplicates, {} invalid, {} settled before; {} calls to make{at_the_cap}",
            thousands(self.rows),
            thousands(self.duplicates),
            thousands(self.invalid),
            thousands(self.resumed),
            thousands(self.calls()),
        )
    }
}
