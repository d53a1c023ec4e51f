//! How long answers took.

use hdrhistogram::Histogram;
use serde::Serialize;

/// The approximate maximum number of bars in the distribution.
const MAX_BARS: u64 = 40;
/// Longer answer times count as this long, in milliseconds. The timeout is far shorter.
const MAX_MS: u64 = 3_600_000;

/// How long the rows' last calls that got an answer took, in milliseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Latencies {
    /// The number of calls measured.
    pub calls: u64,
    /// The 50th percentile.
    pub p50: u64,
    /// The 95th percentile.
    pub p95: u64,
    /// The 99th percentile.
    pub p99: u64,
    /// The longest.
    pub max: u64,
    /// The distribution: bars of equal width, and a last one for calls that took longer.
    pub bars: Vec<Bar>,
}

/// The number of calls that took between two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// The shortest time, in milliseconds.
    pub from: u64,
    /// The time that all of them stayed below; `None` for the last bar, which has no upper bound.
    pub to: Option<u64>,
    /// The number of calls.
    pub calls: u64,
}

/// Measures in constant memory.
#[derive(Debug)]
pub(super) struct Stopwatch(Histogram<u64>);

impl Stopwatch {
    pub(super) fn new() -> Self {
        Self(Histogram::new_with_bounds(1, MAX_MS, 3).expect("these bounds are valid"))
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
                .min(MAX_MS)
        };
        Latencies {
            calls: self.0.len(),
            p50: percentile(50.0),
            p95: percentile(95.0),
            p99: percentile(99.0),
            max: self.0.max().min(MAX_MS),
            bars: self.bars(percentile(99.5)),
        }
    }

    /// Returns bars up to a value, so that a few slow calls don't squeeze all others into one bar.
    fn bars(&self, up_to: u64) -> Vec<Bar> {
        let width = round_width(up_to / MAX_BARS + 1);
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

/// Returns the smallest of 1, 2, 5, 10, 20, 50 and so on that is large enough.
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
    fn without_calls_there_are_no_bars() {
        assert_eq!((read([]).calls, read([]).bars.len()), (0, 0));
    }

    #[test]
    fn a_single_call_is_every_percentile_and_fills_one_bar() {
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
    fn answers_in_zero_milliseconds_are_counted() {
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
    fn a_few_slow_calls_do_not_squeeze_the_others_into_one_bar() {
        let read = read((20..80).cycle().take(10_000).chain([9_000, u64::MAX]));
        assert!(read.bars.len() > 20, "{read:?}");
        let last = read.bars.last().expect("bars");
        assert_eq!((last.to, read.max), (None, MAX_MS));
        assert_eq!(read.bars.iter().map(|bar| bar.calls).sum::<u64>(), 10_002);
    }
}
