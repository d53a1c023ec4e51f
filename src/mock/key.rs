//! A row as a call names it, and a filter for rows.

use std::hash::Hasher;

use serde::Serialize;
use siphasher::sip::SipHasher13;

/// A row as a call names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Key<'a> {
    pub(crate) group: &'a str,
    pub(crate) sender: &'a str,
    pub(crate) topic: &'a str,
}

impl Key<'_> {
    /// Returns a hash that is the same for the same row and seed in every process.
    pub(crate) fn hash(&self, seed: u64) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(seed, 0);
        for part in [self.group, self.sender, self.topic] {
            hasher.write(part.as_bytes());
            hasher.write_u8(0xff);
        }
        hasher.finish()
    }
}

/// Selects rows by their parts. An empty filter selects all rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// Only rows of this group.
    pub group: Option<String>,
    /// Only rows of this sender.
    pub sender: Option<String>,
    /// Only rows of this topic; if empty, only rows without a topic.
    pub topic: Option<String>,
}

impl KeyFilter {
    /// Returns whether the filter selects the row. If the row is unknown, only an empty filter
    /// does.
    pub(crate) fn fits(&self, row: Option<Key<'_>>) -> bool {
        let fits = |wanted: &Option<String>, part: fn(Key<'_>) -> &str| {
            wanted
                .as_deref()
                .is_none_or(|wanted| row.is_some_and(|row| part(row) == wanted))
        };
        fits(&self.group, |row| row.group)
            && fits(&self.sender, |row| row.sender)
            && fits(&self.topic, |row| row.topic)
    }
}
