//! How long an answer takes.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, Result};

/// How long an answer takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Latency {
    /// Every duration of the range is as likely as any other.
    Range(RangeInclusive<Duration>),
}

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
    /// The latency of the call whose chance is `rng`.
    pub(crate) fn draw(&self, rng: &mut fastrand::Rng) -> Duration {
        match self {
            Self::Range(range) if range.start() >= range.end() => *range.start(),
            Self::Range(range) => {
                let spread = range.end().saturating_sub(*range.start());
                *range.start() + spread.mul_f64(rng.f64())
            }
        }
    }
}

impl FromStr for Latency {
    type Err = Error;

    /// `50ms`, or `20ms..80ms`.
    fn from_str(text: &str) -> Result<Self> {
        let (least, most) = match text.split_once("..") {
            Some((least, most)) => (duration(least)?, duration(most)?),
            None => (duration(text)?, duration(text)?),
        };
        if least > most {
            return Err(
                Error::usage(format!("latency {text}: the range runs backwards"))
                    .hint("write the shorter one first, as in 20ms..80ms"),
            );
        }
        Ok(Self::Range(least..=most))
    }
}

/// `20ms`, `1.5s`, `2m`; a bare 0 too.
pub(crate) fn duration(text: &str) -> Result<Duration> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|signed| Duration::try_from(signed).ok())
        .ok_or_else(|| {
            Error::usage(format!("{text:?} is no duration"))
                .hint("write a number and its unit, as in 20ms, 1.5s or 2m")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_latency_is_read_as_one_duration_or_a_range() {
        let parse = |text: &str| text.parse::<Latency>().expect("a latency");
        assert_eq!(parse("20ms..80ms"), Latency::Range(20 * MS..=80 * MS));
        assert_eq!(parse("1.5s"), Latency::Range(1500 * MS..=1500 * MS));
        assert_eq!(parse("0..2ms"), Latency::Range(Duration::ZERO..=2 * MS));
    }

    #[test]
    fn what_is_no_latency_is_refused() {
        for text in ["", "20", "80ms..20ms", "20ms..", "-5ms", "soon"] {
            assert!(text.parse::<Latency>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_is_drawn_from_evenly_and_never_left() {
        let latency = Latency::Range(20 * MS..=80 * MS);
        let mut rng = fastrand::Rng::with_seed(1);
        let mut halves = [0_u32; 2];
        for _ in 0..10_000 {
            let drawn = latency.draw(&mut rng);
            assert!((20 * MS..=80 * MS).contains(&drawn), "{drawn:?}");
            halves[usize::from(drawn > 50 * MS)] += 1;
        }
        assert!(halves[0].abs_diff(halves[1]) < 500, "{halves:?}");
    }
}
