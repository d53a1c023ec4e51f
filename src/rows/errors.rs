//! Errors that inputs of every format have in common.

use std::io;

use super::file::{Changed, is_changed};
use super::unpack::{TrailingData, trailing_data};
use crate::error::Error;

/// An error for an input that fails while it is being read.
pub(super) fn unreadable(name: &str, error: io::Error) -> Error {
    let hint = if is_changed(&error) {
        Some(Changed::HINT.to_owned())
    } else {
        trailing_data(&error).map(TrailingData::hint)
    };
    let error = Error::input(format!("{name}: cannot be read")).because(error);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// An error for an input without a header or a row.
pub(super) fn empty(name: &str) -> Error {
    Error::input(format!("{name}: is empty: 0 rows and no header"))
}
