//! What `--json` prints of a run that ended before its first row.

use std::path::Path;

use super::stdout::print_json;
use crate::cli::OutputArgs;
use crate::error::{Kind, Result};
use crate::exit;
use crate::monitor::Screen;
use crate::report::{Stopped, Summary};
use crate::run::Finished;

/// Prints the summary of nothing, where one was asked for and it is the service, an outage or the
/// operator that ended it: whoever waits for such an end gets the object that goes with it.
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

/// Ends a run that was not agreed to. Its exit code.
pub(super) fn declined(output: &OutputArgs, ledger: &Path, screen: &Screen) -> Result<u8> {
    screen.line("Nothing was recalled.");
    print(output, ledger, Kind::Interrupted)?;
    Ok(exit::INTERRUPTED)
}
