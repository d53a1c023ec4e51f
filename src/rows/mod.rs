//! 1. Rows in: decode, parse, check.
//!
//! A [`Rows`] reads one input after the other, each front to back, and adds each row, or a bad
//! row with its reason, to a [`Batch`]. It never holds more than a few blocks of an input.
//!
//! ```text
//! file, stdin   open       what is it? a header with the columns needed? (columns, aliases, header_errors)
//!   ▼
//! text                     unpack and decode, where it is not UTF-8 already
//!   ▼
//! blocks                   bounded pieces of the input, and lines in them
//!   ├─ plain → delimited           rows in which nothing takes a closer look
//!   ├─ frame → fields → records    records that are well-formed, their fields
//!   │    ├─ broken                 how far the others go
//!   │    └─ shape → delimited      the IDs in them, where they have the shape of a row
//!   └─ jsonl, objects → object     lines, an array; the values of their keys
//!   ▼
//! check, suspicion         IDs that a call can carry, and those that are hardly meant
//!   ▼
//! batch                    rows that go on together
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

/// One thing to recall: what `sender` sent in `group`, or in one `topic` of it.
///
/// IDs are text, byte for byte as in the input: never trimmed, never a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The input that it stands in, where rows have to say so: there are several.
    pub input: Option<Arc<str>>,
    /// The line of the input on which it starts, from 1, the header included.
    pub line: u64,
    /// `GroupId`, never empty.
    pub group: String,
    /// `Sender_Account`, never empty.
    pub sender: String,
    /// `TopicId`; empty where the group has no topics.
    pub topic: String,
}

/// A row that can't be sent as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// The input that it stands in, where rows have to say so: there are several.
    pub input: Option<Arc<str>>,
    /// The line of the input on which it starts, from 1, the header included.
    pub line: u64,
    /// What is wrong with it, for a person, with the start of its text where that helps.
    pub reason: String,
}

/// A [`Row`] of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRef<'a> {
    /// As [`Row::input`].
    pub input: Option<&'a Arc<str>>,
    /// As [`Row::line`].
    pub line: u64,
    /// Group, sender and topic, one after the other: most rows are duplicates, and of those only
    /// the whole is looked at.
    joined: &'a str,
    group_len: usize,
    sender_len: usize,
}

impl Row {
    /// Group, sender and topic.
    pub fn ids(&self) -> [&str; 3] {
        [&self.group, &self.sender, &self.topic]
    }
}

impl<'a> RowRef<'a> {
    /// Group, sender and topic.
    pub fn ids(self) -> [&'a str; 3] {
        let (group, rest) = self.joined.split_at(self.group_len);
        let (sender, topic) = rest.split_at(self.sender_len);
        [group, sender, topic]
    }

    /// As [`Row::group`].
    pub fn group(self) -> &'a str {
        &self.joined[..self.group_len]
    }

    /// The IDs one after the other, and the lengths of group and sender.
    pub(crate) fn joined(self) -> (&'a str, usize, usize) {
        (self.joined, self.group_len, self.sender_len)
    }

    /// The row by itself.
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

    /// Why it is hardly what was meant, if it is not: an ID that is too long, cut or rounded, a
    /// topic of another group, columns that are swapped.
    pub fn suspicion(self) -> Option<String> {
        suspicion::of(self.ids())
    }
}

/// What is wrong, without the text that shows it or the place on the line: the part of a
/// [`BadRow::reason`] or a [`RowRef::suspicion`] that rows with the same fault share.
pub fn kind_of_fault(reason: &str) -> &str {
    let (kind, _) = reason.split_once(" (object ").unwrap_or((reason, ""));
    let kind = kind.split_once(": `").map_or(kind, |(kind, _)| kind);
    // Where no text shows it.
    let covers = kind.split_once(" (the row covers ");
    covers.map_or(kind, |(kind, _)| kind)
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read<'a> {
    /// A row to send.
    Row(RowRef<'a>),
    /// A row to record as `invalid`.
    Bad(&'a BadRow),
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The standard input, `-` on the command line.
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
    /// The encoding of what has no byte order mark; UTF-8 if none is given.
    pub encoding: Option<Encoding>,
    /// Whether rows that are hardly what was meant count as bad.
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

/// How rows are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Fields separated by commas.
    Csv,
    /// Fields separated by tabs.
    Tsv,
    /// A JSON object a line.
    Jsonl,
}

/// The rows of one input after the other, each front to back.
pub struct Rows {
    /// The input that is read now.
    input: Input,
    /// Those whose turn has not come.
    waiting: VecDeque<Waiting>,
    options: Options,
    /// Whether rows say in which input they stand.
    named: bool,
    /// The one of which they don't.
    unnamed: Option<String>,
    format: Format,
    size: Option<u64>,
    is_failed: bool,
    /// Bytes of the inputs before this one.
    before: u64,
}

/// An input whose turn has not come.
enum Waiting {
    /// A pipe can't be opened twice, so it stays open.
    Pipe(Input),
    /// A file is opened again: hundreds of them need not be held open.
    File(PathBuf),
}

impl Rows {
    /// How the rows are written down; those of the first input, where there are several.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Bytes of the inputs up to the row that was read last; at most [`size`](Self::size).
    pub fn bytes_read(&self) -> u64 {
        self.before + self.input.bytes_read()
    }

    /// The length of all files together in bytes; `None` where there is stdin or a pipe.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Whether these are failed rows, as runs leave them: besides group and sender every input has
    /// columns for code, info and attempts.
    pub fn is_failed_rows(&self) -> bool {
        self.is_failed
    }

    /// Says of every row in which input it stands, but for one input, which needs no name.
    pub fn name_inputs_except(&mut self, unnamed: Option<String>) {
        self.named = true;
        self.unnamed = unnamed;
    }

    /// Adds the next rows to a batch until it has `most`, from one input after the other; false
    /// where none are left.
    ///
    /// # Errors
    ///
    /// When the input can't be read on, or the next one can't be opened. The batch has the rows
    /// before that, and no others.
    pub fn read(&mut self, batch: &mut Batch, most: usize) -> Result<bool> {
        self.add(batch, most, Ahead::Always)
    }

    /// The same, but waits for no more of the input once the batch has rows: for a pipe, of which the
    /// next row may be long in coming.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
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
