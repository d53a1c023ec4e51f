//! Rows that are passed on together. Their IDs share one allocation, which is reused.

use std::sync::Arc;

use super::{BadRow, Read, RowRef};

/// Rows in input order, and how far into the input they reach.
#[derive(Debug, Default)]
pub struct Batch {
    /// The concatenated IDs of all rows.
    text: String,
    places: Vec<Place>,
    bytes_read: u64,
}

/// A row of a batch.
#[derive(Debug)]
enum Place {
    Row {
        input: Option<Arc<str>>,
        line: u64,
        /// The range of its IDs in the text.
        start: usize,
        end: usize,
        group_len: usize,
        sender_len: usize,
    },
    Bad(BadRow),
}

impl Batch {
    /// Returns the number of rows, bad ones included.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns the number of input bytes up to its end; 0 if the rows come from no input.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Iterates over the rows in input order.
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

    /// Adds a bad row of the current input, whose [name](Self::name) is set later if needed.
    pub(super) fn refuse(&mut self, line: u64, reason: String) {
        self.push_bad(BadRow {
            input: None,
            line,
            reason,
        });
    }

    /// Returns the line of the last row.
    pub(super) fn last_line(&self) -> Option<u64> {
        self.places.last().map(|place| match place {
            Place::Row { line, .. } | Place::Bad(BadRow { line, .. }) => *line,
        })
    }

    /// Sets the input of the rows from index `from` on.
    pub(super) fn name(&mut self, from: usize, name: &Arc<str>) {
        for place in &mut self.places[from..] {
            let (Place::Row { input, .. } | Place::Bad(BadRow { input, .. })) = place;
            *input = Some(Arc::clone(name));
        }
    }

    /// Turns suspicious rows from index `from` on into bad ones.
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

    /// Removes all rows, and keeps their memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
        self.bytes_read = 0;
    }

    /// Sets the number of input bytes up to its end.
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
