//! How long answers took.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Bars of the distribution, at most.
const MOST_BARS: u64 = 40;
/// Longer answers count as this long, in milliseconds; a time-out is far below it.
const LONGEST: u64 = 3_600_000;

/// How long the last calls of rows took, in milliseconds, where there was an answer.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Latencies {
    /// Calls that were measured.
    pub calls: u64,
    /// Half of them took no longer.
    pub p50: u64,
    /// 95 % of them took no longer.
    pub p95: u64,
    /// 99 % of them took no longer.
    pub p99: u64,
    /// The slowest.
    pub max: u64,
    /// The distribution: bars of equal width, and the last holds whatever took longer.
    pub bars: Vec<Bar>,
}

/// Calls that took so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// At least so many milliseconds.
    pub from: u64,
    /// Less than so many; none for the last, which has no end.
    pub to: Option<u64>,
    /// So many calls.
    pub calls: u64,
}

/// Measures in constant memory.
#[derive(Debug)]
pub(super) struct Stopwatch(Histogram<u64>);

impl Stopwatch {
    pub(super) fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST, 3).expect("these bounds are valid"))
    }

    pub(super) fn record(&mut self, ms: u64) {
        self.0.saturating_record(ms);
    }

    pub(super) fn read(&self) -> Latencies {
        if self.0.is_empty() {
            return Latencies::default();
        }
        let percentile = |percent| {
            self.0
                .value_at_percentile(percent)
                .min(self.0.max())
                .min(LONGEST)
        };
        Latencies {
            calls: self.0.len(),
            p50: percentile(50.0),
            p95: percentile(95.0),
            p99: percentile(99.0),
            max: self.0.max().min(LONGEST),
            bars: self.bars(percentile(99.5)),
        }
    }

    /// Bars up to a value; few slow calls don't flatten all others into one bar.
    fn bars(&self, up_to: u64) -> Vec<Bar> {
        let width = round_width(up_to / MOST_BARS + 1);
        let count = up_to / width + 1;
        let mut bars: Vec<Bar> = (0..=count)
            .map(|at| Bar {
                from: at * width,
                to: (at < count).then_some((at + 1) * width),
                calls: 0,
            })
            .collect();
        for value in self.0.iter_recorded() {
            let at = (value.value_iterated_to() / width).min(count);
            bars[usize::try_from(at).expect("there are few bars")].calls +=
                value.count_since_last_iteration();
        }
        if bars.last().is_some_and(|bar| bar.calls == 0) {
            bars.pop();
        }
        bars
    }
}

/// The next of 1, 2, 5, 10, 20, 50 and so on.
fn round_width(at_least: u64) -> u64 {
    let mut power = 1;
    loop {
        for step in [1, 2, 5] {
            if step * power >= at_least {
                return step * power;
            }
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(times: impl IntoIterator<Item = u64>) -> Latencies {
        let mut stopwatch = Stopwatch::new();
        times.into_iter().for_each(|ms| stopwatch.record(ms));
        stopwatch.read()
    }

    #[test]
    fn percentiles_are_those_of_the_calls() {
        let read = read(1..=1_000);
        assert_eq!(
            [read.p50, read.p95, read.p99, read.max],
            [500, 950, 990, 1_000]
        );
        assert_eq!(read.calls, 1_000);
    }

    #[test]
    fn without_a_call_there_is_nothing_to_show() {
        assert_eq!((read([]).calls, read([]).bars.len()), (0, 0));
    }

    #[test]
    fn one_call_is_all_percentiles_and_one_bar() {
        let read = read([41]);
        assert_eq!([read.p50, read.p99, read.max], [41; 3]);
        let full: Vec<_> = read.bars.iter().filter(|bar| bar.calls > 0).collect();
        assert_eq!(
            full,
            [&Bar {
                from: 40,
                to: Some(42),
                calls: 1
            }]
        );
    }

    #[test]
    fn answers_in_no_time_are_measured_too() {
        assert_eq!(
            read([0, 0]).bars,
            [Bar {
                from: 0,
                to: Some(1),
                calls: 2
            }]
        );
    }

    #[test]
    fn few_slow_calls_leave_the_others_their_bars() {
        let read = read((20..80).cycle().take(10_000).chain([9_000, u64::MAX]));
        assert!(read.bars.len() > 20, "{read:?}");
        let last = read.bars.last().expect("bars");
        assert_eq!((last.to, read.max), (None, LONGEST));
        assert_eq!(read.bars.iter().map(|bar| bar.calls).sum::<u64>(), 10_002);
    }
}
