//! How many calls pass.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, Result};

const SECOND: Duration = Duration::from_secs(1);

/// How many calls of one app and command pass. The rest get the frequency error and don't count
/// against the cap. How the service counts is not documented, so a caller should cope with all
/// three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// At most this many in any sliding second.
    Sliding(u32),
    /// At most this many in each second of the mock's clock.
    Fixed(u32),
    /// One per token: `rate` tokens are added each second, and at most `burst` are kept.
    Bucket {
        /// Tokens per second.
        rate: u32,
        /// Tokens at the start, and the maximum at any time.
        burst: u32,
    },
}

impl From<u32> for Cap {
    fn from(calls: u32) -> Self {
        Self::Sliding(calls)
    }
}

impl FromStr for Cap {
    type Err = Error;

    /// Parses `200`, `sliding:200`, `fixed:200`, `bucket:200` or `bucket:200,50`.
    fn from_str(text: &str) -> Result<Self> {
        let refuse = || {
            Error::usage(format!("{text:?} is not a cap"))
                .hint("write calls per second, as in 200, fixed:200, or bucket:200,50 with a burst")
        };
        let number = |text: &str| text.parse::<u32>().map_err(|_| refuse());
        match text.split_once(':') {
            None => Ok(Self::Sliding(number(text)?)),
            Some(("sliding", calls)) => Ok(Self::Sliding(number(calls)?)),
            Some(("fixed", calls)) => Ok(Self::Fixed(number(calls)?)),
            Some(("bucket", size)) => {
                let (rate, burst) = size.split_once(',').unwrap_or((size, size));
                Ok(Self::Bucket {
                    rate: number(rate)?,
                    burst: number(burst)?,
                })
            }
            Some(_) => Err(refuse()),
        }
    }
}

/// When calls arrived, oldest first: in the last second, plus the time by which calls may be read
/// late.
///
/// Calls on different connections may be read in a different order than they arrived, so a time may
/// be earlier than the one added before it, by less than [`LATE`].
#[derive(Debug, Default)]
pub(crate) struct Arrivals(VecDeque<Duration>);

/// By how much a time may be earlier than the one added before it: on a busy machine a thread may
/// have to wait this long to run, with calls on several connections waiting to be read.
pub(crate) const LATE: Duration = Duration::from_secs(2);

impl Arrivals {
    /// Adds a time. Returns its index and the maximum number of calls in any second that includes
    /// it. Two calls a full second apart share no second.
    pub(crate) fn add(&mut self, time: Duration) -> (usize, usize) {
        let times = &mut self.0;
        while let Some(&oldest) = times.front()
            && time.saturating_sub(oldest) >= SECOND + LATE
        {
            times.pop_front();
        }
        let mut at = times.len();
        times.push_back(time);
        while at > 0 && times[at - 1] > time {
            times.swap(at - 1, at);
            at -= 1;
        }
        let ends = (at..times.len()).take_while(|&end| times[end].saturating_sub(time) < SECOND);
        let within = |end: usize| {
            let before = times.partition_point(|&t| times[end].saturating_sub(t) >= SECOND);
            end + 1 - before
        };
        (at, ends.map(within).max().unwrap_or(1))
    }

    /// Removes the time just added.
    fn remove(&mut self, at: usize) {
        self.0.remove(at);
    }
}

/// How many seconds to keep: calls may be read up to two seconds late ([`LATE`]).
const SECONDS: usize = 3;

/// A cap and its state.
#[derive(Debug)]
pub(crate) enum Limiter {
    Sliding {
        max: usize,
        passed: Arrivals,
    },
    /// The last seconds, because calls may be read late, and how many calls passed in each.
    Fixed {
        max: u32,
        seconds: [(u64, u32); SECONDS],
    },
    Bucket {
        rate: f64,
        burst: f64,
        tokens: f64,
        filled: Duration,
    },
}

impl Limiter {
    pub(crate) fn new(cap: Cap) -> Self {
        match cap {
            Cap::Sliding(max) => Self::Sliding {
                max: max as usize,
                passed: Arrivals::default(),
            },
            Cap::Fixed(max) => Self::Fixed {
                max,
                seconds: [(0, 0); SECONDS],
            },
            Cap::Bucket { rate, burst } => Self::Bucket {
                rate: f64::from(rate),
                burst: f64::from(burst),
                tokens: f64::from(burst),
                filled: Duration::ZERO,
            },
        }
    }

