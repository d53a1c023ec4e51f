//! Why an input can't be read, whatever its format.

use std::io;

use super::file::{Changed, is_changed};
use super::unpack::{Behind, behind};
use crate::error::Error;

/// An input that fails while it is read.
pub(super) fn unreadable(name: &str, error: io::Error) -> Error {
    let hint = if is_changed(&error) {
        Some(Changed::HINT.to_owned())
    } else {
        behind(&error).map(Behind::hint)
    };
    let error = Error::input(format!("{name}: cannot be read")).because(error);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// An input without a header or a row.
pub(super) fn empty(name: &str) -> Error {
    Error::input(format!("{name}: is empty: 0 rows and no header"))
}
