//! Is this run a mistake? The guard ends a run that fails from the start or more often than not,
//! before a swapped column or a missing permission has failed every row.

use crate::display::{count, thousands};

/// A run ends if this many first answers are all the same row failure.
const FIRST_ANSWERS: u64 = 20;
/// The number of settled rows from which the share of failures is judged.
const JUDGED_FROM: u64 = 1_000;

/// How many rows may fail. Unless there is no limit, a run also ends if its first 20 answers are
/// all the same failure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxFailures {
    /// No limit.
    Any,
    /// At most this many.
    Rows(u64),
    /// At most this share of the rows, in percent, judged from 1,000 settled rows on.
    Percent(f64),
}

/// Counts the outcomes of rows, and decides when too many have failed.
#[derive(Debug)]
pub(super) struct Guard {
    max: MaxFailures,
    settled: u64,
    failed: u64,
    same: Option<i64>,
}

impl Guard {
    pub(super) fn new(max: MaxFailures) -> Self {
        Self {
            max,
            settled: 0,
            failed: 0,
            same: None,
        }
    }

    /// A row was recalled.
    pub(super) fn recalled(&mut self) {
        self.settled += 1;
    }

    /// A row failed. Returns why the run should end, if it should.
    pub(super) fn failed(&mut self, code: i64) -> Option<String> {
        self.settled += 1;
        self.failed += 1;
        if self.settled == 1 {
            self.same = Some(code);
        } else if self.same != Some(code) {
            self.same = None;
        }
        let failed = self.failed;
        match self.max {
            MaxFailures::Any => None,
            _ if self.settled == FIRST_ANSWERS
                && failed == FIRST_ANSWERS
                && self.same.is_some() =>
            {
                Some(format!(
                    "the first {FIRST_ANSWERS} rows all failed with {code}"
                ))
            }
            MaxFailures::Rows(max) if failed > max => Some(format!(
                "{} failed, more than the {} allowed",
                count(failed, "row"),
                thousands(max)
            )),
            MaxFailures::Percent(max)
                if self.settled >= JUDGED_FROM
                    && failed as f64 * 100.0 > self.settled as f64 * max =>
            {
                Some(format!(
                    "{} of {} rows failed, more than the {max} % allowed",
                    thousands(failed),
                    thousands(self.settled)
                ))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: MaxFailures = MaxFailures::Percent(50.0);

    #[test]
    fn twenty_equal_failures_at_the_start_end_the_run() {
        let mut guard = Guard::new(HALF);
        assert!((0..19).all(|_| guard.failed(10015).is_none()));
        let why = guard.failed(10015).expect("the twentieth");
        assert_eq!(why, "the first 20 rows all failed with 10015");
    }

    #[test]
    fn with_one_success_or_a_different_code_the_run_goes_on() {
        let mut guard = Guard::new(HALF);
        guard.recalled();
        assert!((0..500).all(|_| guard.failed(10015).is_none()));
        let mut guard = Guard::new(HALF);
        assert!((0..500).all(|row| guard.failed(10010 + row % 2).is_none()));
    }

    #[test]
    fn more_than_half_failed_of_a_thousand_rows_ends_the_run() {
        let mut guard = Guard::new(HALF);
        (0..500).for_each(|_| guard.recalled());
        assert!(
            (0..500).all(|_| guard.failed(10010).is_none()),
            "exactly half is allowed"
        );
        assert_eq!(
            guard.failed(10010).as_deref(),
            Some("501 of 1,001 rows failed, more than the 50 % allowed")
        );
    }

    #[test]
    fn a_number_of_rows_is_a_limit_from_the_start() {
        let mut guard = Guard::new(MaxFailures::Rows(3));
        guard.recalled();
        assert!((0..3).all(|_| guard.failed(10010).is_none()));
        assert_eq!(
            guard.failed(10010).as_deref(),
            Some("4 rows failed, more than the 3 allowed")
        );
    }

    #[test]
    fn the_first_failure_may_be_one_too_many() {
        let mut guard = Guard::new(MaxFailures::Rows(0));
        assert_eq!(
            guard.failed(10010).as_deref(),
            Some("1 row failed, more than the 0 allowed")
        );
    }

    #[test]
    fn without_a_guard_everything_may_fail() {
        let mut guard = Guard::new(MaxFailures::Any);
        assert!((0..10_000).all(|_| guard.failed(10015).is_none()));
    }
}
