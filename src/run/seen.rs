//! Is this row settled already, or a duplicate?
//!
//! Each row takes 16 bytes: 127 bits of a keyed hash and one bit for "settled by an earlier
//! run, not met in this one's input".

use std::hint::black_box;
use std::mem;
use std::panic::resume_unwind;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use allocator_api2::alloc::System;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::identity::Key;
use crate::ledger::Settled;
use crate::rows::Batch;

/// Settled rows that are added to the table together.
const CHUNK: usize = 256;
/// Chunks of settled rows that may wait to be added.
const AHEAD: usize = 16;
/// A table of this many rows, 4 MiB, still fits in a processor's cache.
const CACHED_ROWS: usize = 200_000;

/// The bit for "settled earlier, not met yet".
const EARLIER: u128 = 1;

/// The rows met so far, and those that an earlier run settled.
#[derive(Debug)]
pub(crate) struct Seen {
    key: Key,
    /// In the system allocator, which reclaims a table as soon as a larger one has replaced it.
    rows: HashTable<u128, System>,
    /// The number of rows settled earlier that have not been met yet.
    unmet: u64,
}

/// The result of looking up a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// It was not known: call it.
    New,
    /// It appeared earlier in this run's input.
    Duplicate,
    /// An earlier run settled it.
    Settled,
}

impl Seen {
    pub(crate) fn new() -> Self {
        Self {
            key: Key::fresh(),
            rows: HashTable::new_in(System),
            unmet: 0,
        }
    }

