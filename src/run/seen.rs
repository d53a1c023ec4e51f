//! Is this row settled already, or a duplicate?
//!
//! Of each row 16 bytes are kept: 127 bits of a keyed hash and one bit for "settled by an earlier
//! run, not met in this one's input".

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::identity::{Identity, Key};
use crate::ledger::Settled;
use crate::rows::{BadRow, Row};

/// The bit for "settled earlier, not met yet".
const EARLIER: u128 = 1;

/// The rows met so far, and those that an earlier run settled.
#[derive(Debug)]
pub(crate) struct Seen {
    key: Key,
    rows: HashTable<u128>,
}

/// What a row turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// Nothing is known of it: call it.
    New,
    /// It stood in this run's input before.
    Duplicate,
    /// An earlier run settled it.
    Settled,
}

impl Seen {
    pub(crate) fn new() -> Self {
        Self {
            key: Key::fresh(),
            rows: HashTable::new(),
        }
    }

    /// An earlier run settled this row.
    pub(crate) fn settled_earlier(&mut self, settled: &Settled<'_>) {
        let hash = self.hash(Identity::of(settled));
        if let Entry::Vacant(entry) = find(&mut self.rows, hash) {
            entry.insert(hash | EARLIER);
        }
    }

    /// A row of this run's input.
    pub(crate) fn meet(&mut self, row: &Row) -> Met {
        self.meet_identity(Identity::Row {
            group: &row.group,
            sender: &row.sender,
            topic: &row.topic,
        })
    }

    /// A bad row of this run's input.
    pub(crate) fn meet_bad(&mut self, bad: &BadRow) -> Met {
        self.meet_identity(Identity::Bad {
            line: bad.line,
            reason: &bad.reason,
        })
    }

    fn meet_identity(&mut self, identity: Identity<'_>) -> Met {
        let hash = self.hash(identity);
        match find(&mut self.rows, hash) {
            Entry::Vacant(entry) => {
                entry.insert(hash);
                Met::New
            }
            Entry::Occupied(mut entry) if *entry.get() & EARLIER != 0 => {
                *entry.get_mut() = hash;
                Met::Settled
            }
            Entry::Occupied(_) => Met::Duplicate,
        }
    }

    fn hash(&self, identity: Identity<'_>) -> u128 {
        self.key.hash(identity) & !EARLIER
    }
}

fn find(rows: &mut HashTable<u128>, hash: u128) -> Entry<'_, u128> {
    let place = |hash: &u128| (hash >> 64) as u64;
    rows.entry(place(&hash), |other| other & !EARLIER == hash, place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;
    use proptest::prelude::*;

    fn row<'a>(group: &'a str, sender: &'a str, topic: &'a str) -> Identity<'a> {
        Identity::Row {
            group,
            sender,
            topic,
        }
    }

    fn settled<'a>(group: &'a str, sender: &'a str) -> Settled<'a> {
        Settled {
            row: 2,
            group: group.into(),
            sender: sender.into(),
            topic: "".into(),
            outcome: Outcome::Recalled,
            info: "".into(),
        }
    }

    #[test]
    fn a_row_is_new_once_and_then_a_duplicate() {
        let mut seen = Seen::new();
        assert_eq!(seen.meet_identity(row("g", "s", "")), Met::New);
        assert_eq!(seen.meet_identity(row("g", "s", "")), Met::Duplicate);
        assert_eq!(seen.meet_identity(row("g", "s", "t")), Met::New);
    }

    #[test]
    fn a_row_of_an_earlier_run_is_settled_once_and_then_a_duplicate() {
        let mut seen = Seen::new();
        seen.settled_earlier(&settled("g", "s"));
        seen.settled_earlier(&settled("g", "s"));
        assert_eq!(seen.meet_identity(row("g", "s", "")), Met::Settled);
        assert_eq!(seen.meet_identity(row("g", "s", "")), Met::Duplicate);
    }

    #[test]
    fn characters_do_not_move_between_fields() {
        let mut seen = Seen::new();
        for identity in [
            row("ab", "c", ""),
            row("a", "bc", ""),
            row("a", "b", "c"),
            row("abc", "", ""),
        ] {
            assert_eq!(seen.meet_identity(identity), Met::New);
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set_of_the_texts(
            rows in prop::collection::vec(("[ab]{0,2}", "[ab]{0,2}", "[ab]{0,2}"), 0..200),
        ) {
            let mut seen = Seen::new();
            let mut texts = std::collections::HashSet::new();
            for (group, sender, topic) in &rows {
                let met = seen.meet_identity(row(group, sender, topic));
                prop_assert_eq!(met == Met::New, texts.insert((group, sender, topic)));
            }
        }
    }
}
