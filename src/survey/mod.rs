//! Counts the rows of an input in one pass, without calling anything.
//!
//! It serves `check`, the dry run and the question before the first call. A [`Survey`] takes every
//! [`Read`] of the input, after the rows that an earlier run has settled if one is resumed, and
//! sums them up in a [`Census`].
//!
//! It takes the memory of the seen-set, as in a run, and less than 5 MiB besides: distinct groups,
//! senders and topics are counted exactly while they are few, and estimated beyond that.

mod distinct;
mod faults;

use std::num::NonZeroU64;
use std::path::Path;

use serde::{Serialize, Serializer};

pub use distinct::Count;
use distinct::Distinct;
use faults::Faults;
pub use faults::{FaultKind, FaultyRow, FaultyRows};

use crate::error::Result;
use crate::ledger::{Reader, about_entries};
use crate::rows::{Batch, Read, RowRef, Rows};
use crate::run::{Feed, Met, Seen};

/// Counts the rows of an input.
#[derive(Debug)]
pub struct Survey {
    seen: Seen,
    rows: u64,
    to_call: u64,
    duplicates: u64,
    resumed: u64,
    invalid: Faults,
    suspicious: Faults,
    groups: Distinct,
    senders: Distinct,
    topics: Distinct,
}

/// The counts of an input; `rows = distinct + duplicates + invalid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Census {
    /// All rows.
    pub rows: u64,
    /// Distinct rows that can be sent.
    pub distinct: u64,
    /// Rows that occurred earlier in the input.
    pub duplicates: u64,
    /// Distinct rows that an earlier run has settled.
    pub resumed: u64,
    /// Rows that can't be sent.
    pub invalid: u64,
    /// Rows to call that are suspicious.
    pub suspicious: u64,
    /// Distinct groups among the rows to call.
    #[serde(serialize_with = "number")]
    pub groups: Count,
    /// Distinct senders among the rows to call.
    #[serde(serialize_with = "number")]
    pub senders: Count,
    /// Distinct topics among the rows to call.
    #[serde(serialize_with = "number")]
    pub topics: Count,
    /// The names of the counts that are estimates.
    pub estimated: Vec<&'static str>,
    /// Details of the rows that can't be sent.
    pub invalid_rows: FaultyRows,
    /// Details of the suspicious rows.
    pub suspicious_rows: FaultyRows,
}

impl Default for Survey {
    fn default() -> Self {
        Self::new()
    }
}

impl Survey {
    /// Returns a survey that has not counted anything yet.
    pub fn new() -> Self {
        Self {
            seen: Seen::new(),
            rows: 0,
            to_call: 0,
            duplicates: 0,
            resumed: 0,
            invalid: Faults::default(),
            suspicious: Faults::default(),
            groups: Distinct::new(),
            senders: Distinct::new(),
            topics: Distinct::new(),
        }
    }

    /// Takes the rows that an earlier run has settled from its ledger. Must precede the first row
    /// of the input.
    ///
    /// # Errors
    ///
    /// If the ledger can't be read.
    pub fn take_ledger(&mut self, ledger: &Path) -> Result<()> {
        let about = about_entries(ledger);
        self.seen.settled_earlier(about, |earlier| {
            let mut ledger = Reader::open(ledger)?;
            while ledger.advance()? {
                if let Some(settled) = ledger.settled() {
                    earlier.settled(&settled);
                }
            }
            Ok(())
        })
    }

