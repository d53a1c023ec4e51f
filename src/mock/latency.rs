//! How long an answer takes.

use std::f64::consts::TAU;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::fault::share;
use crate::display::typed_time;
use crate::error::{Error, Result};

/// How long an answer takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Latency {
    /// Every duration in the range is equally likely.
    Range(RangeInclusive<Duration>),
    /// Log-normal, like real services: half of all answers take up to `median`, and one in a
    /// hundred takes longer than `p99`.
    LogNormal {
        /// The median.
        median: Duration,
        /// The 99th percentile.
        p99: Duration,
    },
    /// Some answers take far longer than the others.
    Spikes {
        /// How long most answers take.
        usual: RangeInclusive<Duration>,
        /// How long the others take.
        spike: RangeInclusive<Duration>,
        /// The share of the others, 0 to 1.
        chance: f64,
    },
}

/// The longest delay that can be drawn.
const MAX_DELAY: Duration = Duration::from_secs(3600);

/// The 99th percentile of the standard normal distribution.
const Z99: f64 = 2.326_347_874;

impl Default for Latency {
    fn default() -> Self {
        Self::Range(Duration::ZERO..=Duration::ZERO)
    }
}

impl From<RangeInclusive<Duration>> for Latency {
    fn from(range: RangeInclusive<Duration>) -> Self {
        Self::Range(range)
    }
}

impl Latency {
    /// Draws the latency of a call.
    pub(crate) fn draw(&self, rng: &mut fastrand::Rng) -> Duration {
        match self {
            Self::Range(range) => within(range, rng),
            Self::LogNormal { median, p99 } => {
                let sigma = (p99.as_secs_f64() / median.as_secs_f64()).ln() / Z99;
                // Box-Muller transform: two uniform draws make a normal one.
                let normal = (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (TAU * rng.f64()).cos();
                let seconds = median.as_secs_f64() * (sigma * normal).exp();
                Duration::try_from_secs_f64(seconds).map_or(MAX_DELAY, |drawn| drawn.min(MAX_DELAY))
            }
            Self::Spikes {
                usual,
                spike,
                chance,
            } => {
                let spikes = rng.f64() < *chance;
                within(if spikes { spike } else { usual }, rng)
            }
        }
    }
}

fn within(range: &RangeInclusive<Duration>, rng: &mut fastrand::Rng) -> Duration {
    if range.start() >= range.end() {
        return *range.start();
    }
    let spread = range.end().saturating_sub(*range.start());
    *range.start() + spread.mul_f64(rng.f64())
}

impl FromStr for Latency {
    type Err = Error;

    /// Parses `50ms`, `20ms..80ms`, `lognormal:40ms,400ms` or `spikes:20ms..80ms,2s..3s,1%`.
    fn from_str(text: &str) -> Result<Self> {
        let refuse = |why: &str| Error::usage(format!("latency {text}: {why}"));
        if let Some(shape) = text.strip_prefix("lognormal:") {
            let (median, p99) = shape.split_once(',').ok_or_else(|| {
                refuse("it needs two durations")
                    .hint("write the median and the 99th percentile, as in lognormal:40ms,400ms")
            })?;
            let (median, p99) = (duration(median)?, duration(p99)?);
            if median.is_zero() || p99 < median {
                return Err(refuse(
                    "the median must be above 0 and at most the 99th percentile",
                ));
            }
            return Ok(Self::LogNormal { median, p99 });
        }
        if let Some(shape) = text.strip_prefix("spikes:") {
            let parts: Vec<&str> = shape.split(',').collect();
            let &[usual, spike, chance] = parts.as_slice() else {
                return Err(
                    refuse("it needs the usual latency, the spike and its chance")
                        .hint("write them as in spikes:20ms..80ms,2s..3s,1%"),
                );
            };
            return Ok(Self::Spikes {
                usual: range(usual)?,
                spike: range(spike)?,
                chance: share(chance)?,
            });
        }
        range(text).map(Self::Range)
    }
}

/// Parses `50ms` or `20ms..80ms`.
fn range(text: &str) -> Result<RangeInclusive<Duration>> {
    let (min, max) = match text.split_once("..") {
        Some((min, max)) => (duration(min)?, duration(max)?),
        None => (duration(text)?, duration(text)?),
    };
    if min > max {
        return Err(
            Error::usage(format!("latency {text}: the range ends before it starts"))
                .hint("write the shorter duration first, as in 20ms..80ms"),
        );
    }
    Ok(min..=max)
}

/// Parses a duration such as `20ms`, `1.5s` or `2m`. A bare `0` is accepted.
///
/// # Errors
/// Of kind `Usage` if the text is not a duration.
pub(super) fn duration(text: &str) -> Result<Duration> {
    typed_time(text).ok_or_else(|| {
        Error::usage(format!("{text:?} is not a duration"))
            .hint("write a number and its unit, as in 20ms, 1.5s or 2m")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn parse(text: &str) -> Latency {
        text.parse().expect("a latency")
    }

    fn drawn(latency: &str) -> Vec<Duration> {
        let latency = parse(latency);
        let mut rng = fastrand::Rng::with_seed(1);
        let mut drawn: Vec<_> = (0..10_000).map(|_| latency.draw(&mut rng)).collect();
        drawn.sort();
        drawn
    }

    #[test]
    fn a_latency_is_one_duration_or_a_range() {
        assert_eq!(parse("20ms..80ms"), Latency::Range(20 * MS..=80 * MS));
        assert_eq!(parse("1.5s"), Latency::Range(1500 * MS..=1500 * MS));
        assert_eq!(parse("0..2ms"), Latency::Range(Duration::ZERO..=2 * MS));
    }

    #[test]
    fn text_that_is_not_a_latency_is_refused() {
        for text in ["", "20", "80ms..20ms", "20ms..", "-5ms", "soon"] {
            assert!(text.parse::<Latency>().is_err(), "{text}");
        }
        for text in ["lognormal:40ms", "lognormal:0,40ms", "lognormal:40ms,4ms"] {
            assert!(text.parse::<Latency>().is_err(), "{text}");
        }
        for text in ["spikes:1ms,2ms", "spikes:1ms,2ms,3", "spikes:1ms,2ms,3%,4"] {
            assert!(text.parse::<Latency>().is_err(), "{text}");
        }
    }

    #[test]
    fn draws_from_a_range_are_uniform_and_stay_within_it() {
        let drawn = drawn("20ms..80ms");
        assert!(drawn[0] >= 20 * MS && drawn[9_999] <= 80 * MS);
        assert!(
            (48 * MS..52 * MS).contains(&drawn[5_000]),
            "{:?}",
            drawn[5_000]
        );
    }

    #[test]
    fn a_log_normal_latency_has_its_median_and_its_99th_percentile() {
        let drawn = drawn("lognormal:40ms,400ms");
        assert!(
            (38 * MS..42 * MS).contains(&drawn[5_000]),
            "{:?}",
            drawn[5_000]
        );
        assert!(
            (340 * MS..470 * MS).contains(&drawn[9_900]),
            "{:?}",
            drawn[9_900]
        );
    }

    #[test]
    fn spikes_are_as_frequent_as_their_chance() {
        let drawn = drawn("spikes:20ms..80ms,2s..3s,1%");
        let spikes = drawn.iter().filter(|&&drawn| drawn >= 2000 * MS).count();
        assert!((70..130).contains(&spikes), "{spikes}");
        assert!(drawn[9_000] <= 80 * MS);
    }
}
