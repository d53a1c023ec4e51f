//! The counts of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::unrecorded::Counted;
use crate::outcome::Outcome;

/// The maximum recorded latency, in microseconds: ten minutes. Longer ones count as this.
const MAX_MICROS: u64 = 600_000_000;

/// What a run has done so far.
///
/// `rows = distinct + duplicates + invalid`, and
/// `distinct = resumed + recalled + failed + skipped + pending`.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Rows read.
    pub rows: u64,
    /// Rows that appeared earlier in the input.
    pub duplicates: u64,
    /// Rows that an earlier run settled.
    pub resumed: u64,
    /// Distinct rows that no earlier run settled: this run's work.
    pub taken: u64,
    /// Rows recalled.
    pub recalled: u64,
    /// Of the rows recalled, those that needed more than one call.
    pub recalled_later: u64,
    /// Rows failed.
    pub failed: u64,
    /// Bad rows.
    pub invalid: u64,
    /// Rows for which a call would have done nothing.
    pub skipped: u64,
    /// Calls made.
    pub calls: u64,
    /// Calls made for rows that had been called before.
    pub retries: u64,
    /// Failed rows by the code of their last answer.
    pub by_code: BTreeMap<i64, u64>,
    /// Latencies of the answered calls, in microseconds.
    pub latency: Histogram<u64>,
    /// How late calls started, in microseconds, counted from the moment when a row, a slot and a
    /// permit were available. Empty without a cap.
    pub lag: Histogram<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            rows: 0,
            duplicates: 0,
            resumed: 0,
            taken: 0,
            recalled: 0,
            recalled_later: 0,
            failed: 0,
            invalid: 0,
            skipped: 0,
            calls: 0,
            retries: 0,
            by_code: BTreeMap::new(),
            latency: histogram(),
            lag: histogram(),
        }
    }
}

impl Tally {
    /// Returns the number of distinct rows read.
    pub fn distinct(&self) -> u64 {
        self.taken + self.resumed
    }

    /// Returns the number of rows that this run has recalled, failed or skipped.
    pub fn settled(&self) -> u64 {
        self.recalled + self.failed + self.skipped
    }

    /// Returns the number of distinct rows read that are not settled yet.
    pub fn pending(&self) -> u64 {
        self.taken - self.settled()
    }

    /// Returns the latency that this percentage of the answered calls did not exceed, in
    /// milliseconds.
    pub fn latency_ms(&self, percent: f64) -> f64 {
        self.latency.value_at_percentile(percent) as f64 / 1_000.0
    }

    /// Returns the lag that this percentage of the calls did not exceed, in milliseconds; `None`
    /// without a cap.
    pub fn lag_ms(&self, percent: f64) -> Option<f64> {
        (!self.lag.is_empty()).then(|| self.lag.value_at_percentile(percent) as f64 / 1_000.0)
    }

    /// Takes back what an entry has counted: it never reached the ledger, so its row is pending. A
    /// bad row stays one.
    pub(super) fn unsettle(&mut self, entry: Counted) {
        match entry.outcome {
            Outcome::Recalled => {
                self.recalled -= 1;
                self.recalled_later -= u64::from(entry.attempts > 1);
            }
            Outcome::Failed => {
                self.failed -= 1;
                if let Some(rows) = self.by_code.get_mut(&entry.code) {
                    *rows -= 1;
                }
                self.by_code.retain(|_, rows| *rows > 0);
            }
            Outcome::Skipped => self.skipped -= 1,
            Outcome::Invalid => {}
        }
    }

    pub(super) fn started(&mut self, lag: Duration) {
        self.lag.saturating_record(micros(lag));
    }

    pub(super) fn answered(&mut self, code: i64, took: Duration) {
        if code >= 0 {
            self.latency.saturating_record(micros(took));
        }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(MAX_MICROS, 2).expect("a valid range and precision")
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros())
        .unwrap_or(MAX_MICROS)
        .max(1)
}