    /// Counts an input up to its end, or up to `limit` calls. Passes each row that a run would call
    /// to `each`, with the number of calls up to it. Blocks while rows are read.
    ///
    /// # Errors
    ///
    /// If the input can't be read or `each` fails.
    pub fn take_input(
        &mut self,
        rows: Rows,
        limit: Option<NonZeroU64>,
        mut each: impl FnMut(RowRef<'_>, u64) -> Result<()>,
    ) -> Result<()> {
        let mut feed = Feed::of_input(rows);
        while let Some(batch) = feed.wait_for_next() {
            let batch = batch?;
            if !self.take(&batch, limit, &mut each)? {
                break;
            }
            feed.give_back(batch);
        }
        Ok(())
    }

    /// Counts the rows of a batch in the same way. Returns false once the limit is reached.
    pub(crate) fn take(
        &mut self,
        batch: &Batch,
        limit: Option<NonZeroU64>,
        mut each: impl FnMut(RowRef<'_>, u64) -> Result<()>,
    ) -> Result<bool> {
        let met = self.seen.meet(batch);
        for (read, met) in batch.iter().zip(met) {
            self.rows += 1;
            match (read, met) {
                (Read::Bad(bad), _) => {
                    let input = bad.input.as_deref();
                    self.invalid.add(input, bad.line, &bad.reason);
                }
                (Read::Row(_), Met::Duplicate) => self.duplicates += 1,
                (Read::Row(_), Met::Settled) => self.resumed += 1,
                (Read::Row(row), Met::New) => {
                    self.count_call(row);
                    each(row, self.to_call)?;
                    if limit.is_some_and(|limit| self.to_call == limit.get()) {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Counts a row that a run would call.
    fn count_call(&mut self, row: RowRef<'_>) {
        self.to_call += 1;
        if let Some(reason) = row.suspicion() {
            let input = row.input.map(|name| &**name);
            self.suspicious.add(input, row.line, &reason);
        }
        let [group, sender, topic] = row.ids();
        self.groups.meet(group);
        self.senders.meet(sender);
        if !topic.is_empty() {
            self.topics.meet(topic);
        }
    }

    /// Returns the counts so far.
    pub fn census(&self) -> Census {
        let [groups, senders, topics] =
            [&self.groups, &self.senders, &self.topics].map(Distinct::count);
        let estimated = [("groups", groups), ("senders", senders), ("topics", topics)]
            .into_iter()
            .filter(|(_, count)| count.is_estimate())
            .map(|(name, _)| name);
        Census {
            rows: self.rows,
            distinct: self.to_call + self.resumed,
            duplicates: self.duplicates,
            resumed: self.resumed,
            invalid: self.invalid.rows(),
            suspicious: self.suspicious.rows(),
            groups,
            senders,
            topics,
            estimated: estimated.collect(),
            invalid_rows: self.invalid.census(),
            suspicious_rows: self.suspicious.census(),
        }
    }
}

impl Census {
    /// Returns the number of calls that a run would make.
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
    use crate::ledger::Settled;
    use crate::outcome::Outcome;
    use crate::rows::Options;

    fn input(text: &'static str) -> Rows {
        Rows::new(text.as_bytes(), "rows", None, &Options::default()).expect("an input")
    }

    /// Surveys an input, and returns the senders that a run would call.
    fn survey(rows: Rows, limit: u64) -> (Census, Vec<String>) {
        let mut survey = Survey::new();
        survey.seen.settled_earlier(1, |earlier| {
            earlier.settled(&Settled {
                row: 2,
                input: "".into(),
                group: "g1".into(),
                sender: "before".into(),
                topic: "".into(),
                outcome: Outcome::Recalled,
                info: "".into(),
            });
        });
        let mut senders = Vec::new();
        let each = |row: RowRef<'_>, nth| {
            senders.push(row.to_row().sender);
            assert_eq!(nth, senders.len() as u64);
            Ok(())
        };
        let taken = survey.take_input(rows, NonZeroU64::new(limit), each);
        taken.expect("the input can be read");
        (survey.census(), senders)
    }

    const INPUT: &str = "group,sender,topic\n\
        g1,ann,\n\
        g2,bob ,\n\
        g1,ann,\n\
        g1,,\n\
        g2,ann,g2@TOPIC#_t\n\
        g1,before,\n\
        g1,before,\n";

    #[test]
    fn every_row_is_counted_once() {
        let (found, senders) = survey(input(INPUT), 0);
        assert_eq!(senders, ["ann", "bob ", "ann"]);
        assert_eq!(found.calls(), 3);
        assert_eq!(
            serde_json::to_value(&found).expect("a census serializes"),
            serde_json::json!({
                "rows": 7, "distinct": 4, "duplicates": 2, "resumed": 1, "invalid": 1,
                "suspicious": 1, "groups": 2, "senders": 2, "topics": 1, "estimated": [],
                "invalid_rows": {
                    "first": [{ "line": 5, "reason": "the sender is empty" }],
                    "kinds": [{ "kind": "the sender is empty", "rows": 1 }],
                },
                "suspicious_rows": {
                    "first": [
                        { "line": 3, "reason": "the sender starts or ends with a space: `bob `" },
                    ],
                    "kinds": [{ "kind": "the sender starts or ends with a space", "rows": 1 }],
                },
            })
        );
    }

    #[test]
    fn a_survey_with_a_limit_ends_at_it() {
        let (found, senders) = survey(input(INPUT), 2);
        assert_eq!(senders, ["ann", "bob "]);
        assert_eq!((found.rows, found.calls(), found.invalid), (2, 2, 0));
    }
}
