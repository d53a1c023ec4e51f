//! One fold over a ledger, which serves every output.

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

/// Attempts that are told apart; more are counted together.
const MOST_ATTEMPTS: usize = 16;

/// What a ledger tells: the last word on every row, summed up.
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
    /// From the first to the last of the rows' last calls; none where no call was made.
    pub span: Option<Span>,
    /// Rows: `recalled + failed + invalid + skipped`.
    pub rows: u64,
    /// Rows that the service answered as done.
    pub recalled: u64,
    /// Rows that the service refused, or gave no answer for.
    pub failed: u64,
    /// Rows that could not be sent as they stood.
    pub invalid: u64,
    /// Rows for which a call would have done nothing.
    pub skipped: u64,
    /// Lines that hold no entry: damage.
    pub unreadable: u64,
    /// Calls made for the rows in the run that had the last word on each.
    pub calls: u64,
    /// Those of them that followed another one for the same row.
    pub retries: u64,
    /// The documented cap of calls a second.
    pub cap: u32,
    /// Last calls of rows in the busiest second of the clock.
    pub peak_per_s: u64,
    /// Last calls of rows over time.
    pub timeline: Timeline,
    /// How long answers took, in milliseconds.
    pub latency_ms: Latencies,
    /// How many calls rows took.
    pub attempts: Vec<RowsByAttempts>,
    /// Failed rows by code, the most frequent first.
    pub failures: Vec<Failed>,
    /// How many groups have failed rows.
    pub failing_groups: u64,
    /// The groups with most failed rows.
    pub groups: Vec<FailedGroup>,
    /// The first failed rows.
    pub first_failed: Vec<FailedRow>,
    /// Why rows were not sent.
    pub unsent: Vec<Unsent>,
}

/// From the first to the last call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Span {
    /// When the first was sent.
    pub first: Timestamp,
    /// When the last was sent.
    pub last: Timestamp,
    /// What lies between, in seconds.
    pub seconds: f64,
}

/// Rows that took so many calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RowsByAttempts {
    /// So many calls.
    pub attempts: usize,
    /// Or more.
    pub or_more: bool,
    /// So many rows.
    pub rows: u64,
}

impl Report {
    /// Reads a ledger, in memory that grows with what failed or was invalid alone.
    ///
    /// # Errors
    /// When it can't be read or is none.
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

    /// Whether it was a rehearsal against the mock inside.
    pub fn is_rehearsal(&self) -> bool {
        self.endpoint == MOCK
    }
}

/// A report that is being put together.
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
    attempts: [u64; MOST_ATTEMPTS],
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
            attempts: [0; MOST_ATTEMPTS],
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
            self.attempts[(entry.attempts as usize).min(MOST_ATTEMPTS) - 1] += 1;
        }
        // Without an answer it only says how long it was waited for.
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
                or_more: attempts == MOST_ATTEMPTS,
                rows,
            });
        let most_attempts = self.attempts.iter().rposition(|rows| *rows > 0);
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
            peak_per_s: self.busiest.most(),
            timeline: self.timeline,
            latency_ms: self.stopwatch.read(),
            attempts: rows_by_attempts
                .take(most_attempts.map_or(0, |last| last + 1))
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
