//! What was measured: an object for machines, a few lines for people.

use std::fmt::Write as _;
use std::thread::available_parallelism;
use std::time::Duration;

use serde::Serialize;

use crate::display::{thousands, time};
use crate::mock::Seen;
use crate::run::{Finished, Limit};
use crate::usage::Usage;

/// A thread that was busy, or in the queue for a core, for this share of the time is what the rest
/// waits for.
const BUSY: f64 = 0.85;

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Bench {
    version: &'static str,
    /// Cores that this process may use.
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

/// The figures of one part. What Linux alone tells is missing elsewhere.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    /// Calls a second that were asked for; none for as fast as it goes.
    rate: Option<u32>,
    concurrency: usize,
    rows: u64,
    recalled: u64,
    failed: u64,
    calls: u64,
    retries: u64,
    elapsed_s: f64,
    /// Calls over the whole time, the wait for the last answers included.
    calls_per_s: f64,
    /// The mean rate while there were rows to call, over the cap.
    mean_of_cap: Option<f64>,
    /// Most calls in any sliding second.
    worst_second: WorstSecond,
    latency_ms: Percentiles,
    /// How long after row, slot and permit were there the calls started.
    lag_ms: Option<Percentiles>,
    cpu_s_per_100k_calls: Cpu,
    /// Which share of the time a thread was on a core.
    busy: Busy,
    /// Of the whole process up to here, in bytes: mock and earlier parts included.
    peak_memory: Option<u64>,
    /// `cap`, `loop`, `mock`, `cores`, `concurrency`, `input`, `retries` or `service`.
    limited_by: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct WorstSecond {
    client: usize,
    mock: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Percentiles {
    p50: f64,
    p99: f64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Cpu {
    /// All threads.
    process: Option<f64>,
    /// All but the mock's.
    without_mock: Option<f64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Busy {
    r#loop: Option<f64>,
    /// The loop's thread again, while other threads and processes had the cores.
    loop_queued: Option<f64>,
    mock: Option<f64>,
    process: Option<f64>,
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
            limited_by: finished.limited_by().map(|limit| limited_by(limit, busy)),
        }
    }

    /// For people, several lines.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |what: &str, words: std::fmt::Arguments<'_>| {
            writeln!(text, "  {what:<14}{words}").expect("a String takes every word");
        };
        line(
            "calls",
            format_args!(
                "{} ({} retries) in {}, {:.1}/s",
                thousands(self.calls),
                thousands(self.retries),
                time(Duration::from_secs_f64(self.elapsed_s)),
                self.calls_per_s
            ),
        );
        if let Some(mean) = self.mean_of_cap {
            let percent = mean * 100.0;
            line(
                "mean ÷ cap",
                format_args!("{percent:.2}% while there were rows to call"),
            );
        }
        line(
            "worst second",
            format_args!(
                "{} calls by the client's record, {} by the mock's",
                thousands(self.worst_second.client as u64),
                thousands(self.worst_second.mock)
            ),
        );
        let Percentiles { p50, p99 } = self.latency_ms;
        line(
            "latency",
            format_args!(
                "p50 {p50:.2} ms, p99 {p99:.2} ms, from the hand-over to the whole answer"
            ),
        );
        match self.lag_ms {
            Some(Percentiles { p50, p99 }) => line(
                "schedule lag",
                format_args!(
                    "p50 {p50:.2} ms, p99 {p99:.2} ms, after row, slot and permit were there"
                ),
            ),
            None => line(
                "schedule lag",
                format_args!("none: without a cap there is no schedule"),
            ),
        }
        if let (Some(process), Some(without)) = (
            self.cpu_s_per_100k_calls.process,
            self.cpu_s_per_100k_calls.without_mock,
        ) {
            line(
                "CPU",
                format_args!("{without:.2} s per 100,000 calls, {process:.2} s with the mock"),
            );
        }
        if let Some(peak) = self.peak_memory {
            let mib = peak as f64 / f64::from(1 << 20);
            line("peak memory", format_args!("{mib:.1} MiB, mock included"));
        }
        line("limited by", format_args!("{}", self.limit()));
        text
    }

    fn limit(&self) -> String {
        let percent = |share: Option<f64>| share.unwrap_or(0.0) * 100.0;
        match self.limited_by {
            Some("cap") => "the cap".to_owned(),
            Some("loop") => format!(
                "one core: the loop's thread was busy {:.0}% of the time, and queued for a core {:.0}%",
                percent(self.busy.r#loop),
                percent(self.busy.loop_queued)
            ),
            Some("mock") => format!(
                "the mock: its thread was busy {:.0}% of the time",
                percent(self.busy.mock)
            ),
            Some("cores") => format!(
                "the machine: {:.0}% of {} cores went to loop, ledger and mock",
                percent(self.busy.process) / cores() as f64,
                cores()
            ),
            Some("concurrency") => format!(
                "slots: all were taken by calls, or by entries on their way to the disk, with the loop's thread busy {:.0}% of the time",
                percent(self.busy.r#loop)
            ),
            Some(other) => other.to_owned(),
            None => "nothing".to_owned(),
        }
    }
}

/// Where every slot was taken: who kept them?
fn limited_by(limit: Limit, busy: Busy) -> &'static str {
    let at_least = |share: Option<f64>, least| share.is_some_and(|share| share >= least);
    let wants_core = busy
        .r#loop
        .map(|busy_share| busy_share + busy.loop_queued.unwrap_or(0.0));
    match limit {
        Limit::Concurrency if at_least(wants_core, BUSY) => "loop",
        Limit::Concurrency if at_least(busy.mock, BUSY) => "mock",
        Limit::Concurrency if at_least(busy.process, BUSY * cores() as f64) => "cores",
        other => other.name(),
    }
}

fn cores() -> usize {
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
    fn slots_that_are_all_taken_have_somebody_who_takes_them() {
        let who = |busy| limited_by(Limit::Concurrency, busy);
        assert_eq!(who(busy(0.97, 0.9)), "loop");
        let queued = Busy {
            loop_queued: Some(0.3),
            ..busy(0.6, 0.2)
        };
        assert_eq!(who(queued), "loop");
        assert_eq!(who(busy(0.6, 0.9)), "mock");
        assert_eq!(who(busy(0.1, 0.05)), "concurrency");
        assert_eq!(limited_by(Limit::Cap, busy(0.97, 0.9)), "cap");
    }
}
