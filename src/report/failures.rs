//! What failed, by code, by group and row by row; and what could not be sent at all.
//!
//! Memory grows with the failing groups and with nothing else.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;

use crate::api::codes;
use crate::outcome::{Entry, Outcome};
use crate::rows::kind_of_fault;

/// Groups and rows that are listed.
const GROUPS: usize = 20;
const ROWS: usize = 50;
/// Reasons that are told apart; the rest are counted together.
const REASONS: usize = 100;
/// Lines that are named for a reason.
const LINES: usize = 5;

/// Rows that failed with one code.
#[derive(Clone, Debug, Serialize)]
pub struct Failed {
    /// The code; see [`codes`].
    pub code: i64,
    /// So many rows.
    pub rows: u64,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub advice: &'static str,
    /// What the service said to the first of them.
    pub info: String,
}

/// A group with failed rows.
#[derive(Clone, Debug, Serialize)]
pub struct FailedGroup {
    /// `GroupId`.
    pub group: String,
    /// Its rows that failed.
    pub failed: u64,
    /// Their codes, the most frequent first.
    pub codes: Vec<i64>,
}

/// A row that failed.
#[derive(Clone, Debug, Serialize)]
pub struct FailedRow {
    /// The line of the input.
    pub row: u64,
    /// Which input, where there were several; else empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub input: String,
    /// `GroupId`.
    pub group: String,
    /// `Sender_Account`.
    pub sender: String,
    /// `TopicId`; empty where there is none.
    pub topic: String,
    /// The code of the last answer.
    pub code: i64,
    /// The service's words.
    pub info: String,
    /// Calls made for it.
    pub attempts: u32,
    /// When the last one was sent.
    pub sent_at: Option<Timestamp>,
}

/// Rows that were not sent, for one kind of reason.
#[derive(Clone, Debug, Serialize)]
pub struct Unsent {
    /// `invalid` or `skipped`.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// So many rows.
    pub rows: u64,
    /// The first lines of the input it stands on.
    pub lines: Vec<u64>,
    /// Which input each of these lines is of; empty names where the run had but one.
    #[serde(skip_serializing_if = "are_nameless")]
    pub inputs: Vec<String>,
}

/// Collects what did not go well.
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

    /// By code, the most frequent first.
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
        most(failed.collect(), |failed| failed.rows)
    }

    /// How many groups have failed rows.
    pub(super) fn failing_groups(&self) -> u64 {
        self.groups.len() as u64
    }

    /// Those with most.
    pub(super) fn by_group(&self) -> Vec<FailedGroup> {
        let rows = |codes: &[(i64, u64)]| codes.iter().map(|(_, rows)| rows).sum::<u64>();
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_unstable_by_key(|(group, codes)| (std::cmp::Reverse(rows(codes)), *group));
        let listed = groups.into_iter().take(GROUPS).map(|(group, codes)| {
            let codes_by_rows = most(codes.clone(), |(_, rows)| *rows);
            FailedGroup {
                group: group.to_string(),
                failed: rows(codes),
                codes: codes_by_rows.into_iter().map(|(code, _)| code).collect(),
            }
        });
        listed.collect()
    }

    /// Why rows were not sent, the most frequent reason first.
    pub(super) fn by_reason(&self) -> Vec<Unsent> {
        most(self.unsent.values().cloned().collect(), |unsent| {
            unsent.rows
        })
    }

    /// The first failed rows.
    pub(super) fn into_rows(self) -> Vec<FailedRow> {
        self.rows
    }
}

fn are_nameless(inputs: &[String]) -> bool {
    inputs.iter().all(String::is_empty)
}

/// The highest first; equals stay in their order.
fn most<T>(mut items: Vec<T>, count: impl Fn(&T) -> u64) -> Vec<T> {
    items.sort_by_key(|item| std::cmp::Reverse(count(item)));
    items
}
