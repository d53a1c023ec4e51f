//! A ledger, parsed from its documented format: JSON lines.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A parsed ledger.
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
    /// Parses a ledger. Fails if any line is torn or is not an entry.
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

    /// The sender's last entry.
    #[track_caller]
    pub(crate) fn entry_of(&self, sender: &str) -> &Entry {
        let last = self.entries.iter().rfind(|entry| entry.sender == sender);
        last.unwrap_or_else(|| panic!("no entry for {sender} in {self:?}"))
    }

    /// The sender of each entry, in file order.
    pub(crate) fn senders(&self) -> Vec<&str> {
        self.entries.iter().map(|entry| &*entry.sender).collect()
    }

    /// The sender of each entry, sorted. A sender appears once per entry.
    pub(crate) fn sorted_senders(&self) -> Vec<&str> {
        let mut senders = self.senders();
        senders.sort_unstable();
        senders
    }

    /// The number of entries with each outcome.
    pub(crate) fn outcomes(&self) -> BTreeMap<&str, usize> {
        let mut outcomes = BTreeMap::new();
        for entry in &self.entries {
            *outcomes.entry(&*entry.outcome).or_default() += 1;
        }
        outcomes
    }

    /// Fails unless the ledger has exactly one entry for each row of
    /// [`rows(rows)`](super::rows), all of them `recalled`.
    #[track_caller]
    pub(crate) fn assert_all_recalled(&self, rows: usize) {
        let mut expected: Vec<_> = super::senders(rows).collect();
        expected.sort_unstable();
        assert_eq!(self.sorted_senders(), expected);
        assert_eq!(self.outcomes(), BTreeMap::from([("recalled", rows)]));
    }
}
