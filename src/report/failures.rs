//! Failed rows by code, by group and one by one, and rows that were not sent at all.
//!
//! Memory grows only with the number of failing groups.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;

use crate::api::codes;
use crate::outcome::{Entry, Outcome};
use crate::rows::kind_of_fault;

/// The maximum number of groups to list.
const GROUPS: usize = 20;
/// The maximum number of failed rows to list.
const ROWS: usize = 50;
/// The maximum number of distinct reasons; rows with other reasons are counted together.
const REASONS: usize = 100;
/// The maximum number of lines to list for a reason.
const LINES: usize = 5;

/// Rows that failed with one code.
#[derive(Clone, Debug, Serialize)]
pub struct Failed {
    /// The code; see [`codes`].
    pub code: i64,
    /// The number of rows.
    pub rows: u64,
    /// What the code means.
    pub meaning: &'static str,
    /// What to do about it.
    pub advice: &'static str,
    /// The service's message for the first of them.
    pub info: String,
}

/// A group with failed rows.
#[derive(Clone, Debug, Serialize)]
pub struct FailedGroup {
    /// `GroupId`.
    pub group: String,
    /// The number of its rows that failed.
    pub failed: u64,
    /// Their codes, most frequent first.
    pub codes: Vec<i64>,
}

/// A row that failed.
#[derive(Clone, Debug, Serialize)]
pub struct FailedRow {
    /// The line of the input.
    pub row: u64,
    /// The input if there were several, else empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub input: String,
    /// `GroupId`.
    pub group: String,
    /// `Sender_Account`.
    pub sender: String,
    /// `TopicId`; empty if there is none.
    pub topic: String,
    /// The code of the last answer.
    pub code: i64,
    /// The service's message.
    pub info: String,
    /// The number of calls made for the row.
    pub attempts: u32,
    /// When the last call was sent.
    pub sent_at: Option<Timestamp>,
}

/// Rows that were not sent, for one kind of reason.
#[derive(Clone, Debug, Serialize)]
pub struct Unsent {
    /// `invalid` or `skipped`.
    pub outcome: Outcome,
    /// The reason.
    pub reason: String,
    /// The number of rows.
    pub rows: u64,
    /// The first lines of the input with such rows.
    pub lines: Vec<u64>,
    /// The input of each of these lines; empty names if the run had only one.
    #[serde(skip_serializing_if = "are_nameless")]
    pub inputs: Vec<String>,
}

/// Collects failed, invalid and skipped rows.
#[derive(Debug, Default)]
pub(super) struct Failures {
    codes: BTreeMap<i64, (u64, String)>,
    groups: HashMap<Box<str>, Vec<(i64, u64)>>,
    rows: Vec<FailedRow>,
    unsent: BTreeMap<(Outcome, String), Unsent>,
}

impl Failures {
    pub(super) fn failed(&mut self, entry: &Entry<'_>) {
        let (rows, _) = self
            .codes
            .entry(entry.code)
            .or_insert_with(|| (0, entry.info.to_string()));
        *rows += 1;
        if !self.groups.contains_key(&*entry.group) {
            self.groups.insert(entry.group.as_ref().into(), Vec::new());
        }
        if let Some(codes) = self.groups.get_mut(&*entry.group) {
            match codes.iter_mut().find(|(code, _)| *code == entry.code) {
                Some((_, rows)) => *rows += 1,
                None => codes.push((entry.code, 1)),
            }
        }
        if self.rows.len() < ROWS {
            self.rows.push(FailedRow {
                row: entry.row,
                input: entry.input.to_string(),
                group: entry.group.to_string(),
                sender: entry.sender.to_string(),
                topic: entry.topic.to_string(),
                code: entry.code,
                info: entry.info.to_string(),
                attempts: entry.attempts,
                sent_at: entry.sent_at,
            });
        }
    }

    pub(super) fn unsent(&mut self, entry: &Entry<'_>) {
        let mut key = (entry.outcome, kind_of_fault(&entry.info).to_owned());
        if self.unsent.len() >= REASONS && !self.unsent.contains_key(&key) {
            "other reasons".clone_into(&mut key.1);
        }
        let unsent = self
            .unsent
            .entry(key)
            .or_insert_with_key(|(outcome, reason)| Unsent {
                outcome: *outcome,
                reason: reason.clone(),
                rows: 0,
                lines: Vec::new(),
                inputs: Vec::new(),
            });
        unsent.rows += 1;
        if unsent.lines.len() < LINES {
            unsent.lines.push(entry.row);
            unsent.inputs.push(entry.input.to_string());
        }
    }

    /// Returns failed rows by code, most frequent first.
    pub(super) fn by_code(&self) -> Vec<Failed> {
        let failed = self.codes.iter().map(|(&code, (rows, info))| {
            let known = codes::look_up(code);
            Failed {
                code,
                rows: *rows,
                meaning: known.meaning,
                advice: known.advice,
                info: info.clone(),
            }
        });
        sorted(failed.collect(), |failed| failed.rows)
    }

    /// Returns the number of groups with failed rows.
    pub(super) fn failing_groups(&self) -> u64 {
        self.groups.len() as u64
    }

    /// Returns the groups with the most failed rows.
    pub(super) fn by_group(&self) -> Vec<FailedGroup> {
        let rows = |codes: &[(i64, u64)]| codes.iter().map(|(_, rows)| rows).sum::<u64>();
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_unstable_by_key(|(group, codes)| (std::cmp::Reverse(rows(codes)), *group));
        let listed = groups.into_iter().take(GROUPS).map(|(group, codes)| {
            let codes_by_rows = sorted(codes.clone(), |(_, rows)| *rows);
            FailedGroup {
                group: group.to_string(),
                failed: rows(codes),
                codes: codes_by_rows.into_iter().map(|(code, _)| code).collect(),
            }
        });
        listed.collect()
    }

    /// Returns the reasons why rows were not sent, most frequent first.
    pub(super) fn by_reason(&self) -> Vec<Unsent> {
        sorted(self.unsent.values().cloned().collect(), |unsent| {
            unsent.rows
        })
    }

    /// Returns the first failed rows.
    pub(super) fn into_rows(self) -> Vec<FailedRow> {
        self.rows
    }
}

fn are_nameless(inputs: &[String]) -> bool {
    inputs.iter().all(String::is_empty)
}

/// Sorts items by count, highest first. Items with equal counts keep their order.
fn sorted<T>(mut items: Vec<T>, count: impl Fn(&T) -> u64) -> Vec<T> {
    items.sort_by_key(|item| std::cmp::Reverse(count(item)));
    items
}
