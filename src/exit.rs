//! Exit codes, a contract that scripts rely on.

use crate::error::Kind;
use crate::run::Stop;

/// Every row was recalled, or skipped for a good reason.
pub const OK: u8 = 0;
/// The command could not run: input, disk, ledger or output failed.
pub const COULD_NOT_RUN: u8 = 1;
/// Invalid flags, environment or configuration.
pub const USAGE: u8 = 2;
/// Finished, but some rows failed or are invalid.
pub const ROWS_FAILED: u8 = 3;
/// The `UserSig` that `recall usersig show` was asked about has expired.
pub const USERSIG_EXPIRED: u8 = 3;
/// Stopped by the service, an outage or the guard; resumable.
pub const STOPPED: u8 = 4;
/// Interrupted; resumable.
pub const INTERRUPTED: u8 = 130;

/// Returns the exit code for an error.
pub fn of_error(kind: Kind) -> u8 {
    match kind {
        Kind::Usage => USAGE,
        Kind::Input | Kind::Ledger | Kind::Output | Kind::Service => COULD_NOT_RUN,
        Kind::Stopped | Kind::Outage => STOPPED,
        Kind::Interrupted => INTERRUPTED,
    }
}

/// Returns the exit code for a stopped run.
pub fn of_stop(stop: &Stop) -> u8 {
    match stop {
        Stop::Interrupted => INTERRUPTED,
        Stop::Service { .. }
        | Stop::Outage { .. }
        | Stop::Guard(_)
        | Stop::UnknownGroup
        | Stop::NotAgreed => STOPPED,
    }
}

/// Returns the exit code for a finished run, given the number of failed or invalid rows.
pub fn of_rows(failed: u64) -> u8 {
    if failed > 0 { ROWS_FAILED } else { OK }
}