    /// Takes in the rows that an earlier run settled, roughly `about` of them, while another thread
    /// runs `tell`: reading a ledger takes about as long as remembering its rows.
    pub(crate) fn settled_earlier<T: Send>(
        &mut self,
        about: usize,
        tell: impl FnOnce(&mut SettledSink) -> T + Send,
    ) -> T {
        // Reserved, because a growing table holds its rows twice for a while.
        self.rows.reserve(about, place);
        let (sender, settled) = sync_channel(AHEAD);
        let mut earlier = SettledSink {
            key: self.key,
            chunk: Vec::with_capacity(CHUNK),
            sender,
        };
        thread::scope(|scope| {
            let reader = scope.spawn(move || {
                let result = tell(&mut earlier);
                earlier.hand_over();
                result
            });
            for hashes in settled {
                self.take_in_settled(&hashes);
            }
            reader.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// Returns how many rows that an earlier run settled have not been met yet.
    pub(crate) fn unmet(&self) -> u64 {
        self.unmet
    }

    /// Remembers rows of this run's input, and returns what was known of each.
    pub(crate) fn meet(&mut self, batch: &Batch) -> Vec<Met> {
        let reads = batch.iter();
        let hashes: Vec<_> = reads
            .map(|read| self.key.of_read(read) & !EARLIER)
            .collect();
        self.fetch(&hashes);
        hashes
            .into_iter()
            .map(|hash| self.meet_hash(hash))
            .collect()
    }

    fn meet_hash(&mut self, hash: u128) -> Met {
        match find(&mut self.rows, hash) {
            Entry::Vacant(entry) => {
                entry.insert(hash);
                Met::New
            }
            Entry::Occupied(mut entry) if *entry.get() & EARLIER != 0 => {
                *entry.get_mut() = hash;
                self.unmet -= 1;
                Met::Settled
            }
            Entry::Occupied(_) => Met::Duplicate,
        }
    }

    fn take_in_settled(&mut self, hashes: &[u128]) {
        self.fetch(hashes);
        for hash in hashes {
            if let Entry::Vacant(entry) = find(&mut self.rows, *hash) {
                entry.insert(hash | EARLIER);
                self.unmet += 1;
            }
        }
    }

    /// Brings the slots of these rows into the processor's cache, if the table is too large to fit
    /// there anyway. No lookup depends on the result of another, so their cache misses overlap.
    fn fetch(&self, hashes: &[u128]) {
        if self.rows.len() < CACHED_ROWS {
            return;
        }
        for hash in hashes {
            black_box(
                self.rows
                    .find(place(hash), |other| other & !EARLIER == *hash),
            );
        }
    }
}

/// Receives the rows that an earlier run settled.
#[derive(Debug)]
pub(crate) struct SettledSink {
    key: Key,
    chunk: Vec<u128>,
    sender: SyncSender<Vec<u128>>,
}

impl SettledSink {
    /// Adds a row that it settled.
    pub(crate) fn settled(&mut self, settled: &Settled<'_>) {
        self.chunk.push(self.key.of_settled(settled) & !EARLIER);
        if self.chunk.len() == CHUNK {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let hashes = mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        // The receiver stays until this sender is dropped.
        let _ = self.sender.send(hashes);
    }
}

fn place(hash: &u128) -> u64 {
    (hash >> 64) as u64
}

fn find(rows: &mut HashTable<u128, System>, hash: u128) -> Entry<'_, u128, System> {
    rows.entry(place(&hash), |other| other & !EARLIER == hash, place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;
    use proptest::prelude::*;

    fn batch<'a>(rows: impl IntoIterator<Item = [&'a str; 3]>) -> Batch {
        let mut batch = Batch::default();
        for ids in rows {
            batch.push(None, 2, ids);
        }
        batch
    }

    fn settled<'a>(group: &'a str, sender: &'a str) -> Settled<'a> {
        Settled {
            row: 2,
            input: "".into(),
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
        let rows = [["g", "s", ""], ["g", "s", ""], ["g", "s", "t"]];
        let met = seen.meet(&batch(rows));
        assert_eq!(met, [Met::New, Met::Duplicate, Met::New]);
        assert_eq!(seen.meet(&batch([["g", "s", "t"]])), [Met::Duplicate]);
    }

    #[test]
    fn a_row_of_an_earlier_run_is_settled_once_and_then_a_duplicate() {
        let mut seen = Seen::new();
        seen.settled_earlier(0, |earlier| {
            earlier.settled(&settled("g", "s"));
            earlier.settled(&settled("g", "s"));
        });
        assert_eq!(seen.unmet(), 1);
        let met = seen.meet(&batch([["g", "s", ""]; 2]));
        assert_eq!(met, [Met::Settled, Met::Duplicate]);
        assert_eq!(seen.unmet(), 0);
    }

    #[test]
    fn more_settled_rows_than_expected_are_all_known() {
        let names: Vec<_> = (0..1_000).map(|n| n.to_string()).collect();
        let mut seen = Seen::new();
        seen.settled_earlier(7, |earlier| {
            for name in &names {
                earlier.settled(&settled("g", name));
            }
        });
        assert_eq!(seen.unmet(), 1_000);
        let met = seen.meet(&batch(names.iter().map(|name| ["g", name, ""])));
        assert_eq!(met, [Met::Settled; 1_000]);
    }

    #[test]
    fn characters_moved_to_another_field_make_another_row() {
        let rows = [
            ["ab", "c", ""],
            ["a", "bc", ""],
            ["a", "b", "c"],
            ["abc", "", ""],
        ];
        let met = Seen::new().meet(&batch(rows));
        assert_eq!(met, [Met::New; 4]);
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set_of_plain_texts(
            batches in prop::collection::vec(
                prop::collection::vec(("[ab]{0,2}", "[ab]{0,2}", "[ab]{0,2}"), 0..50),
                0..10,
            ),
        ) {
            let mut seen = Seen::new();
            let mut texts = std::collections::HashSet::new();
            for rows in &batches {
                let ids = rows.iter().map(|(group, sender, topic)| [&**group, sender, topic]);
                for (met, text) in seen.meet(&batch(ids)).into_iter().zip(rows) {
                    prop_assert_eq!(met == Met::New, texts.insert(text));
                }
            }
        }
    }
}
