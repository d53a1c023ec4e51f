//! How many calls are let through.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, Result};

const SECOND: Duration = Duration::from_secs(1);

/// How many calls of one app and command are let through; the rest get the frequency error and
/// don't use the cap up. How the service counts is not documented, so a caller should stand all
/// three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// At most so many in any sliding second.
    Sliding(u32),
    /// At most so many in each second of the mock's clock.
    Fixed(u32),
    /// As many as there are tokens: so many come in a second, and at most `burst` are kept.
    Bucket {
        /// Tokens a second.
        rate: u32,
        /// Tokens at the start, and the most at any time.
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

    /// `200`, `sliding:200`, `fixed:200`, `bucket:200` or `bucket:200,50`.
    fn from_str(text: &str) -> Result<Self> {
        let refuse = || {
            Error::usage(format!("{text:?} is no cap"))
                .hint("write calls a second, as in 200, fixed:200, or bucket:200,50 with a burst")
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

/// When calls arrived: in the last second, and as long before as calls may be read late; oldest first.
///
/// Calls on different connections may be read in another order than they arrived in, so a time
/// may be earlier than one before, by less than [`LATE`].
#[derive(Debug, Default)]
pub(crate) struct Arrivals(VecDeque<Duration>);

/// By how much a time may be earlier than one before: on a busy machine a thread can wait for its
/// turn for so long, with calls on several connections to be read.
pub(crate) const LATE: Duration = Duration::from_secs(2);

impl Arrivals {
    /// Adds a time, and says where it is, and the most that lie in any second with it. Two calls
    /// a full second apart share no second.
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

    /// Takes back what was just added.
    fn remove(&mut self, at: usize) {
        self.0.remove(at);
    }
}

/// Of how many seconds calls may still be read, being up to two late ([`LATE`]).
const SECONDS: usize = 3;

/// A cap and what it remembers.
#[derive(Debug)]
pub(crate) enum Limiter {
    Sliding {
        max: usize,
        passed: Arrivals,
    },
    /// The last seconds, as calls may be read late, and how many passed in each.
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

    /// Whether a call at `now` is let through. Times come in order, or nearly.
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
                // Fractions of a token add up with tiny errors; none of them may cost a call.
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
    fn a_cap_is_read_with_its_kind() {
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
    fn evenly_spaced_calls_at_the_cap_pass_every_kind() {
        for cap in ["sliding:200", "fixed:200", "bucket:200,1"] {
            let mut gate = Limiter::new(cap.parse().expect("a cap"));
            assert_eq!(passed(&mut gate, (0..50_000).step_by(5)), 10_000, "{cap}");
        }
    }

    #[test]
    fn a_burst_over_the_turn_of_a_second_passes_where_windows_are_fixed_and_only_there() {
        let burst = |cap: &str| {
            let mut gate = Limiter::new(cap.parse().expect("a cap"));
            passed(&mut gate, (800..1200).chain(1200..1201))
        };
        assert_eq!(burst("sliding:200"), 200);
        assert_eq!(burst("fixed:200"), 400);
        assert_eq!(burst("bucket:200,20"), 20 + 80);
    }

    #[test]
    fn a_bucket_is_never_fuller_than_its_burst() {
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
    fn calls_read_late_are_counted_where_they_arrived() {
        let mut arrivals = Arrivals::default();
        let mut add = |ms: u32| arrivals.add(ms * MS).1;
        assert_eq!([add(0), add(50), add(990), add(1040)], [1, 2, 3, 3]);
        // At 1020 three lie in the second before it, and three in the one that ends at 1040.
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
    fn rejected_calls_do_not_use_the_cap_up() {
        let mut gate = Limiter::new(1.into());
        assert!(gate.pass(Duration::ZERO));
        assert!(!gate.pass(999 * MS));
        assert!(gate.pass(1000 * MS));
    }

    /// Times as they may be read: each nearly as late as may be after it arrived.
    fn read_late() -> impl Strategy<Value = Vec<Duration>> {
        prop::collection::vec((0..6000_u32, 0..1999_u32), 1..160).prop_map(|mut calls| {
            calls.sort_by_key(|&(arrived, late)| arrived + late);
            calls.iter().map(|&(arrived, _)| arrived * MS).collect()
        })
    }

    /// The most of these times in any second.
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
        fn the_worst_second_is_that_of_the_arrivals_in_whatever_order_they_are_read(
            times in read_late(),
        ) {
            let mut arrivals = Arrivals::default();
            let seen = times.iter().map(|&time| arrivals.add(time).1).max();
            prop_assert_eq!(seen, Some(worst(&times)));
        }

        #[test]
        fn a_sliding_cap_lets_through_all_that_it_may_and_no_more(
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
