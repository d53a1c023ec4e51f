//! 1. Rows in: decode, parse, check.
//!
//! [`Rows`] reads its inputs in order, each from start to end. It adds every row, or a bad row with
//! its reason, to a [`Batch`], and never holds more than a few blocks of an input.
//!
//! ```text
//! file, stdin   file, open which format? are the columns there? (columns, aliases, header_errors)
//!   ▼
//! text                     decompress and decode, unless it is UTF-8 already
//!   ▼
//! blocks                   bounded pieces of the input, and the lines in them
//!   ├─ plain → delimited           rows without quotes or anything unusual
//!   ├─ frame → fields → records    well-formed records and their fields
//!   │    ├─ broken                 where malformed records end
//!   │    └─ shape → delimited      the IDs of records that have the shape of a row
//!   └─ jsonl, objects → object     objects by line or in an array; the values of their keys
//!   ▼
//! check, suspicion         IDs that a call can carry, and IDs that are probably wrong
//!   ▼
//! batch                    rows that are passed on together
//! ```

mod aliases;
mod batch;
mod blocks;
mod broken;
mod check;
mod columns;
mod counted;
mod delimited;
mod encoding;
mod errors;
mod excerpt;
mod fields;
mod file;
mod frame;
mod header_errors;
mod input;
mod jsonl;
mod name;
mod object;
mod objects;
mod open;
mod plain;
mod records;
mod shape;
mod suspicion;
#[cfg(test)]
mod tests;
mod text;
mod unpack;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

pub use batch::Batch;
pub(crate) use check::is_of_later_object;
pub use columns::Columns;
pub use encoding::Encoding;
pub use name::plain_name;
pub use open::open;
pub use unpack::without_packing;

use crate::error::Result;
use input::{Ahead, Input};

/// One recall: what `sender` sent in `group`, or in one `topic` of it.
///
/// IDs are text, byte for byte as in the input. They are never trimmed or parsed as numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The input that the row is in, if there are several.
    pub input: Option<Arc<str>>,
    /// The line of the input on which the row starts, counted from 1, header included.
    pub line: u64,
    /// `GroupId`, never empty.
    pub group: String,
    /// `Sender_Account`, never empty.
    pub sender: String,
    /// `TopicId`; empty if the row has none.
    pub topic: String,
}

/// A row that can't be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// The input that the row is in, if there are several.
    pub input: Option<Arc<str>>,
    /// The line of the input on which the row starts, counted from 1, header included.
    pub line: u64,
    /// What is wrong with it, for display, with the start of its text if that helps.
    pub reason: String,
}

/// A [`Row`] of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRef<'a> {
    /// See [`Row::input`].
    pub input: Option<&'a Arc<str>>,
    /// See [`Row::line`].
    pub line: u64,
    /// Group, sender and topic, concatenated. Most rows are duplicates, and recognizing one takes
    /// only the whole.
    joined: &'a str,
    group_len: usize,
    sender_len: usize,
}

impl Row {
    /// Returns group, sender and topic.
    pub fn ids(&self) -> [&str; 3] {
        [&self.group, &self.sender, &self.topic]
    }
}

impl<'a> RowRef<'a> {
    /// Returns group, sender and topic.
    pub fn ids(self) -> [&'a str; 3] {
        let (group, rest) = self.joined.split_at(self.group_len);
        let (sender, topic) = rest.split_at(self.sender_len);
        [group, sender, topic]
    }

    /// Returns the [group](Row::group).
    pub fn group(self) -> &'a str {
        &self.joined[..self.group_len]
    }

    /// Returns the concatenated IDs, and the lengths of group and sender.
    pub(crate) fn joined(self) -> (&'a str, usize, usize) {
        (self.joined, self.group_len, self.sender_len)
    }

    /// Copies the row.
    pub fn to_row(self) -> Row {
        let [group, sender, topic] = self.ids().map(str::to_owned);
        Row {
            input: self.input.cloned(),
            line: self.line,
            group,
            sender,
            topic,
        }
    }

    /// Returns why the row is probably wrong, if anything suggests it: an ID that is too long, cut
    /// or rounded, a topic of another group, swapped columns.
    pub fn suspicion(self) -> Option<String> {
        suspicion::of(self.ids())
    }
}

