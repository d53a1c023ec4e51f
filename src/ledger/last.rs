//! The last entry for every row. A replay appends a second entry for a row that failed, and a
//! resumed run one for an invalid row that was fixed. Then the first entry no longer counts.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::format::Header;
use super::inputs::is_passing;
use super::reader::Reader;
use super::settled::Settled;
use crate::error::Result;
use crate::identity::Key;
use crate::outcome::{Entry, Outcome};
use crate::rows::is_of_later_object;

/// Reads a ledger without the entries that a later one replaces.
///
/// Only entries of failed and invalid rows are ever replaced, so only those are kept in memory.
#[derive(Debug)]
pub struct LastWords {
    reader: Reader,
    /// The byte offsets at which replaced entries end.
    replaced: HashSet<u64>,
    /// The byte offset at which the last entry ended on opening. A replay appends to the ledger that
    /// it reads from.
    end: u64,
    failed: u64,
    several_inputs: bool,
    /// The input of entries without an input name.
    own_input: Option<String>,
}

impl LastWords {
    /// Opens a ledger and reads it once to find out which entries count.
    ///
    /// # Errors
    /// If the file can't be read or is not a ledger.
    pub fn open(path: &Path) -> Result<Self> {
        let mut reader = Reader::open(path)?;
        let own_input = reader.header().own_input();
        let mut replaceable = Replaceable::new(own_input.clone().unwrap_or_default());
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
            own_input,
        })
    }

    /// Returns the path of the ledger.
    pub(super) fn path(&self) -> &Path {
        self.reader.path()
    }

    /// Returns the header.
    pub fn header(&self) -> &Header {
        self.reader.header()
    }

    /// Returns the number of rows whose last outcome is `failed`.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// Returns the byte offset at which the last entry ended when the ledger was opened.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Returns whether entries name the input that their row is in.
    pub fn several_inputs(&self) -> bool {
        self.several_inputs
    }

    /// Advances to the next line that counts. Returns false at the end, which is where the ledger
    /// ended when it was opened.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn advance(&mut self) -> Result<bool> {
        while self.reader.whole_bytes() < self.end && self.reader.advance()? {
            if !self.replaced.contains(&self.reader.whole_bytes()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the entry on this line, or `None` if the line is damaged. If any entry of the ledger
    /// names its input, all returned entries do.
    pub fn entry(&self) -> Option<Entry<'_>> {
        let mut entry = self.reader.entry()?;
        if self.several_inputs && entry.input.is_empty() {
            entry.input = self.own_input.as_deref().unwrap_or_default().into();
        }
        Some(entry)
    }

    /// Returns the entry as it is in the file.
    pub(super) fn entry_as_written(&self) -> Option<Entry<'_>> {
        self.reader.entry()
    }
}

/// The entries that a later one may replace, with the byte offset at which each of them ends.
#[derive(Debug)]
struct Replaceable {
    key: Key,
    /// By row.
    failed: HashMap<u128, u64>,
    /// By place, because nothing else is known of a row that can't be parsed.
    invalid: HashMap<u128, u64>,
    own_input: String,
}

impl Replaceable {
    fn new(own_input: String) -> Self {
        Self {
            own_input,
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
        } else if self.has_a_place(settled) {
            self.invalid.insert(self.key.of_place(settled), end);
        }
    }

    /// Returns whether another entry with the same place is about the same row. It may not be if the
    /// row came from a pipe, or from a JSON line with several objects; the entries of all invalid
    /// objects but the first say so.
    fn has_a_place(&self, settled: &Settled<'_>) -> bool {
        let input = match &*settled.input {
            "" => &self.own_input,
            named => named,
        };
        let is_one_of_several =
            settled.outcome == Outcome::Invalid && is_of_later_object(&settled.info);
        !is_passing(input) && !is_one_of_several
    }

    /// Removes the entry that this one replaces, and returns the byte offset at which it ends.
    fn replaced_by(&mut self, settled: &Settled<'_>) -> Option<u64> {
        if !self.failed.is_empty()
            && let Some(end) = self.failed.remove(&self.key.of_settled(settled))
        {
            // This is a replay, which took the row from the ledger. It says nothing about what is at
            // that place of the input now.
            return Some(end);
        }
        if self.invalid.is_empty() || !self.has_a_place(settled) {
            return None;
        }
        self.invalid.remove(&self.key.of_place(settled))
    }
}
