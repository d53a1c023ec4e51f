//! `recall export`: writes the rows of a ledger to stdout, each with its last outcome.

use std::io::{self, BufWriter};

use crate::cli::{ExportArgs, ExportFormat, OutcomeArg};
use crate::error::{Error, Result};
use crate::exit;
use crate::ledger::{LastWords, Sink};
use crate::outcome::{Entry, Outcome};
use crate::rows::Format;

/// Exports a ledger.
///
/// # Errors
/// If the ledger can't be read or stdout can't be written.
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
    match write(rows, wanted, format) {
        // The reader has closed the pipe.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(exit::OK),
        Err(error) => Err(error.downcast().unwrap_or_else(|error| {
            Error::output("cannot write the export to stdout").because(error)
        })),
        Ok(()) => Ok(exit::OK),
    }
}

/// Writes the export. An error from the ledger is wrapped in the `io::Error`.
fn write(mut rows: LastWords, wanted: Option<Outcome>, format: Format) -> io::Result<()> {
    let several_inputs = rows.several_inputs();
    let columns = Exported::columns(several_inputs);
    let stdout = BufWriter::new(io::stdout().lock());
    let mut sink = Sink::new(stdout, format, &columns)?;
    while rows.advance().map_err(io::Error::other)? {
        if let Some(entry) = rows.entry()
            && wanted.is_none_or(|wanted| wanted == entry.outcome)
        {
            sink.write(&Exported::new(&entry, several_inputs))?;
        }
    }
    sink.finish()
}

/// A row of an export: an entry with every column, since CSV can't omit any. Only the column
/// `input` is missing, from all rows, for a ledger of a single input.
#[derive(serde::Serialize)]
struct Exported<'a> {
    row: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'a str>,
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

impl<'a> Exported<'a> {
    fn columns(several_inputs: bool) -> Vec<&'static str> {
        let mut columns = vec!["row"];
        columns.extend(several_inputs.then_some("input"));
        columns.extend(["group", "sender", "topic", "outcome", "code", "info"]);
        columns.extend(["attempts", "sent_at", "ms"]);
        columns
    }

    fn new(entry: &'a Entry<'a>, several_inputs: bool) -> Self {
        Self {
            row: entry.row,
            input: several_inputs.then_some(&*entry.input),
            group: &entry.group,
            sender: &entry.sender,
            topic: &entry.topic,
            outcome: entry.outcome,
            code: entry.code,
            info: &entry.info,
            attempts: entry.attempts,
            sent_at: entry.sent_at_text(),
            ms: entry.ms,
        }
    }
}
