//! What the lines hold.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of the format that this crate writes. Readers take every version up to it.
pub const VERSION: u32 = 1;

/// What the header calls the endpoint of a rehearsal, whose port changes from run to run.
pub const MOCK: &str = "mock";

/// The first line: whose ledger it is. No secret stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format; also what tells a ledger from any other file.
    #[serde(rename = "recall_ledger")]
    pub version: u32,
    /// The app whose messages were recalled, `SDKAppID`.
    pub app: u64,
    /// The address of the service, or [`MOCK`].
    pub endpoint: String,
    /// The name of the input, for people, and for the format of the failed rows. Of several it is
    /// the first's, with the number of the others: `rows.csv and 2 more`.
    pub input: String,
    /// When the ledger was begun.
    pub created: Timestamp,
}

impl Header {
    /// The input, or the first of several.
    pub fn first_input(&self) -> &Path {
        Path::new(first_input(&self.input))
    }

    /// Whether rows that this app calls at this endpoint may stand in the ledger.
    pub fn is_of(&self, app: u64, endpoint: &str) -> bool {
        (self.app, &*self.endpoint) == (app, endpoint)
    }
}

/// The name of an input, or that of the first of several.
pub(super) fn first_input(input: &str) -> &str {
    let several = input
        .strip_suffix(" more")
        .and_then(|input| input.rsplit_once(" and "));
    match several {
        Some((first, others)) if others.parse::<usize>().is_ok() => first,
        _ => input,
    }
}
