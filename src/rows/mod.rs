//! 1. Rows in: decode, parse, check.
//!
//! A [`Rows`] reads one input front to back and yields each row, or a bad row with its reason.
//! It never holds more than a few blocks of the input.

/// One thing to recall: what `sender` sent in `group`, or in one `topic` of it.
///
/// IDs are text, byte for byte as in the input: never trimmed, never a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line of the input on which the row starts, from 1, the header counted.
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
    /// The line of the input on which the row starts, from 1, the header counted.
    pub line: u64,
    /// What is wrong with it, for a person, with the start of its text where that helps.
    pub reason: String,
}

/// What an input yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// A row to send.
    Row(Row),
    /// A row to record as `invalid`.
    Bad(BadRow),
}

/// TMP
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// x
    Csv,
    /// x
    Tsv,
    /// x
    Jsonl,
}
/// TMP
#[derive(Debug)]
pub struct Rows;
impl Rows {
    /// x
    pub fn size(&self) -> Option<u64> {
        None
    }
    /// x
    pub fn bytes_read(&self) -> u64 {
        0
    }
}
impl Iterator for Rows {
    type Item = crate::error::Result<Read>;
    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}
