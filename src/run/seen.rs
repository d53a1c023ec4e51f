//! Is this row settled already, or a duplicate?
//!
//! Rows are known by identity (group, sender, topic), not by position, so an input that grew,
//! shrank or was reordered between two runs is no trouble. Of each row 16 bytes are kept: 127 bits
//! of a keyed hash and one bit for "settled by an earlier run, not met in this one's input". The
//! key is fresh in every process, for spammers choose their IDs.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// The bit for "settled earlier, not met yet".
const EARLIER: u128 = 1;

/// The rows met so far, and those that an earlier run settled.
#[derive(Debug)]
pub(super) struct Seen {
    key: SipHasher13,
    rows: HashTable<u128>,
}

/// What a row turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// Nothing is known of it: call it.
    New,
    /// It stood in this run's input before.
    Duplicate,
    /// An earlier run settled it.
    Settled,
}

impl Seen {
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        Self {
            key: SipHasher13::new_with_keys(random.hash_one(0), random.hash_one(1)),
            rows: HashTable::new(),
        }
    }

    /// An earlier run settled this row.
    pub(super) fn settled_earlier(&mut self, identity: Identity<'_>) {
        let hash = self.hash(identity);
        if let Entry::Vacant(entry) = find(&mut self.rows, hash) {
            entry.insert(hash | EARLIER);
        }
    }

    /// A row of this run's input.
    pub(super) fn meet(&mut self, identity: Identity<'_>) -> Met {
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
        let mut hasher = self.key;
        let mut write = |text: &str| {
            hasher.write(text.as_bytes());
            // No UTF-8 holds this byte, so no two identities are written the same.
            hasher.write_u8(0xff);
        };
        match identity {
            Identity::Row {
                group,
                sender,
                topic,
            } => [group, sender, topic].into_iter().for_each(&mut write),
            Identity::Bad { line, reason } => {
                write(reason);
                hasher.write_u64(line);
            }
        }
        hasher.finish128().as_u128() & !EARLIER
    }
}

/// What makes a row the same row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Identity<'a> {
    /// A row that can be sent.
    Row {
        group: &'a str,
        sender: &'a str,
        topic: &'a str,
    },
    /// A bad row is the same where it stands on the same line for the same reason.
    Bad { line: u64, reason: &'a str },
}

fn find(rows: &mut HashTable<u128>, hash: u128) -> Entry<'_, u128> {
    let place = |hash: &u128| (hash >> 64) as u64;
    rows.entry(place(&hash), |other| other & !EARLIER == hash, place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row<'a>(group: &'a str, sender: &'a str, topic: &'a str) -> Identity<'a> {
        Identity::Row {
            group,
            sender,
            topic,
        }
    }

    #[test]
    fn a_row_is_new_once_and_then_a_duplicate() {
        let mut seen = Seen::new();
        assert_eq!(seen.meet(row("g", "s", "")), Met::New);
        assert_eq!(seen.meet(row("g", "s", "")), Met::Duplicate);
        assert_eq!(seen.meet(row("g", "s", "t")), Met::New);
    }

    #[test]
    fn a_row_of_an_earlier_run_is_settled_once_and_then_a_duplicate() {
        let mut seen = Seen::new();
        seen.settled_earlier(row("g", "s", ""));
        seen.settled_earlier(row("g", "s", ""));
        assert_eq!(seen.meet(row("g", "s", "")), Met::Settled);
        assert_eq!(seen.meet(row("g", "s", "")), Met::Duplicate);
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
            assert_eq!(seen.meet(identity), Met::New);
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
                let met = seen.meet(row(group, sender, topic));
                prop_assert_eq!(met == Met::New, texts.insert((group, sender, topic)));
            }
        }
    }
}
