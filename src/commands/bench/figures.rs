//! The measurements, as an object for `--json`.

use std::thread::available_parallelism;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::mock::Seen;
use crate::run::{Finished, Limit};
use crate::usage::Usage;

/// A thread that was busy, or waiting for a core, for at least this share of the time is the
/// bottleneck.
const BUSY: f64 = 0.85;

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Bench {
    version: &'static str,
    /// Cores available to this process.
    cores: usize,
    parts: Vec<Figures>,
}

impl Bench {
    pub(super) fn new(parts: Vec<Figures>) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            cores: cores(),
            parts,
        }
    }
}

/// The figures of one part. Those from Linux's `/proc` are missing on other systems.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    /// The requested calls per second; `None` means no limit.
    rate: Option<u32>,
    concurrency: usize,
    rows: u64,
    recalled: u64,
    failed: u64,
    pub(super) calls: u64,
    pub(super) retries: u64,
    pub(super) elapsed_s: f64,
    /// Calls per second over the whole time, including the wait for the last answers.
    pub(super) calls_per_s: f64,
    /// The mean rate while there were rows to call, divided by the cap.
    pub(super) mean_of_cap: Option<f64>,
    /// Maximum calls in any sliding second.
    pub(super) worst_second: WorstSecond,
    pub(super) latency_ms: Percentiles,
    /// Delay from when row, slot and permit were available to the start of the call.
    pub(super) lag_ms: Option<Percentiles>,
    pub(super) cpu_s_per_100k_calls: Cpu,
    /// The share of the time that threads were running.
    pub(super) busy: Busy,
    /// Of the whole process so far, in bytes, including the mock and earlier parts.
    pub(super) peak_memory: Option<u64>,
    /// `cap`, `loop`, `mock`, `cores`, `concurrency`, `input`, `retries` or `service`.
    pub(super) limited_by: Option<LimitedBy>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct WorstSecond {
    pub(super) client: usize,
    pub(super) mock: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Percentiles {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Cpu {
    /// All threads.
    pub(super) process: Option<f64>,
    /// All threads except the mock's.
    pub(super) without_mock: Option<f64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Busy {
    pub(super) r#loop: Option<f64>,
    /// The loop's thread, waiting for a core.
    pub(super) loop_queued: Option<f64>,
    pub(super) mock: Option<f64>,
    pub(super) process: Option<f64>,
}

impl Figures {
    pub(super) fn new(
        cap: Option<u32>,
        concurrency: usize,
        finished: &Finished,
        pace: Option<f64>,
        seen: &Seen,
        used: &Usage,
    ) -> Self {
        let tally = &finished.tally;
        let elapsed_s = finished.elapsed.as_secs_f64().max(f64::EPSILON);
        let share = |cpu: Option<Duration>| cpu.map(|cpu| cpu.as_secs_f64() / elapsed_s);
        let per_100k = |cpu: Duration| cpu.as_secs_f64() * 100_000.0 / tally.calls.max(1) as f64;
        let busy = Busy {
            r#loop: share(used.this_thread),
            loop_queued: share(used.this_thread_waited),
            mock: share(used.other_thread),
            process: share(used.process),
        };
        let without_mock = used
            .process
            .zip(used.other_thread)
            .map(|(process, mock)| process.saturating_sub(mock));
        Self {
            rate: cap,
            concurrency,
            rows: tally.rows,
            recalled: tally.recalled,
            failed: tally.failed,
            calls: tally.calls,
            retries: tally.retries,
            elapsed_s,
            calls_per_s: tally.calls as f64 / elapsed_s,
            mean_of_cap: cap.and_then(|cap| Some(pace? / f64::from(cap))),
            worst_second: WorstSecond {
                client: finished.worst_second,
                mock: seen.worst_second,
            },
            latency_ms: Percentiles {
                p50: tally.latency_ms(50.0),
                p99: tally.latency_ms(99.0),
            },
            lag_ms: tally
                .lag_ms(50.0)
                .zip(tally.lag_ms(99.0))
                .map(|(p50, p99)| Percentiles { p50, p99 }),
            cpu_s_per_100k_calls: Cpu {
                process: used.process.map(per_100k),
                without_mock: without_mock.map(per_100k),
            },
            busy,
            peak_memory: used.peak_memory,
            limited_by: finished
                .limited_by()
                .map(|limit| LimitedBy::new(limit, busy)),
        }
    }
}

/// What kept the calls from going faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitedBy {
    /// The loop's thread, which used a whole core.
    Loop,
    /// The mock's thread.
    Mock,
    /// All threads together, which used all cores.
    Cores,
    /// A limit that any run can have.
    Run(Limit),
}

impl LimitedBy {
    fn new(limit: Limit, busy: Busy) -> Self {
        let at_least = |share: Option<f64>, least| share.is_some_and(|share| share >= least);
        let wants_core = busy
            .r#loop
            .map(|busy_share| busy_share + busy.loop_queued.unwrap_or(0.0));
        // If all slots were taken, find out what held them.
        match limit {
            Limit::Concurrency if at_least(wants_core, BUSY) => Self::Loop,
            Limit::Concurrency if at_least(busy.mock, BUSY) => Self::Mock,
            Limit::Concurrency if at_least(busy.process, BUSY * cores() as f64) => Self::Cores,
            limit => Self::Run(limit),
        }
    }
}

impl Serialize for LimitedBy {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match self {
            Self::Loop => "loop",
            Self::Mock => "mock",
            Self::Cores => "cores",
            Self::Run(limit) => limit.name(),
        })
    }
}

pub(super) fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(r#loop: f64, mock: f64) -> Busy {
        Busy {
            r#loop: Some(r#loop),
            loop_queued: None,
            mock: Some(mock),
            process: Some(r#loop + mock),
        }
    }

    #[test]
    fn if_all_slots_are_taken_the_busy_thread_is_the_limit() {
        let who = |busy| LimitedBy::new(Limit::Concurrency, busy);
        assert_eq!(who(busy(0.97, 0.9)), LimitedBy::Loop);
        let queued = Busy {
            loop_queued: Some(0.3),
            ..busy(0.6, 0.2)
        };
        assert_eq!(who(queued), LimitedBy::Loop);
        assert_eq!(who(busy(0.6, 0.9)), LimitedBy::Mock);
        assert_eq!(who(busy(0.1, 0.05)), LimitedBy::Run(Limit::Concurrency));
        assert_eq!(
            LimitedBy::new(Limit::Cap, busy(0.97, 0.9)),
            LimitedBy::Run(Limit::Cap)
        );
    }
}
