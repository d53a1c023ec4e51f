//! One fold over a ledger that serves every output.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::busiest::Busiest;
use super::failures::{Failed, FailedGroup, FailedRow, Failures, Unsent};
use super::latency::{Latencies, Stopwatch};
use super::timeline::Timeline;
use crate::api::CAP;
use crate::error::Result;
use crate::ledger::{Header, LastWords, MOCK};
use crate::outcome::{Entry, Outcome};

/// Rows with this many attempts or more are counted together.
const MAX_ATTEMPTS: usize = 16;

/// The contents of a ledger, summed up from the last entry for every row.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The ledger.
    #[serde(serialize_with = "super::summary::lossy")]
    pub ledger: PathBuf,
    /// The app whose messages were recalled.
    pub app: u64,
    /// The address of the service, or `mock`.
    pub endpoint: String,
    /// The name of the input.
    pub input: String,
    /// When the ledger was begun.
    pub begun: Timestamp,
    /// From the first to the last of the rows' last calls; `None` if no call was made.
    pub span: Option<Span>,
    /// Rows: `recalled + failed + invalid + skipped`.
    pub rows: u64,
    /// Rows that the service answered with success.
    pub recalled: u64,
    /// Rows that the service refused or did not answer.
    pub failed: u64,
    /// Rows that could not be sent as they were.
    pub invalid: u64,
    /// Rows for which a call would have had no effect.
    pub skipped: u64,
    /// Damaged lines, which are not entries.
    pub unreadable: u64,
    /// Calls made for each row in the run that wrote its last entry.
    pub calls: u64,
    /// The calls among them that repeated an earlier one for the same row.
    pub retries: u64,
    /// The documented cap, in calls per second.
    pub cap: u32,
    /// Last calls of rows in the busiest second of the wall clock.
    pub peak_per_s: u64,
    /// Last calls of rows over time.
    pub timeline: Timeline,
    /// How long answers took, in milliseconds.
    pub latency_ms: Latencies,
    /// Rows by the number of calls they took.
    pub attempts: Vec<RowsByAttempts>,
    /// Failed rows by code, the most frequent first.
    pub failures: Vec<Failed>,
    /// The number of groups with failed rows.
    pub failing_groups: u64,
    /// The groups with the most failed rows.
    pub groups: Vec<FailedGroup>,
    /// The first failed rows.
    pub first_failed: Vec<FailedRow>,
    /// Why rows were not sent.
    pub unsent: Vec<Unsent>,
}

/// The time from the first to the last call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Span {
    /// When the first call was sent.
    pub first: Timestamp,
    /// When the last call was sent.
    pub last: Timestamp,
    /// The time between them, in seconds.
    pub seconds: f64,
}

/// The number of rows that took this many calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RowsByAttempts {
    /// The number of calls.
    pub attempts: usize,
    /// Whether rows with more calls are included.
    pub or_more: bool,
    /// The number of rows.
    pub rows: u64,
}

impl Report {
    /// Reads a ledger. Memory grows only with the number of failed and invalid rows.
    ///
    /// # Errors
    /// If the file can't be read or is not a ledger.
    pub fn read(ledger: &Path) -> Result<Self> {
        let mut words = LastWords::open(ledger)?;
        let mut fold = Fold::new();
        while words.advance()? {
            match words.entry() {
                Some(entry) => fold.add(&entry),
                None => fold.unreadable += 1,
            }
        }
        Ok(fold.finish(ledger, words.header()))
    }

    /// Returns whether the run was a rehearsal against the built-in mock.
    pub fn is_rehearsal(&self) -> bool {
        self.endpoint == MOCK
    }
}

/// A report under construction.
#[derive(Debug)]
pub(super) struct Fold {
    outcomes: [u64; 4],
    unreadable: u64,
    calls: u64,
    retries: u64,
    ends: Option<(Timestamp, Timestamp)>,
    busiest: Busiest,
    timeline: Timeline,
    stopwatch: Stopwatch,
    attempts: [u64; MAX_ATTEMPTS],
    failures: Failures,
}

impl Fold {
    pub(super) fn new() -> Self {
        Self {
            outcomes: [0; 4],
            unreadable: 0,
            calls: 0,
            retries: 0,
            ends: None,
            busiest: Busiest::default(),
            timeline: Timeline::default(),
            stopwatch: Stopwatch::new(),
            attempts: [0; MAX_ATTEMPTS],
            failures: Failures::default(),
        }
    }

    pub(super) fn add(&mut self, entry: &Entry<'_>) {
        self.outcomes[entry.outcome as usize] += 1;
        match entry.outcome {
            Outcome::Recalled => {}
            Outcome::Failed => self.failures.failed(entry),
            Outcome::Invalid | Outcome::Skipped => self.failures.unsent(entry),
        }
        if entry.attempts > 0 {
            self.calls += u64::from(entry.attempts);
            self.retries += u64::from(entry.attempts - 1);
            self.attempts[(entry.attempts as usize).min(MAX_ATTEMPTS) - 1] += 1;
        }
        // Without an answer, `ms` is only how long the run waited for one.
        if let Some(ms) = entry.ms.filter(|_| entry.code >= 0) {
            self.stopwatch.record(ms);
        }
        if let Some(at) = entry.sent_at {
            let (first, last) = self.ends.unwrap_or((at, at));
            self.ends = Some((first.min(at), last.max(at)));
            self.busiest.count(at.as_second());
            let bucket = self.timeline.at(at);
            match (entry.outcome, entry.attempts) {
                (Outcome::Recalled, ..=1) => bucket.at_once += 1,
                (Outcome::Recalled, _) => bucket.by_retry += 1,
                _ => bucket.failed += 1,
            }
        }
    }

    pub(super) fn finish(self, ledger: &Path, header: &Header) -> Report {
        let [recalled, failed, invalid, skipped] = self.outcomes;
        let rows_by_attempts = (1..)
            .zip(self.attempts)
            .map(|(attempts, rows)| RowsByAttempts {
                attempts,
                or_more: attempts == MAX_ATTEMPTS,
                rows,
            });
        let max_attempts = self.attempts.iter().rposition(|rows| *rows > 0);
        Report {
            ledger: ledger.to_owned(),
            app: header.app,
            endpoint: header.endpoint.clone(),
            input: header.input.clone(),
            begun: header.created,
            span: self.ends.map(|(first, last)| Span {
                first,
                last,
                seconds: last.duration_since(first).as_secs_f64(),
            }),
            rows: self.outcomes.iter().sum(),
            recalled,
            failed,
            invalid,
            skipped,
            unreadable: self.unreadable,
            calls: self.calls,
            retries: self.retries,
            cap: CAP,
            peak_per_s: self.busiest.max_calls(),
            timeline: self.timeline,
            latency_ms: self.stopwatch.read(),
            attempts: rows_by_attempts
                .take(max_attempts.map_or(0, |last| last + 1))
                .collect(),
            failures: self.failures.by_code(),
            failing_groups: self.failures.failing_groups(),
            groups: self.failures.by_group(),
            unsent: self.failures.by_reason(),
            first_failed: self.failures.into_rows(),
        }
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
