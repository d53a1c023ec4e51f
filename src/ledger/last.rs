//! The last word on every row. A replay appends a second entry for a row that had failed; then
//! the first no longer counts.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::format::Header;
use super::reader::Reader;
use crate::error::Result;
use crate::identity::Key;
use crate::outcome::{Entry, Outcome};

/// A ledger read without the entries that a later one has replaced.
///
/// Only failed rows are ever sent again, so it remembers those and no others.
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
        let key = Key::fresh();
        let mut failed = HashMap::new();
        let mut replaced = HashSet::new();
        let mut several_inputs = false;
        while reader.advance()? {
            let Some(settled) = reader.settled() else {
                continue;
            };
            several_inputs |= !settled.input.is_empty();
            // As an entry, which is what goes into the failed rows.
            let has_failed = settled.outcome == Outcome::Failed && reader.entry().is_some();
            if !has_failed && failed.is_empty() {
                continue;
            }
            let row = key.of_settled(&settled);
            replaced.extend(failed.remove(&row));
            if has_failed {
                failed.insert(row, reader.whole_bytes());
            }
        }
        Ok(Self {
            reader: Reader::open(path)?,
            replaced,
            end: reader.whole_bytes(),
            failed: failed.len() as u64,
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
