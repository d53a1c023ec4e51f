//! Groups: which have been seen, and what the preflight found about them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, RandomState};

use super::plan::Skip;

/// What the preflight found about the groups of an input. The input may have grown since.
#[derive(Clone, Debug)]
pub struct KnownGroups {
    met: Groups,
    skip: HashMap<String, Skip>,
}

/// What to do with the rows of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupFate {
    /// Call them.
    Call,
    /// Skip them: a call would do nothing.
    Skip(Skip),
    /// Unknown: the preflight did not look the group up.
    NotLookedUp,
}

impl KnownGroups {
    /// Takes the groups looked up, and those among them in which a call would do nothing.
    pub(crate) fn new(met: Groups, skip: HashMap<String, Skip>) -> Self {
        Self { met, skip }
    }

    /// Returns what to do with the rows of this group.
    pub(crate) fn of(&self, group: &str) -> GroupFate {
        match self.skip.get(group) {
            Some(skip) => GroupFate::Skip(*skip),
            None if self.met.rows(group) > 0 => GroupFate::Call,
            None => GroupFate::NotLookedUp,
        }
    }
}

/// A hash and a row count for each group. IDs are not kept: there may be a million of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    /// Fresh in every process, because spammers choose their IDs.
    key: RandomState,
    rows: HashMap<u64, u64>,
}

impl Groups {
    /// Counts a row of this group. Returns true for the first one.
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

    /// Returns the number of groups seen.
    pub(crate) fn met(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Returns the number of rows of this group.
    pub(crate) fn rows(&self, group: &str) -> u64 {
        let rows = self.rows.get(&self.key.hash_one(group));
        rows.copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_was_not_looked_up_is_reported_as_such() {
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
