//! The summary of a run: one JSON object, or a few lines for display.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::run::{End, Finished, Limit, Stop};

/// What `--json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Rows read: `distinct + duplicates + invalid`.
    pub rows: u64,
    /// Distinct rows: `resumed + recalled + failed + skipped + pending`.
    pub distinct: u64,
    /// Rows that repeat an earlier one.
    pub duplicates: u64,
    /// Rows that an earlier run settled.
    pub resumed: u64,
    /// Rows recalled by this run.
    pub recalled: u64,
    /// Rows that failed in this run.
    pub failed: u64,
    /// Rows that can't be sent as they are.
    pub invalid: u64,
    /// Rows for which a call would have had no effect.
    pub skipped: u64,
    /// Distinct rows read that have no final outcome yet.
    pub pending: u64,
    /// Calls made.
    pub calls: u64,
    /// Calls made for a row that had been called before.
    pub retries: u64,
    /// How long the run took, in seconds.
    pub elapsed_s: f64,
    /// Calls divided by the elapsed time, or by one second if the run was shorter.
    pub calls_per_s: f64,
    /// The maximum number of calls written in any sliding second.
    pub worst_second: usize,
    /// What kept calls from starting for the longest time: `cap`, `concurrency`, `input`, `retries`
    /// or `service`; `None` if nothing did.
    pub limited_by: Option<&'static str>,
    /// Why the run ended early; `None` if it didn't.
    pub stopped: Option<Stopped>,
    /// Failed rows by code.
    pub by_code: BTreeMap<i64, u64>,
    /// Latencies of the calls that the service answered, in milliseconds.
    pub latency_ms: Latency,
    /// The ledger.
    #[serde(serialize_with = "lossy")]
    pub ledger: PathBuf,
    /// Rows that failed in earlier runs with the same ledger and were not called again, whether or
    /// not they are in the input. They are in the failed-rows file too.
    pub failed_before: u64,
    /// The failed-rows file, if there is one.
    #[serde(serialize_with = "lossy_if_any")]
    pub failed_rows: Option<PathBuf>,
    /// What stopped the run, for display. If the input or the ledger failed, the run ends with a
    /// separate error instead.
    #[serde(skip)]
    pub(super) stop: Option<Stop>,
    /// The requested cap.
    #[serde(skip)]
    pub(super) cap: Option<u32>,
    /// Whether the input was read to its end.
    #[serde(skip)]
    pub(super) read_all: bool,
    /// Recalled rows that took more than one call.
    #[serde(skip)]
    pub(super) recalled_later: u64,
    /// The share of the time for which each limit kept calls from starting, largest first.
    #[serde(skip)]
    pub(super) limits: Vec<(Limit, f64)>,
}

/// What ended a run before all rows were done, as `--json` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// The service refused a call.
    Service,
    /// The service was out for too long.
    Outage,
    /// Too many rows failed.
    Guard,
    /// The input has grown since the preflight.
    UnknownGroup,
    /// The input has grown since the question.
    NotAgreed,
    /// The operator or the system stopped the run.
    Interrupted,
    /// The input could not be read to its end.
    Input,
    /// The ledger could not be written to its end.
    Ledger,
}

impl Stopped {
    fn by(end: &End) -> Option<Self> {
        Some(match end {
            End::Done => return None,
            End::Stopped(Stop::Service { .. }) => Self::Service,
            End::Stopped(Stop::Outage { .. }) => Self::Outage,
            End::Stopped(Stop::Guard(_)) => Self::Guard,
            End::Stopped(Stop::UnknownGroup) => Self::UnknownGroup,
            End::Stopped(Stop::NotAgreed) => Self::NotAgreed,
            End::Stopped(Stop::Interrupted) => Self::Interrupted,
            End::Input(_) => Self::Input,
            End::Ledger(_) => Self::Ledger,
        })
    }
}

/// Percentiles of the latency of calls.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// The 50th percentile.
    pub p50: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The 99th percentile.
    pub p99: f64,
}

impl Summary {
    /// Sums up a run. `failed_before` is the number of rows that earlier runs left failed in its
    /// ledger.
    pub fn new(
        finished: &Finished,
        cap: Option<u32>,
        ledger: PathBuf,
        failed_rows: Option<PathBuf>,
        failed_before: u64,
    ) -> Self {
        let tally = &finished.tally;
        let elapsed_s = finished.elapsed.as_secs_f64();
        let share = |waited: &Duration| waited.as_secs_f64() / elapsed_s.max(f64::EPSILON);
        let waited = finished.waited.iter();
        let mut limits: Vec<_> = waited
            .map(|(limit, waited)| (*limit, share(waited)))
            .collect();
        limits.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        Self {
            rows: tally.rows,
            distinct: tally.distinct(),
            duplicates: tally.duplicates,
            resumed: tally.resumed,
            recalled: tally.recalled,
            failed: tally.failed,
            invalid: tally.invalid,
            skipped: tally.skipped,
            pending: tally.pending(),
            calls: tally.calls,
            retries: tally.retries,
            elapsed_s,
            calls_per_s: tally.calls as f64 / elapsed_s.max(1.0),
            worst_second: finished.worst_second,
            limited_by: finished.limited_by().map(Limit::name),
            stopped: Stopped::by(&finished.end),
            by_code: tally.by_code.clone(),
            latency_ms: Latency {
                p50: tally.latency_ms(50.0),
                p95: tally.latency_ms(95.0),
                p99: tally.latency_ms(99.0),
            },
            ledger,
            failed_rows,
            stop: match &finished.end {
                End::Stopped(stop) => Some(stop.clone()),
                End::Done | End::Input(_) | End::Ledger(_) => None,
            },
            cap,
            failed_before,
            read_all: finished.read_all,
            recalled_later: tally.recalled_later,
            limits,
        }
    }
}

/// Serializes a path lossily, because JSON must be Unicode and a path need not be.
pub(super) fn lossy<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&path.display())
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn lossy_if_any<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
    let path = path.as_ref().map(|path| path.to_string_lossy());
    path.serialize(to)
}
