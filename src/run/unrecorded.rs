//! Entries that have been decided on and are not in the file yet.

use std::collections::VecDeque;

/// Entries on their way to the disk, oldest first.
#[derive(Debug, Default)]
pub(super) struct Unrecorded {
    /// Whether each is of a row that has been called.
    entries: VecDeque<bool>,
    /// Those of rows that have been called: should the process be killed now, these rows are
    /// called again.
    calls: usize,
}

impl Unrecorded {
    /// One more.
    pub(super) fn push(&mut self, called: bool) {
        self.entries.push_back(called);
        self.calls += usize::from(called);
    }

    /// Those of all kinds.
    pub(super) fn entries(&self) -> usize {
        self.entries.len()
    }

    /// Those of rows that have been called.
    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    /// The oldest have reached the file.
    pub(super) fn recorded(&mut self, entries: usize) {
        self.calls -= self
            .entries
            .drain(..entries)
            .filter(|called| *called)
            .count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_were_never_called_are_told_apart() {
        let mut unrecorded = Unrecorded::default();
        for called in [false, true, false, true] {
            unrecorded.push(called);
        }
        assert_eq!((unrecorded.entries(), unrecorded.calls()), (4, 2));
        unrecorded.recorded(3);
        assert_eq!((unrecorded.entries(), unrecorded.calls()), (1, 1));
    }
}
