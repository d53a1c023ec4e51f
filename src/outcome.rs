//! What became of a row: the types that ledger, monitor and report share.

use std::borrow::Cow;
use std::fmt::{self, Display};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// The final outcome of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The service answered with success.
    Recalled,
    /// The service refused the row, or gave no answer within the maximum number of attempts.
    Failed,
    /// The row can't be sent as it is in the input.
    Invalid,
    /// A call would have had no effect, so none was made.
    Skipped,
}

/// The final result for a row: one line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// The line of the input on which the row starts, from 1.
    pub row: u64,
    /// The input that the row is in; empty for the one in the ledger's header.
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    pub input: Cow<'a, str>,
    /// `GroupId`; empty for an invalid row.
    #[serde(borrow)]
    pub group: Cow<'a, str>,
    /// `Sender_Account`; empty for an invalid row.
    #[serde(borrow)]
    pub sender: Cow<'a, str>,
    /// `TopicId`; empty if there is none.
    #[serde(borrow)]
    pub topic: Cow<'a, str>,
    /// The outcome.
    pub outcome: Outcome,
    /// The code of the last answer; see [`codes`](crate::api::codes).
    pub code: i64,
    /// The service's message, or the reason why the row is invalid.
    #[serde(borrow)]
    pub info: Cow<'a, str>,
    /// The number of calls made for it in this run.
    pub attempts: u32,
    /// When the last call was sent; `None` if no call was made.
    #[serde(
        default,
        serialize_with = "to_the_millisecond",
        skip_serializing_if = "Option::is_none"
    )]
    pub sent_at: Option<Timestamp>,
    /// How long the last call took, from handing it to the HTTP client to the complete answer, in
    /// milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
}

impl Entry<'_> {
    /// Returns when the last call was sent, to the millisecond as in the ledger, or an empty string
    /// if no call was made.
    pub fn sent_at_text(&self) -> String {
        let at = self.sent_at.map(|at| ToTheMillisecond(at).to_string());
        at.unwrap_or_default()
    }
}

/// Formats a time as in the ledger.
struct ToTheMillisecond(Timestamp);

impl Display for ToTheMillisecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn to_the_millisecond<S: Serializer>(
    timestamp: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match timestamp {
        Some(at) => serializer.collect_str(&ToTheMillisecond(*at)),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_serializes_to_the_line_in_the_readme() {
        let entry = Entry {
            row: 17,
            input: "".into(),
            group: "@TGS#2C5SZEAEF".into(),
            sender: "leckie".into(),
            topic: "".into(),
            outcome: Outcome::Recalled,
            code: 0,
            info: "".into(),
            attempts: 2,
            sent_at: Some("2026-11-22T10:00:00.12Z".parse().expect("a time")),
            ms: Some(41),
        };
        let line = serde_json::to_string(&entry).expect("an entry serializes");
        assert_eq!(
            line,
            r#"{"row":17,"group":"@TGS#2C5SZEAEF","sender":"leckie","topic":"","outcome":"recalled","code":0,"info":"","attempts":2,"sent_at":"2026-11-22T10:00:00.120Z","ms":41}"#
        );
        assert_eq!(entry.sent_at_text(), "2026-11-22T10:00:00.120Z");
        assert_eq!(
            serde_json::from_str::<Entry<'_>>(&line).expect("reads back"),
            entry
        );
    }

    #[test]
    fn an_entry_of_one_of_several_inputs_names_it() {
        let line = r#"{"row":3,"input":"b.csv","group":"g","sender":"s","topic":"","outcome":"skipped","code":0,"info":"","attempts":0}"#;
        let entry = serde_json::from_str::<Entry<'_>>(line).expect("an entry");
        assert_eq!((entry.row, &*entry.input), (3, "b.csv"));
        assert_eq!(entry.sent_at_text(), "");
        assert_eq!(serde_json::to_string(&entry).expect("serializes"), line);
    }
}