/// Returns the part of a [`BadRow::reason`] or a [`RowRef::suspicion`] that all rows with the same
/// fault share: what is wrong, without the offending text or its place on the line.
pub fn kind_of_fault(reason: &str) -> &str {
    let (kind, _) = reason.split_once(" (object ").unwrap_or((reason, ""));
    let kind = kind.split_once(": `").map_or(kind, |(kind, _)| kind);
    // A reason without an excerpt.
    let covers = kind.split_once(" (the row covers ");
    covers.map_or(kind, |(kind, _)| kind)
}

/// A row or a bad row of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read<'a> {
    /// A row to send.
    Row(RowRef<'a>),
    /// A row to record as `invalid`.
    Bad(&'a BadRow),
}

/// An input to read rows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard input, `-` on the command line.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "-" {
            Self::Stdin
        } else {
            Self::File(path)
        }
    }
}

/// How to read an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Names that the user gave for the columns.
    pub columns: Columns,
    /// Whether the first line of CSV and TSV names the columns.
    pub header: bool,
    /// The encoding of inputs without a byte order mark; UTF-8 if `None`.
    pub encoding: Option<Encoding>,
    /// Whether suspicious rows count as bad.
    pub strict: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            columns: Columns::default(),
            header: true,
            encoding: None,
            strict: false,
        }
    }
}

/// The format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Fields separated by commas.
    Csv,
    /// Fields separated by tabs.
    Tsv,
    /// One JSON object per line.
    Jsonl,
}

/// The rows of all inputs in order.
pub struct Rows {
    /// The input that is being read.
    input: Input,
    /// The inputs after it.
    waiting: VecDeque<Waiting>,
    options: Options,
    /// Whether rows name their input.
    named: bool,
    /// The one input that they don't name.
    unnamed: Option<String>,
    format: Format,
    size: Option<u64>,
    is_failed: bool,
    /// Bytes of the inputs before the current one.
    before: u64,
}

/// An input that is read later.
enum Waiting {
    /// A pipe can't be opened twice, so it stays open.
    Pipe(Input),
    /// A file is opened again, so that hundreds of them are not held open.
    File(PathBuf),
}

impl Rows {
    /// Returns the format of the rows; that of the first input if there are several.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns the number of bytes up to the last row read; at most [`size`](Self::size).
    pub fn bytes_read(&self) -> u64 {
        self.before + self.input.bytes_read()
    }

    /// Returns the total length of all files in bytes; `None` if stdin or a pipe is among them.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Whether every input is a failed-rows file, as runs write them: it has columns for code, info
    /// and attempts, and none for the outcome.
    pub fn is_failed_rows(&self) -> bool {
        self.is_failed
    }

    /// Makes every row name its input, except the rows of the input `unnamed`.
    pub fn name_inputs_except(&mut self, unnamed: Option<String>) {
        self.named = true;
        self.unnamed = unnamed;
    }

    /// Adds the next rows to a batch until it has `most`; returns false if none are left.
    ///
    /// # Errors
    ///
    /// If an input can't be read or the next one can't be opened. The batch then has exactly the
    /// rows before that point.
    pub fn read(&mut self, batch: &mut Batch, most: usize) -> Result<bool> {
        self.add(batch, most, Ahead::Always)
    }

    /// Does the same, but doesn't wait for more input once the batch has rows. For a pipe, whose
    /// next row may take long to arrive.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    pub fn read_at_hand(&mut self, batch: &mut Batch, most: usize) -> Result<bool> {
        self.add(batch, most, Ahead::WithoutRows)
    }

    fn add(&mut self, batch: &mut Batch, most: usize, ahead: Ahead) -> Result<bool> {
        loop {
            let from = batch.len();
            let more = self.input.read(batch, most, ahead);
            if self.named && batch.len() > from {
                let name = plain_name(self.input.name());
                if self.unnamed.as_ref() != Some(&name) {
                    batch.name(from, &name.into());
                }
            }
            if self.options.strict {
                batch.refuse_suspicious(from);
            }
            batch.reaches(self.bytes_read());
            if more? {
                return Ok(true);
            }
            let next = match self.waiting.pop_front() {
                Some(Waiting::Pipe(input)) => input,
                Some(Waiting::File(path)) => Input::open_file(&path, &self.options)?,
                None => return Ok(false),
            };
            self.before += self.input.bytes_read();
            self.input = next;
            if !ahead.may_read(batch) {
                return Ok(true);
            }
        }
    }
}
