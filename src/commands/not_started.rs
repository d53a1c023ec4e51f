//! The `--json` summary of a run that ended before its first row.

use std::path::Path;

use super::stdout::print_json;
use crate::cli::OutputArgs;
use crate::error::{Kind, Result};
use crate::exit;
use crate::monitor::Screen;
use crate::report::{Stopped, Summary};
use crate::run::Finished;

/// With `--json`, prints an empty summary if the service, an outage or the operator ended the run:
/// for these exit codes, scripts expect an object.
pub(super) fn print(output: &OutputArgs, ledger: &Path, why: Kind) -> Result<()> {
    let stopped = match why {
        Kind::Stopped => Stopped::Service,
        Kind::Outage => Stopped::Outage,
        Kind::Interrupted => Stopped::Interrupted,
        Kind::Usage | Kind::Input | Kind::Ledger | Kind::Output | Kind::Service => {
            return Ok(());
        }
    };
    if !output.json {
        return Ok(());
    }
    let mut summary = Summary::new(&Finished::default(), None, ledger.to_owned(), None, 0);
    summary.stopped = Some(stopped);
    print_json(&summary)
}

/// Ends a run that the operator declined. Returns the exit code.
pub(super) fn declined(output: &OutputArgs, ledger: &Path, screen: &Screen) -> Result<u8> {
    screen.line("Nothing was recalled.");
    print(output, ledger, Kind::Interrupted)?;
    Ok(exit::INTERRUPTED)
}
