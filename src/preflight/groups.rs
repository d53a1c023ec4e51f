//! Which groups have been met, and how many rows each has.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, RandomState};

/// Of each group a hash and a count: the texts are not kept, for there may be a million of them.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Fresh in every process, for spammers choose their IDs.
    key: RandomState,
    rows: HashMap<u64, u64>,
}

impl Groups {
    /// A row of this group. True for the first one.
    pub(super) fn meet(&mut self, group: &str) -> bool {
        match self.rows.entry(self.key.hash_one(group)) {
            Entry::Vacant(entry) => {
                entry.insert(1);
                true
            }
            Entry::Occupied(mut entry) => {
                *entry.get_mut() += 1;
                false
            }
        }
    }

    /// How many groups have been met.
    pub(super) fn met(&self) -> u64 {
        self.rows.len() as u64
    }

    /// How many rows this group has.
    pub(super) fn rows(&self, group: &str) -> u64 {
        let rows = self.rows.get(&self.key.hash_one(group));
        rows.copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_new_once_and_its_rows_are_counted() {
        let mut groups = Groups::default();
        let new = ["a", "b", "a", "a"].map(|group| groups.meet(group));
        assert_eq!(new, [true, true, false, false]);
        assert_eq!(["a", "b", "c"].map(|group| groups.rows(group)), [3, 1, 0]);
        assert_eq!(groups.met(), 2);
    }
}
