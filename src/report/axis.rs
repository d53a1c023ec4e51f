//! The axes of charts, with ticks at values that are easy to read.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::coord::types::RangedCoordf64;

use crate::display::thousands;

/// A range with ticks chosen by us, because plotters doesn't know clock times.
pub(super) struct Ticked {
    range: RangedCoordf64,
    ticks: Vec<f64>,
}

impl Ticked {
    pub(super) fn new(range: Range<f64>, ticks: Vec<f64>) -> Self {
        let range = range.into();
        Self { range, ticks }
    }
}

impl Ranged for Ticked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.range.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.ticks.clone()
        }
    }

    fn range(&self) -> Range<f64> {
        self.range.range()
    }
}

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;
/// Steps between clock times that are easy to read, in seconds. After the last, by powers of ten.
#[rustfmt::skip]
pub(super) const CLOCK: [f64; 18] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0,
    MINUTE, 2.0 * MINUTE, 5.0 * MINUTE, 10.0 * MINUTE, 15.0 * MINUTE, 30.0 * MINUTE,
    HOUR, 2.0 * HOUR, 4.0 * HOUR, 12.0 * HOUR, DAY, 2.0 * DAY,
];
/// Steps between other values.
pub(super) const DECIMAL: [f64; 3] = [1.0, 2.0, 5.0];

/// Returns ticks at multiples of one of the steps, or of a power of ten of it. There are at most
/// five intervals.
pub(super) fn ticks(range: Range<f64>, steps: &[f64]) -> Vec<f64> {
    let fits = |step: &f64| (range.end - range.start) / step <= 5.0;
    let step = (0..20)
        .flat_map(|tens| steps.iter().map(move |step| step * 10_f64.powi(tens)))
        .find(fits)
        .unwrap_or(f64::INFINITY);
    let mut at = (range.start / step).ceil() * step;
    let mut ticks = Vec::new();
    while at <= range.end {
        ticks.push(at);
        at += step;
    }
    ticks
}

/// Formats a count for an axis: `150`, `12k`, `1.5M`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is between 1,000 and 10,000"
)]
pub(super) fn short(number: f64) -> String {
    match number {
        1e6.. => format!("{}M", number / 1e6),
        1e4.. => format!("{}k", number / 1e3),
        1e3.. => thousands(number as u64),
        _ => format!("{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_few_and_at_round_values() {
        assert_eq!(ticks(0.0..84.0, &DECIMAL), [0.0, 20.0, 40.0, 60.0, 80.0]);
        assert_eq!(ticks(103.0..123.0, &CLOCK), [105.0, 110.0, 115.0, 120.0]);
        assert_eq!(ticks(0.0..1.0, &CLOCK), [0.0, 1.0]);
        assert!(ticks(0.0..1e12, &CLOCK).len() <= 6);
    }
}
