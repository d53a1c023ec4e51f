//! Groups: which have been met, and what a look at them before the run has found.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, RandomState};

use super::plan::Skip;

/// What a look at the groups of an input has found. The input may have grown since.
#[derive(Clone, Debug)]
pub struct KnownGroups {
    met: Groups,
    skip: HashMap<String, Skip>,
}

/// What is known of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupFate {
    /// Its rows are to be called.
    Call,
    /// A call would do nothing there.
    Skip(Skip),
    /// Nothing: it was not asked for.
    NotLookedUp,
}

impl KnownGroups {
    /// The groups that were asked for, and those among them in which a call would do nothing.
    pub(crate) fn new(met: Groups, skip: HashMap<String, Skip>) -> Self {
        Self { met, skip }
    }

    /// What is known of this group.
    pub(crate) fn of(&self, group: &str) -> GroupFate {
        match self.skip.get(group) {
            Some(skip) => GroupFate::Skip(*skip),
            None if self.met.rows(group) > 0 => GroupFate::Call,
            None => GroupFate::NotLookedUp,
        }
    }
}

/// Of each group a hash and a count: the texts are not kept, for there may be a million of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    /// Fresh in every process, for spammers choose their IDs.
    key: RandomState,
    rows: HashMap<u64, u64>,
}

impl Groups {
    /// A row of this group. True for the first one.
    pub(crate) fn meet(&mut self, group: &str) -> bool {
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
    pub(crate) fn met(&self) -> u64 {
        self.rows.len() as u64
    }

    /// How many rows this group has.
    pub(crate) fn rows(&self, group: &str) -> u64 {
        let rows = self.rows.get(&self.key.hash_one(group));
        rows.copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_group_that_was_not_asked_for_nothing_is_known() {
        let mut met = Groups::default();
        assert!(met.meet("here") && met.meet("silent"));
        let skip = Skip {
            code: 0,
            reason: "made up",
        };
        let looked_up = KnownGroups::new(met, HashMap::from([("silent".to_owned(), skip)]));
        let known = ["here", "silent", "new"].map(|group| looked_up.of(group));
        assert_eq!(
            known,
            [
                GroupFate::Call,
                GroupFate::Skip(skip),
                GroupFate::NotLookedUp
            ]
        );
    }

    #[test]
    fn a_group_is_new_once_and_its_rows_are_counted() {
        let mut groups = Groups::default();
        let new = ["a", "b", "a", "a"].map(|group| groups.meet(group));
        assert_eq!(new, [true, true, false, false]);
        assert_eq!(["a", "b", "c"].map(|group| groups.rows(group)), [3, 1, 0]);
        assert_eq!(groups.met(), 2);
    }
}
