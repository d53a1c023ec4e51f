//! A ledger as anybody reads it: JSON lines by the documented names.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A ledger, read whole.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) header: Header,
    pub(crate) entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) recall_ledger: u32,
    pub(crate) app: u64,
    pub(crate) endpoint: String,
    pub(crate) input: String,
    pub(crate) created: jiff::Timestamp,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) row: u64,
    #[serde(default)]
    pub(crate) input: String,
    pub(crate) group: String,
    pub(crate) sender: String,
    pub(crate) topic: String,
    pub(crate) outcome: String,
    pub(crate) code: i64,
    pub(crate) info: String,
    pub(crate) attempts: u32,
    #[serde(default)]
    pub(crate) sent_at: Option<jiff::Timestamp>,
    #[serde(default)]
    pub(crate) ms: Option<u64>,
}

impl Ledger {
    /// Fails where any line is torn or is no entry.
    #[track_caller]
    pub(crate) fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "a torn tail: {text:?}");
        let mut lines = text.split_terminator('\n');
        let header = serde_json::from_str(lines.next().unwrap()).unwrap();
        let entries = lines.map(|line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        });
        Self {
            header,
            entries: entries.collect(),
        }
    }

    /// The last entry of a sender.
    #[track_caller]
    pub(crate) fn of(&self, sender: &str) -> &Entry {
        let last = self.entries.iter().rfind(|entry| entry.sender == sender);
        last.unwrap_or_else(|| panic!("no entry of {sender} in {self:?}"))
    }

    /// Senders in the order of their lines.
    pub(crate) fn senders(&self) -> Vec<&str> {
        self.entries.iter().map(|entry| &*entry.sender).collect()
    }

    /// Senders, sorted; as often as they have lines.
    pub(crate) fn sorted_senders(&self) -> Vec<&str> {
        let mut senders = self.senders();
        senders.sort_unstable();
        senders
    }

    /// How many lines have each outcome.
    pub(crate) fn outcomes(&self) -> BTreeMap<&str, usize> {
        let mut outcomes = BTreeMap::new();
        for entry in &self.entries {
            *outcomes.entry(&*entry.outcome).or_default() += 1;
        }
        outcomes
    }

    /// Fails unless each of so many distinct rows of [`rows`](super::rows) has one line, and it
    /// says `recalled`.
    #[track_caller]
    pub(crate) fn has_recalled_each_of(&self, rows: usize) {
        let mut wanted: Vec<_> = super::senders(rows).collect();
        wanted.sort_unstable();
        assert_eq!(self.sorted_senders(), wanted);
        assert_eq!(self.outcomes(), BTreeMap::from([("recalled", rows)]));
    }
}
