//! The last word on every row. A replay appends a second entry for a row that had failed, and a
//! resumed run one for a row that was invalid and has been mended; then the first no longer counts.

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
    /// The input of entries without a name.
    own_input: Option<String>,
}

impl LastWords {
    /// Reads a ledger once, to learn which entries count.
    ///
    /// # Errors
    /// When it can't be read or is none.
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

    /// Where the last entry ended when the ledger was opened.
    pub fn end(&self) -> u64 {
        self.end
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

    /// The entry on this line; none where the line is damaged. Where entries say which input their
    /// row stands in, all do.
    pub fn entry(&self) -> Option<Entry<'_>> {
        let mut entry = self.reader.entry()?;
        if self.several_inputs && entry.input.is_empty() {
            entry.input = self.own_input.as_deref().unwrap_or_default().into();
        }
        Some(entry)
    }

    /// The same as it stands there.
    pub(super) fn entry_as_written(&self) -> Option<Entry<'_>> {
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

    /// Whether another entry with this place is about the same thing: nothing holds still in a pipe,
    /// and a line of JSON can have more objects, of which all bad ones but the first say so.
    fn has_a_place(&self, settled: &Settled<'_>) -> bool {
        let input = match &*settled.input {
            "" => &self.own_input,
            named => named,
        };
        let is_one_of_several =
            settled.outcome == Outcome::Invalid && is_of_later_object(&settled.info);
        !is_passing(input) && !is_one_of_several
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
        if self.invalid.is_empty() || !self.has_a_place(settled) {
            return None;
        }
        self.invalid.remove(&self.key.of_place(settled))
    }
}
