//! The format of the header.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of the format that this crate writes. Readers take every version up to it.
pub const VERSION: u32 = 1;

/// The endpoint in the header of a rehearsal, whose port changes from run to run.
pub const MOCK: &str = "mock";

/// The first line: the app, service and input that the ledger is for. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format. Its field also identifies a file as a ledger.
    #[serde(rename = "recall_ledger")]
    pub version: u32,
    /// The app whose messages were recalled, `SDKAppID`.
    pub app: u64,
    /// The address of the service, or [`MOCK`].
    pub endpoint: String,
    /// The name of the input, for display and for the format of the failed rows. If there are
    /// several, the first one's name and the number of the others: `rows.csv and 2 more`.
    pub input: String,
    /// When the ledger was begun.
    pub created: Timestamp,
}

impl Header {
    /// Returns the input, or the first of several.
    pub fn first_input(&self) -> &Path {
        Path::new(first_input(&self.input))
    }

    /// Returns whether the ledger is for this app and endpoint.
    pub fn is_of(&self, app: u64, endpoint: &str) -> bool {
        (self.app, &*self.endpoint) == (app, endpoint)
    }
}

/// Returns the name of the input, or of the first of several.
pub(super) fn first_input(input: &str) -> &str {
    let several = input
        .strip_suffix(" more")
        .and_then(|input| input.rsplit_once(" and "));
    match several {
        Some((first, others)) if others.parse::<usize>().is_ok() => first,
        _ => input,
    }
}
