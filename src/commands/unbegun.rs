//! What `--json` prints of a run that ended before its first row.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::stdout::print_json;
use crate::cli::OutputArgs;
use crate::error::{Kind, Result};
use crate::report::Summary;
use crate::run::{Finished, LastSecond, Tally};

/// Prints the summary of nothing, where one was asked for and it is the service, an outage or the
/// operator that ended it: whoever waits for such an end gets the object that goes with it.
pub(super) fn print(output: &OutputArgs, ledger: &Path, why: Kind) -> Result<()> {
    let stopped = match why {
        Kind::Stopped => "service",
        Kind::Outage => "outage",
        Kind::Interrupted => "interrupted",
        Kind::Usage | Kind::Input | Kind::Ledger | Kind::Service => return Ok(()),
    };
    if !output.json {
        return Ok(());
    }
    let nothing = Finished {
        tally: Tally::default(),
        stopped: None,
        elapsed: Duration::ZERO,
        worst_second: 0,
        last_second: LastSecond::default(),
        waited: BTreeMap::new(),
        read_all: false,
        broken: None,
    };
    let mut summary = Summary::new(&nothing, None, ledger.to_owned(), None, 0);
    summary.stopped = Some(stopped);
    print_json(&summary)
}
