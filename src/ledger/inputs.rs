//! Which input an entry's row is in, if one ledger serves several inputs.
//!
//! - An input is identified by its name, without `./`, `x/..` and doubled slashes. An entry without
//!   an input name belongs to the ledger's own input, the one in the header. Entries of all other
//!   inputs carry the name, whether the input was read alone or together with others.
//! - An invalid row is the same row if it is on the same line of the same input for the same reason.
//!   A resumed run does not record it again.
//! - An invalid row counts as fixed once anything else comes from the same line of the same input.
//!   Rows from a pipe never fix one: all pipes have the same name, and there is no telling whether
//!   the list is the same.
//!
//! A file that was renamed or moved is another input: its invalid rows are recorded again, and the
//! older entries stay. Reporting a line twice costs less than losing a sender. A different list under
//! the same name can't be told from a fixed one, so it needs another ledger; a run that finds an
//! existing ledger says so.

use std::path::Path;

use super::format::{Header, first_input};
use crate::durable;
use crate::rows::plain_name;

/// The input name of rows from stdin.
const STDIN: &str = "stdin";

impl Header {
    /// Returns the name of the input whose entries carry no input name. `None` if the ledger was
    /// begun with several inputs.
    pub fn own_input(&self) -> Option<String> {
        own_input(&self.input)
    }
}

/// Returns the same for a ledger that doesn't exist yet, given the input name for its header.
pub fn own_input(input: &str) -> Option<String> {
    if first_input(input) != input {
        return None;
    }
    Some(match input {
        "-" => STDIN.to_owned(),
        file => plain_name(file),
    })
}

/// Returns whether the name can refer to something different each time: stdin, or a shell's pipe.
pub(super) fn is_passing(name: &str) -> bool {
    name == STDIN || durable::is_passing(Path::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_input_whose_name_looks_like_several_is_still_one() {
        let input = "milk and some more";
        assert_eq!(first_input(input), input);
        assert_eq!(own_input(input), Some(input.to_owned()));
        assert_eq!(first_input("a and b.csv and 2 more"), "a and b.csv");
        assert_eq!(own_input("a.csv and 1 more"), None);
    }

    #[test]
    fn names_of_pipes_are_recognized() {
        for name in ["stdin", "/dev/fd/63", "/proc/self/fd/0"] {
            assert!(is_passing(name), "{name}");
        }
        assert!(!is_passing("dev/a.csv"));
    }
}
