//! Counts the calls of each row.

use hashbrown::HashTable;
use serde::Serialize;

use super::key::Key;

/// The calls of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RowSeen<'a> {
    #[serde(flatten)]
    pub(crate) key: Key<'a>,
    /// The number of calls, not counting those that the cap rejected.
    pub(crate) calls: u32,
    /// How many were answered with code 0.
    pub(crate) ok: u32,
    /// Whether any call took effect, answered or not.
    #[serde(skip)]
    pub(crate) landed: bool,
}

/// The calls of each row, in order of their first call.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    seed: u64,
    table: HashTable<u32>,
    entries: Vec<Entry>,
    /// The IDs of all rows, end to end, so a row needs no allocation of its own.
    text: String,
    most_calls: u32,
}

#[derive(Debug)]
struct Entry {
    start: usize,
    /// The lengths of group, sender and topic. They fit: a body has at most 64 KiB.
    lengths: [u16; 3],
    calls: u32,
    ok: u32,
    landed: bool,
}

impl Rows {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// Counts a call. Returns the row's index and how many calls it had before.
    pub(crate) fn call(&mut self, key: Key<'_>) -> (usize, u32) {
        let hash = key.hash(self.seed);
        let (entries, text) = (&self.entries, &self.text);
        let found = self
            .table
            .find(hash, |&index| entries[index as usize].key(text) == key);
        let index = match found {
            Some(&index) => index as usize,
            None => self.insert(key, hash),
        };
        let entry = &mut self.entries[index];
        entry.calls += 1;
        self.most_calls = self.most_calls.max(entry.calls);
        (index, entry.calls - 1)
    }

    /// Counts an answer with code 0.
    pub(crate) fn ok(&mut self, index: usize) {
        self.entries[index].ok += 1;
    }

    /// Records that a call took effect.
    pub(crate) fn landed(&mut self, index: usize) {
        self.entries[index].landed = true;
    }

    /// Returns how many rows were called.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the maximum number of calls for any row.
    pub(crate) fn most_calls(&self) -> u32 {
        self.most_calls
    }

    /// Returns the `index`th row, in order of first call.
    pub(crate) fn get(&self, index: usize) -> Option<RowSeen<'_>> {
        self.entries.get(index).map(|entry| RowSeen {
            key: entry.key(&self.text),
            calls: entry.calls,
            ok: entry.ok,
            landed: entry.landed,
        })
    }

    fn insert(&mut self, key: Key<'_>, hash: u64) -> usize {
        let index = self.entries.len();
        let parts = [key.group, key.sender, key.topic];
        self.entries.push(Entry {
            start: self.text.len(),
            lengths: parts.map(|part| u16::try_from(part.len()).unwrap_or(u16::MAX)),
            calls: 0,
            ok: 0,
            landed: false,
        });
        self.text.extend(parts);
        let (seed, entries, text) = (self.seed, &self.entries, &self.text);
        let slot = u32::try_from(index).unwrap_or(u32::MAX);
        self.table.insert_unique(hash, slot, |&index| {
            entries[index as usize].key(text).hash(seed)
        });
        index
    }
}

impl Entry {
    fn key<'a>(&self, text: &'a str) -> Key<'a> {
        let [group, sender, topic] = self.lengths.map(usize::from);
        let text = &text[self.start..];
        Key {
            group: &text[..group],
            sender: &text[group..group + sender],
            topic: &text[group + sender..group + sender + topic],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key<'a>(group: &'a str, sender: &'a str, topic: &'a str) -> Key<'a> {
        Key {
            group,
            sender,
            topic,
        }
    }

    #[test]
    fn calls_are_counted_per_row() {
        let mut rows = Rows::new(1);
        assert_eq!(rows.call(key("g", "a", "")), (0, 0));
        assert_eq!(rows.call(key("g", "b", "")), (1, 0));
        assert_eq!(rows.call(key("g", "a", "")), (0, 1));
        rows.ok(0);
        assert_eq!((rows.len(), rows.most_calls()), (2, 2));
        let first = rows.get(0).expect("a row");
        assert_eq!(
            (first.key, first.calls, first.ok),
            (key("g", "a", ""), 2, 1)
        );
    }

    #[test]
    fn ids_that_join_to_the_same_text_are_different_rows() {
        let mut rows = Rows::new(1);
        rows.call(key("ab", "c", ""));
        rows.call(key("a", "bc", ""));
        rows.call(key("a", "b", "c"));
        assert_eq!((rows.len(), rows.most_calls()), (3, 1));
    }

    #[test]
    fn many_rows_are_all_found_again() {
        let mut rows = Rows::new(9);
        for round in 0..2 {
            for n in 0..10_000 {
                let sender = format!("user{n}");
                assert_eq!(rows.call(key("群", &sender, "t")), (n, round));
            }
        }
        let last = rows.get(9_999).expect("a row");
        assert_eq!(last.key, key("群", "user9999", "t"));
    }
}
