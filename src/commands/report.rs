//! `recall report`: what a ledger tells, as text or JSON.

use std::io::{self, Write as _};

use crate::cli::ReportArgs;
use crate::error::{Error, Result};
use crate::exit;
use crate::report::{self, Report};

/// Reports on a ledger.
///
/// # Errors
/// When the ledger can't be read, or stdout not be written.
pub fn run(args: &ReportArgs) -> Result<u8> {
    let report = Report::read(&args.ledger)?;
    let text = if args.json {
        serde_json::to_string(&report).map(|json| json + "\n")
    } else {
        Ok(report::text(&report))
    };
    let written = text
        .map_err(io::Error::from)
        .and_then(|text| io::stdout().write_all(text.as_bytes()));
    match written {
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(exit::OK),
        Err(error) => Err(Error::ledger("cannot write the report to stdout").because(error)),
        Ok(()) => Ok(exit::OK),
    }
}
