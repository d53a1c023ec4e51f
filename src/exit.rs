//! Exit codes: a contract that scripts rely on.

use crate::error::Kind;
use crate::run::Stop;

/// Every row was recalled, or skipped for a reason.
pub const OK: u8 = 0;
/// The job could not be done: input, disk, ledger, output.
pub const COULD_NOT_RUN: u8 = 1;
/// Flags, environment or configuration.
pub const USAGE: u8 = 2;
/// Finished, but some rows failed or are invalid.
pub const ROWS_FAILED: u8 = 3;
/// The `UserSig` that `recall usersig show` was asked about has expired.
pub const USERSIG_EXPIRED: u8 = 3;
/// Stopped by the service, an outage or the guard; resumable.
pub const STOPPED: u8 = 4;
/// Interrupted; resumable.
pub const INTERRUPTED: u8 = 130;

/// The code of an error.
pub fn of_error(kind: Kind) -> u8 {
    match kind {
        Kind::Usage => USAGE,
        Kind::Input | Kind::Ledger | Kind::Output | Kind::Service => COULD_NOT_RUN,
        Kind::Stopped | Kind::Outage => STOPPED,
        Kind::Interrupted => INTERRUPTED,
    }
}

/// The code of a run that was stopped.
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

/// The code of a run that came to its end, with so many rows failed or invalid.
pub fn of_rows(failed: u64) -> u8 {
    if failed > 0 { ROWS_FAILED } else { OK }
}
