//! The end of a run before its first row.

use std::path::Path;

use super::again;
use super::stdout::print_json;
use crate::cli::OutputArgs;
use crate::error::{Kind, Result};
use crate::exit;
use crate::monitor::Screen;
use crate::report::{Stopped, Summary};
use crate::run::Finished;

/// Reports that a preflight ended the run. If the service, an outage or the operator did, it can be
/// started again by the same command, which is printed.
pub(super) fn stopped(
    output: &OutputArgs,
    ledger: &Path,
    why: Kind,
    screen: &Screen,
) -> Result<()> {
    if matches!(why, Kind::Stopped | Kind::Outage | Kind::Interrupted) {
        let command = again::this_command(None);
        screen.line(&format!("To start again: {command}"));
    }
    print(output, ledger, why)
}

/// With `--json`, prints an empty summary if the service, an outage or the operator ended the run:
/// for these exit codes, scripts expect an object.
fn print(output: &OutputArgs, ledger: &Path, why: Kind) -> Result<()> {
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
