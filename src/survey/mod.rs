//! What is in an input: one pass over its rows that counts and calls nothing.
//!
//! A look before a run: `check`, a dry run, the question before the first call. Feed a [`Survey`]
//! every [`Read`] of the input, after what an earlier run has settled where one is resumed, and ask
//! it what it has [`found`](Survey::found).
//!
//! Memory is the seen-set's, as in a run, and less than five MiB besides: different groups, senders
//! and topics are counted exactly while they are few, and beyond that estimated.

mod distinct;

use std::iter;

use serde::{Serialize, Serializer};

pub use distinct::Count;
use distinct::Distinct;

use crate::error::Result;
use crate::ledger::Settled;
use crate::rows::{Read, Row, Rows};
use crate::run::{Met, Seen};

/// Rows that are looked up together.
const TOGETHER: usize = 256;

/// Counts the rows of an input.
#[derive(Debug)]
pub struct Survey {
    seen: Seen,
    rows: u64,
    to_call: u64,
    duplicates: u64,
    resumed: u64,
    invalid: u64,
    groups: Distinct,
    senders: Distinct,
    topics: Distinct,
}

/// What there is; `rows = distinct + duplicates + invalid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// All rows.
    pub rows: u64,
    /// Different rows that can be sent.
    pub distinct: u64,
    /// Rows that stood in the input before.
    pub duplicates: u64,
    /// Of the different rows, those that an earlier run has settled.
    pub resumed: u64,
    /// Rows that can't be sent.
    pub invalid: u64,
    /// Different groups among the rows to call.
    #[serde(serialize_with = "number")]
    pub groups: Count,
    /// Different senders among the rows to call.
    #[serde(serialize_with = "number")]
    pub senders: Count,
    /// Different topics among the rows to call.
    #[serde(serialize_with = "number")]
    pub topics: Count,
    /// Which of these numbers are estimates.
    pub estimated: Vec<&'static str>,
}

impl Default for Survey {
    fn default() -> Self {
        Self::new()
    }
}

impl Survey {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self {
            seen: Seen::new(),
            rows: 0,
            to_call: 0,
            duplicates: 0,
            resumed: 0,
            invalid: 0,
            groups: Distinct::new(),
            senders: Distinct::new(),
            topics: Distinct::new(),
        }
    }

    /// An earlier run settled this row; before the first row of the input.
    pub fn settled_earlier(&mut self, settled: &Settled<'_>) {
        self.seen.settled_earlier(settled);
    }

    /// The rows of an input, as many at once as are quick to look up together. On one thread: what
    /// a second one would win is less than what it costs to hand rows over.
    pub fn batches(mut rows: Rows) -> impl Iterator<Item = Result<Vec<Read>>> {
        iter::from_fn(move || {
            let mut reads = Vec::with_capacity(TOGETHER);
            for read in rows.by_ref().take(TOGETHER) {
                match read {
                    Ok(read) => reads.push(read),
                    Err(error) => return Some(Err(error)),
                }
            }
            (!reads.is_empty()).then_some(Ok(reads))
        })
    }

    /// Counts rows, each when it is asked for, and passes on those that a run would call.
    pub fn count<'a>(&mut self, reads: &'a [Read]) -> impl Iterator<Item = &'a Row> {
        let met = self.seen.meet(reads);
        let reads = reads.iter().zip(met);
        reads.filter_map(|(read, met)| self.count_one(read, met))
    }

    fn count_one<'a>(&mut self, read: &'a Read, met: Met) -> Option<&'a Row> {
        self.rows += 1;
        let Read::Row(row) = read else {
            self.invalid += 1;
            return None;
        };
        match met {
            Met::Duplicate => self.duplicates += 1,
            Met::Settled => self.resumed += 1,
            Met::New => {
                self.to_call += 1;
                self.groups.meet(&row.group);
                self.senders.meet(&row.sender);
                if !row.topic.is_empty() {
                    self.topics.meet(&row.topic);
                }
                return Some(row);
            }
        }
        None
    }

    /// Calls that a run would make for the rows so far.
    pub fn calls(&self) -> u64 {
        self.to_call
    }

    /// What there is so far.
    pub fn found(&self) -> Found {
        let [groups, senders, topics] =
            [&self.groups, &self.senders, &self.topics].map(Distinct::count);
        let estimated = [("groups", groups), ("senders", senders), ("topics", topics)]
            .into_iter()
            .filter(|(_, count)| count.is_estimate())
            .map(|(name, _)| name);
        Found {
            rows: self.rows,
            distinct: self.to_call + self.resumed,
            duplicates: self.duplicates,
            resumed: self.resumed,
            invalid: self.invalid,
            groups,
            senders,
            topics,
            estimated: estimated.collect(),
        }
    }
}

impl Found {
    /// Calls that a run would make.
    pub fn calls(&self) -> u64 {
        self.distinct - self.resumed
    }
}

fn number<S: Serializer>(count: &Count, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(count.number())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;
    use crate::rows::BadRow;

    fn row(group: &str, sender: &str, topic: &str) -> Read {
        Read::Row(Row {
            line: 2,
            group: group.to_owned(),
            sender: sender.to_owned(),
            topic: topic.to_owned(),
        })
    }

    #[test]
    fn every_row_is_counted_once_as_what_it_is() {
        let mut survey = Survey::new();
        survey.settled_earlier(&Settled {
            row: 2,
            group: "g1".into(),
            sender: "before".into(),
            topic: "".into(),
            outcome: Outcome::Recalled,
            info: "".into(),
        });
        let bad = Read::Bad(BadRow {
            line: 3,
            reason: "the group is empty".to_owned(),
        });
        let reads = [
            row("g1", "ann", ""),
            row("g2", "ann", "t"),
            row("g1", "ann", ""),
            bad,
            row("g1", "before", ""),
            row("g1", "before", ""),
        ];
        let to_call = survey.count(&reads).count();
        assert_eq!((to_call, survey.calls()), (2, 2));
        let found = survey.found();
        assert_eq!(
            serde_json::to_value(&found).expect("plain data"),
            serde_json::json!({
                "rows": 6, "distinct": 3, "duplicates": 2, "resumed": 1, "invalid": 1,
                "groups": 2, "senders": 1, "topics": 1, "estimated": [],
            })
        );
        assert_eq!(found.calls(), 2);
    }
}