    /// Returns whether a call at `now` passes. Times come roughly in order.
    pub(crate) fn pass(&mut self, now: Duration) -> bool {
        match self {
            Self::Sliding { max, passed } => {
                let (at, within) = passed.add(now);
                if within > *max {
                    passed.remove(at);
                }
                within <= *max
            }
            Self::Fixed { max, seconds } => {
                let second = now.as_secs();
                let slot = usize::try_from(second).unwrap_or(usize::MAX) % SECONDS;
                let (known, count) = &mut seconds[slot];
                if *known != second {
                    (*known, *count) = (second, 0);
                }
                let passes = *count < *max;
                *count += u32::from(passes);
                passes
            }
            Self::Bucket {
                rate,
                burst,
                tokens,
                filled,
            } => {
                let fresh = now.saturating_sub(*filled).as_secs_f64() * *rate;
                *tokens = (*tokens + fresh).min(*burst);
                *filled = now.max(*filled);
                // Fractions of a token add up with rounding errors, which must not cost a call.
                let passes = *tokens > 1.0 - 1e-6;
                if passes {
                    *tokens -= 1.0;
                }
                passes
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn passed(gate: &mut Limiter, ms: impl Iterator<Item = u32>) -> usize {
        ms.filter(|&ms| gate.pass(ms * MS)).count()
    }

    #[test]
    fn a_cap_is_parsed_with_its_kind() {
        let parse = |text: &str| text.parse::<Cap>().expect("a cap");
        assert_eq!(parse("200"), Cap::Sliding(200));
        assert_eq!(parse("sliding:200"), Cap::Sliding(200));
        assert_eq!(parse("fixed:200"), Cap::Fixed(200));
        let bucket = |rate, burst| Cap::Bucket { rate, burst };
        assert_eq!(parse("bucket:200"), bucket(200, 200));
        assert_eq!(parse("bucket:200,50"), bucket(200, 50));
        for text in ["", "-1", "200/s", "leaky:200", "bucket:", "fixed:1,2"] {
            assert!(text.parse::<Cap>().is_err(), "{text}");
        }
    }

    #[test]
    fn exactly_the_cap_passes_in_a_sliding_second() {
        let mut gate = Limiter::new(200.into());
        assert_eq!(passed(&mut gate, 0..1000), 200);
        assert!(!gate.pass(Duration::from_nanos(999_999_999)));
        assert!(gate.pass(1000 * MS));
    }

    #[test]
    fn evenly_spaced_calls_at_the_cap_pass_with_every_kind() {
        for cap in ["sliding:200", "fixed:200", "bucket:200,1"] {
            let mut gate = Limiter::new(cap.parse().expect("a cap"));
            assert_eq!(passed(&mut gate, (0..50_000).step_by(5)), 10_000, "{cap}");
        }
    }

    #[test]
    fn only_a_fixed_cap_lets_a_burst_across_a_second_boundary_pass() {
        let burst = |cap: &str| {
            let mut gate = Limiter::new(cap.parse().expect("a cap"));
            passed(&mut gate, (800..1200).chain(1200..1201))
        };
        assert_eq!(burst("sliding:200"), 200);
        assert_eq!(burst("fixed:200"), 400);
        assert_eq!(burst("bucket:200,20"), 20 + 80);
    }

    #[test]
    fn a_bucket_never_holds_more_than_its_burst() {
        let mut gate = Limiter::new(Cap::Bucket {
            rate: 200,
            burst: 50,
        });
        let at_once = |gate: &mut Limiter, s: u64| {
            let now = Duration::from_secs(s);
            (0..1000).filter(|_| gate.pass(now)).count()
        };
        assert_eq!(at_once(&mut gate, 0), 50);
        assert_eq!(at_once(&mut gate, 3600), 50);
    }

    #[test]
    fn calls_read_late_are_counted_when_they_arrived() {
        let mut arrivals = Arrivals::default();
        let mut add = |ms: u32| arrivals.add(ms * MS).1;
        assert_eq!([add(0), add(50), add(990), add(1040)], [1, 2, 3, 3]);
        // The second up to 1040 holds 1020 and three others; the one up to 1020, only two others.
        assert_eq!(add(1020), 4);
        assert_eq!(add(1050), 4);
    }

    #[test]
    fn a_late_call_does_not_slip_through_the_cap() {
        let mut gate = Limiter::new(2.into());
        assert!(gate.pass(500 * MS));
        assert!(gate.pass(1040 * MS));
        assert!(!gate.pass(1020 * MS));
        assert!(gate.pass(1500 * MS));
    }

    #[test]
    fn a_late_call_is_counted_in_the_second_in_which_it_arrived() {
        let mut gate = Limiter::new(Cap::Fixed(2));
        let passed = [900, 1100, 2100, 950, 1200, 970, 1300].map(|ms| gate.pass(ms * MS));
        assert_eq!(passed, [true, true, true, true, true, false, false]);
    }

    #[test]
    fn rejected_calls_do_not_count_against_the_cap() {
        let mut gate = Limiter::new(1.into());
        assert!(gate.pass(Duration::ZERO));
        assert!(!gate.pass(999 * MS));
        assert!(gate.pass(1000 * MS));
    }

    /// Arrival times in the order of reading, each call read up to almost [`LATE`] after it
    /// arrived.
    fn read_late() -> impl Strategy<Value = Vec<Duration>> {
        prop::collection::vec((0..6000_u32, 0..1999_u32), 1..160).prop_map(|mut calls| {
            calls.sort_by_key(|&(arrived, late)| arrived + late);
            calls.iter().map(|&(arrived, _)| arrived * MS).collect()
        })
    }

    /// The maximum number of these times in any second.
    fn worst(times: &[Duration]) -> usize {
        let within = |end: Duration| {
            let times = times
                .iter()
                .filter(|&&t| t <= end && end.saturating_sub(t) < SECOND);
            times.count()
        };
        times.iter().map(|&end| within(end)).max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn the_worst_second_does_not_depend_on_the_order_of_reading(
            times in read_late(),
        ) {
            let mut arrivals = Arrivals::default();
            let seen = times.iter().map(|&time| arrivals.add(time).1).max();
            prop_assert_eq!(seen, Some(worst(&times)));
        }

        #[test]
        fn a_sliding_cap_passes_every_call_within_it_and_no_more(
            times in read_late(),
            max in 1..20_u32,
        ) {
            let mut gate = Limiter::new(max.into());
            let mut passed = Vec::new();
            for time in times {
                passed.push(time);
                let may = worst(&passed) <= max as usize;
                prop_assert_eq!(gate.pass(time), may);
                if !may {
                    passed.pop();
                }
            }
        }
    }
}
