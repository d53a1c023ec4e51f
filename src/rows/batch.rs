//! Rows that were read together: their IDs lie in one piece of memory, which the next rows take
//! over.

use std::sync::Arc;

use super::{BadRow, Read, RowRef};

/// Rows in their order, and how far into the input they reach.
#[derive(Debug, Default)]
pub struct Batch {
    /// The IDs of all rows, one after the other.
    text: String,
    places: Vec<Place>,
    bytes_read: u64,
}

/// Where a row of a batch is.
#[derive(Debug)]
enum Place {
    Row {
        input: Option<Arc<str>>,
        line: u64,
        /// Where its IDs are in the text.
        start: usize,
        end: usize,
        group_len: usize,
        sender_len: usize,
    },
    Bad(BadRow),
}

impl Batch {
    /// How many rows there are, the bad ones counted.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes of the inputs up to its end; 0 where the rows come from no input.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The rows in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Read<'_>> {
        self.places.iter().map(|place| self.read(place))
    }

    /// Adds a row with its group, sender and topic.
    pub fn push(&mut self, input: Option<&Arc<str>>, line: u64, ids: [&str; 3]) {
        let start = self.text.len();
        for id in ids {
            self.text.push_str(id);
        }
        let [group, sender, _] = ids;
        self.places.push(Place::Row {
            input: input.cloned(),
            line,
            start,
            end: self.text.len(),
            group_len: group.len(),
            sender_len: sender.len(),
        });
    }

    /// Adds a bad row.
    pub fn push_bad(&mut self, bad: BadRow) {
        self.places.push(Place::Bad(bad));
    }

    /// Adds a bad row of the input at hand, which is [named](Self::name) where there are several.
    pub(super) fn refuse(&mut self, line: u64, reason: String) {
        self.push_bad(BadRow {
            input: None,
            line,
            reason,
        });
    }

    /// The line of the last row.
    pub(super) fn last_line(&self) -> Option<u64> {
        self.places.last().map(|place| match place {
            Place::Row { line, .. } | Place::Bad(BadRow { line, .. }) => *line,
        })
    }

    /// Says which input the rows from a place on are in.
    pub(super) fn name(&mut self, from: usize, name: &Arc<str>) {
        for place in &mut self.places[from..] {
            let (Place::Row { input, .. } | Place::Bad(BadRow { input, .. })) = place;
            *input = Some(Arc::clone(name));
        }
    }

    /// Makes bad rows of the suspicious ones from a place on.
    pub(super) fn refuse_suspicious(&mut self, from: usize) {
        for at in from..self.places.len() {
            if let Read::Row(row) = self.read(&self.places[at])
                && let Some(reason) = row.suspicion()
            {
                let (input, line) = (row.input.cloned(), row.line);
                self.places[at] = Place::Bad(BadRow {
                    input,
                    line,
                    reason,
                });
            }
        }
    }

    /// Takes all rows out, and keeps the memory that they had.
    pub fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
        self.bytes_read = 0;
    }

    /// Says how many bytes of the inputs there are up to its end.
    pub(super) fn reaches(&mut self, bytes_read: u64) {
        self.bytes_read = bytes_read;
    }

    fn read<'a>(&'a self, place: &'a Place) -> Read<'a> {
        match place {
            Place::Row {
                input,
                line,
                start,
                end,
                group_len,
                sender_len,
            } => Read::Row(RowRef {
                input: input.as_ref(),
                line: *line,
                joined: &self.text[*start..*end],
                group_len: *group_len,
                sender_len: *sender_len,
            }),
            Place::Bad(bad) => Read::Bad(bad),
        }
    }
}
