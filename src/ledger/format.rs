//! What the lines hold.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;

/// The version of the format that this crate writes. Readers take every version up to it.
pub const VERSION: u32 = 1;

/// The first line: whose ledger it is. No secret stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format; also what tells a ledger from any other file.
    #[serde(rename = "recall_ledger")]
    pub version: u32,
    /// The app whose messages were recalled, `SDKAppID`.
    pub app: u64,
    /// The address of the service, or `mock`.
    pub endpoint: String,
    /// The name of the input, for people, and for the format of the failed rows.
    pub input: String,
    /// When the ledger was begun.
    pub created: Timestamp,
}

impl Header {
    /// Whether rows of the one may stand in the ledger of the other.
    pub fn same_service(&self, other: &Self) -> bool {
        (self.app, &self.endpoint) == (other.app, &other.endpoint)
    }
}

/// The part of an entry that tells which row it settles: quicker to read than all of it.
#[derive(Debug, Deserialize)]
pub struct Settled<'a> {
    /// The line of the input on which the row starts.
    pub row: u64,
    /// `GroupId`.
    #[serde(borrow)]
    pub group: Cow<'a, str>,
    /// `Sender_Account`.
    #[serde(borrow)]
    pub sender: Cow<'a, str>,
    /// `TopicId`.
    #[serde(borrow)]
    pub topic: Cow<'a, str>,
    /// What became of the row.
    pub outcome: Outcome,
    /// The reason, for an invalid row.
    #[serde(borrow)]
    pub info: Cow<'a, str>,
}
