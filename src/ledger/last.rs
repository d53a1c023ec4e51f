//! The last word on every row. A replay appends a second entry for a row that had failed, and a
//! resumed run one for a row that was invalid and has been mended; then the first no longer counts.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::format::Header;
use super::reader::Reader;
use super::settled::Settled;
use crate::error::Result;
use crate::identity::Key;
use crate::outcome::{Entry, Outcome};

/// A ledger read without the entries that a later one has replaced.
///
/// Only failed and invalid rows are ever followed by another entry, so it remembers those and no
/// others.
#[derive(Debug)]
pub struct LastWords {
    reader: Reader,
    /// Where the replaced entries end in the file.
    replaced: HashSet<u64>,
    /// Where the last entry ends. A replay appends to the ledger that it reads from.
    end: u64,
    failed: u64,
    several_inputs: bool,
}

impl LastWords {
    /// Reads a ledger once, to learn which entries count.
    ///
    /// # Errors
    /// When it can't be read or is none.
    pub fn open(path: &Path) -> Result<Self> {
        let mut reader = Reader::open(path)?;
        let mut replaceable = Replaceable::new();
        let mut replaced = HashSet::new();
        let mut several_inputs = false;
        while reader.advance()? {
            let Some(settled) = reader.settled() else {
                continue;
            };
            several_inputs |= !settled.input.is_empty();
            replaced.extend(replaceable.replaced_by(&settled));
            if Replaceable::may_hold(settled.outcome) {
                replaceable.hold(&settled, reader.whole_bytes());
            }
        }
        Ok(Self {
            reader: Reader::open(path)?,
            replaced,
            end: reader.whole_bytes(),
            failed: replaceable.failed.len() as u64,
            several_inputs,
        })
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        self.reader.path()
    }

    /// Whose ledger it is.
    pub fn header(&self) -> &Header {
        self.reader.header()
    }

    /// Rows whose last outcome is `failed`.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// Whether entries say which input their row stands in.
    pub fn several_inputs(&self) -> bool {
        self.several_inputs
    }

    /// Goes to the next line that counts; false at the end, which is where it was when the ledger
    /// was opened.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn advance(&mut self) -> Result<bool> {
        while self.reader.whole_bytes() < self.end && self.reader.advance()? {
            if !self.replaced.contains(&self.reader.whole_bytes()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The entry on this line; none where the line is damaged.
    pub fn entry(&self) -> Option<Entry<'_>> {
        self.reader.entry()
    }
}

/// Entries that a later one may replace, and where each of them ends in the file.
#[derive(Debug)]
struct Replaceable {
    key: Key,
    /// By row.
    failed: HashMap<u128, u64>,
    /// By place, which is all that is known of a row that can't be read.
    invalid: HashMap<u128, u64>,
}

impl Replaceable {
    fn new() -> Self {
        Self {
            key: Key::fresh(),
            failed: HashMap::new(),
            invalid: HashMap::new(),
        }
    }

    fn may_hold(outcome: Outcome) -> bool {
        matches!(outcome, Outcome::Failed | Outcome::Invalid)
    }

    fn hold(&mut self, settled: &Settled<'_>, end: u64) {
        if settled.outcome == Outcome::Failed {
            self.failed.insert(self.key.of_settled(settled), end);
        } else {
            self.invalid.insert(self.key.of_place(settled), end);
        }
    }

    /// Where the entry ends that this one replaces.
    fn replaced_by(&mut self, settled: &Settled<'_>) -> Option<u64> {
        if !self.failed.is_empty()
            && let Some(end) = self.failed.remove(&self.key.of_settled(settled))
        {
            // A replay, which has the row from this ledger: it says nothing of what stands in that
            // place of the input by now.
            return Some(end);
        }
        if self.invalid.is_empty() {
            return None;
        }
        self.invalid.remove(&self.key.of_place(settled))
    }
}
