//! Entries that are decided but not in the file yet.

use std::collections::VecDeque;

use crate::outcome::{Entry, Outcome};

/// What the tally has counted of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) outcome: Outcome,
    pub(super) code: i64,
    pub(super) attempts: u32,
}

/// Entries on their way to disk, oldest first.
#[derive(Debug, Default)]
pub(super) struct Unrecorded {
    entries: VecDeque<Counted>,
    /// Entries of rows that have been called. If the process is killed now, these rows are called
    /// again.
    calls: usize,
}

impl Unrecorded {
    /// Adds an entry.
    pub(super) fn push(&mut self, entry: &Entry<'_>) {
        let counted = Counted {
            outcome: entry.outcome,
            code: entry.code,
            attempts: entry.attempts,
        };
        self.calls += usize::from(counted.was_called());
        self.entries.push_back(counted);
    }

    /// Returns the number of all entries.
    pub(super) fn entries(&self) -> usize {
        self.entries.len()
    }

    /// Returns the number of entries of rows that have been called.
    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    /// This many of the oldest have reached the file.
    pub(super) fn recorded(&mut self, entries: usize) {
        self.calls -= self
            .entries
            .drain(..entries)
            .filter(|entry| entry.was_called())
            .count();
    }

    /// Returns the entries that will never reach the file.
    pub(super) fn into_entries(self) -> impl Iterator<Item = Counted> {
        self.entries.into_iter()
    }
}

impl Counted {
    fn was_called(self) -> bool {
        self.attempts > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::BadRow;
    use crate::run::entry;

    #[test]
    fn entries_of_rows_that_were_called_are_counted_separately() {
        let mut unrecorded = Unrecorded::default();
        for attempts in [0, 1, 0, 3] {
            let bad = BadRow {
                input: None,
                line: 1,
                reason: "made up".to_owned(),
            };
            let entry = entry::invalid(bad);
            unrecorded.push(&Entry { attempts, ..entry });
        }
        assert_eq!((unrecorded.entries(), unrecorded.calls()), (4, 2));
        unrecorded.recorded(3);
        assert_eq!((unrecorded.entries(), unrecorded.calls()), (1, 1));
    }
}
