//! Exit codes: a contract that scripts rely on.

use crate::error::Kind;
use crate::run::Stop;

/// Every row was recalled, or skipped for a reason.
pub const OK: u8 = 0;
/// The job could not be done: input, disk, ledger.
pub const COULD_NOT_RUN: u8 = 1;
/// Flags, environment or configuration.
pub const USAGE: u8 = 2;
/// Finished, but some rows failed or are invalid.
pub const ROWS_FAILED: u8 = 3;
/// Stopped by the service, an outage or the guard; resumable.
pub const STOPPED: u8 = 4;
/// Interrupted; resumable.
pub const INTERRUPTED: u8 = 130;

/// The code of an error.
pub fn of_error(kind: Kind) -> u8 {
    match kind {
        Kind::Usage => USAGE,
        Kind::Input | Kind::Ledger | Kind::Service => COULD_NOT_RUN,
        Kind::Stopped | Kind::Outage => STOPPED,
        Kind::Interrupted => INTERRUPTED,
    }
}

/// The code of a run that ended by itself or was stopped.
pub fn of_run(stopped: Option<&Stop>, some_rows_failed: bool) -> u8 {
    match stopped {
        Some(Stop::Interrupted) => INTERRUPTED,
        Some(_) => STOPPED,
        None if some_rows_failed => ROWS_FAILED,
        None => OK,
    }
}
