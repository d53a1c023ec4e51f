//! `recall run --dry-run`: reads everything, shows the first calls as they would go out, makes none.

use std::io::{self, BufWriter, Write};
use std::num::NonZeroU64;
use std::path::Path;

use crate::api::client::Client;
use crate::error::{Error, Result};
use crate::exit;
use crate::ledger::Reader;
use crate::monitor::Screen;
use crate::monitor::words::{thousands, time};
use crate::rows::{Row, Rows};
use crate::run::Plan;
use crate::survey::{Found, Survey};

/// So many calls are shown.
const SHOWN: u64 = 5;

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
    let mut survey = Survey::new();
    if let Some(ledger) = resumed_ledger.filter(|ledger| ledger.exists()) {
        let mut ledger = Reader::open(ledger)?;
        while ledger.advance()? {
            if let Some(settled) = ledger.settled() {
                survey.settled_earlier(&settled);
            }
        }
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let limit = plan.limit.map_or(u64::MAX, NonZeroU64::get);
    let mut calls = 0;
    let mut batches = Survey::batches(rows);
    while calls < limit
        && let Some(reads) = batches.next()
    {
        for row in survey.count(&reads?) {
            calls += 1;
            if calls <= SHOWN && !json {
                show(&mut out, client, row)?;
            }
            if calls == limit {
                break;
            }
        }
    }
    let found = survey.found();
    if json {
        let json = serde_json::to_string(&found).expect("plain data");
        writeln!(out, "{json}").map_err(unwritten)?;
    }
    out.flush().map_err(unwritten)?;
    screen.line(&text(&found, plan));
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

fn text(found: &Found, plan: &Plan) -> String {
    let at_the_cap = plan.rate.map_or(String::new(), |rate| {
        let seconds = found.calls() / u64::from(rate.get());
        let took = time(std::time::Duration::from_secs(seconds));
        format!(", {took} at {rate} calls/s")
    });
    format!(
        "Nothing was called. {} rows: {} duplicates, {} invalid, {} settled before; {} calls to make{at_the_cap}",
        thousands(found.rows),
        thousands(found.duplicates),
        thousands(found.invalid),
        thousands(found.resumed),
        thousands(found.calls()),
    )
}
