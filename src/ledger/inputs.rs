//! Which input an entry's row stands in, where one ledger serves several.
//!
//! - An input is known by its name, with `./`, `x/..` and doubled slashes taken out of it. An entry
//!   without a name is of the ledger's own input, the one in the header; every other input's rows
//!   have its name, whether they were read alone or together with others.
//! - A row that can't be sent is the same again on the same line of the same input for the same
//!   reason; then a resumed run does not record it once more.
//! - It has been mended once anything else comes from that line of that input. What comes through a
//!   pipe mends nothing: all of it has the same name, and nobody knows whether it is the same list.
//!
//! A file that was renamed or moved is another input: its bad rows are recorded once more, and the
//! older ones stay. To look at a line twice costs less than to lose a sender. Another list under
//! the same name can't be told from a mended one, so it needs another ledger, and a run that finds
//! one in its way says so.

use std::path::Path;

use super::format::{Header, first_input};
use crate::durable;
use crate::rows::plain_name;

/// What rows from stdin are called.
const STDIN: &str = "stdin";

impl Header {
    /// The name of the input whose entries have none; none where the ledger was begun with several.
    pub fn own_input(&self) -> Option<String> {
        own_input(&self.input)
    }
}

/// The same for a ledger that is yet to begin, by the name that its header will have.
pub fn own_input(input: &str) -> Option<String> {
    if first_input(input) != input {
        return None;
    }
    Some(match input {
        "-" => STDIN.to_owned(),
        file => plain_name(file),
    })
}

/// Whether what had this name can be another thing each time: stdin, a pipe of the shell's.
pub(super) fn is_passing(name: &str) -> bool {
    name == STDIN || durable::is_passing(Path::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_whose_name_reads_like_several_is_still_one() {
        let input = "milk and some more";
        assert_eq!(first_input(input), input);
        assert_eq!(own_input(input), Some(input.to_owned()));
        assert_eq!(first_input("a and b.csv and 2 more"), "a and b.csv");
        assert_eq!(own_input("a.csv and 1 more"), None);
    }

    #[test]
    fn what_comes_through_a_pipe_is_known_as_such() {
        for name in ["stdin", "/dev/fd/63", "/proc/self/fd/0"] {
            assert!(is_passing(name), "{name}");
        }
        assert!(!is_passing("dev/a.csv"));
    }
}
