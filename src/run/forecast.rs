//! How long will the rest take?

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use super::tally::Tally;

/// How far back the rate looks, in seconds: long enough to be steady from tick to tick, short
/// enough to follow a lowered pace.
const MEMORY: f64 = 30.0;
/// Seconds of calling before there is an estimate.
const KNOWN_AFTER: f64 = 1.0;
/// Seconds of calling before the estimate is reliable: a minute.
const RELIABLE_AFTER: f64 = 60.0;

/// The rate at which rows are settled while calls are made. Rows that an earlier run settled don't
/// count, nor does the time before the first answer or in an outage.
#[derive(Debug)]
pub(super) struct Forecast {
    at: Instant,
    settled: u64,
    /// How long calls have been made, in seconds.
    counted: f64,
    /// Rows a second.
    rate: f64,
}

impl Forecast {
    /// Returns a forecast that knows nothing yet.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            at: now,
            settled: 0,
            counted: 0.0,
            rate: 0.0,
        }
    }

    /// This many rows have been settled by now. `calling`: calls are not held by an outage.
    pub(super) fn tick(&mut self, settled: u64, calling: bool, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        let more = settled - self.settled;
        self.at = now;
        self.settled = settled;
        if !calling || settled == 0 || passed == 0.0 {
            return;
        }
        self.counted += passed;
        // The mean of everything at first, and of about the last half minute later.
        let weight = passed / self.counted.min(MEMORY).max(passed);
        self.rate += (more as f64 / passed - self.rate) * weight;
    }

    /// Returns the time for this many rows at the rate so far, once there is one.
    pub(super) fn left(&self, rows: f64) -> Option<Duration> {
        (self.counted >= KNOWN_AFTER)
            .then(|| time(rows, self.rate))
            .flatten()
    }

    /// Returns the time to allow for this many rows: the time at the cap, or after a while the
    /// time at the rate so far, if that is longer.
    pub(super) fn needed(&self, rows: f64, cap: Option<NonZeroU32>) -> Option<Duration> {
        let at_the_cap = cap.and_then(|cap| time(rows, f64::from(cap.get())));
        let so_far = self.left(rows).filter(|_| self.counted >= RELIABLE_AFTER);
        at_the_cap.max(so_far)
    }
}

/// Returns how many rows of `total` are left to call. Of those not read yet, `known` were settled
/// by an earlier run; the others are assumed to have the same share of duplicates and skipped rows
/// as those read.
pub(super) fn to_call(tally: &Tally, total: u64, known: u64) -> Option<f64> {
    let met = tally.rows - tally.resumed;
    let unread = total.saturating_sub(tally.rows).saturating_sub(known);
    let share = (tally.taken - tally.skipped) as f64 / met as f64;
    (met > 0).then(|| unread as f64 * share + tally.pending() as f64)
}

fn time(rows: f64, rate: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(rows / rate).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of 100,000 rows, at first with none settled before.
    struct Run {
        now: Instant,
        forecast: Forecast,
        tally: Tally,
    }

    impl Run {
        fn new() -> Self {
            let now = Instant::now();
            Self {
                now,
                forecast: Forecast::new(now),
                tally: Tally::default(),
            }
        }

        /// Runs for this many seconds, settling this many rows a second.
        fn run_for(&mut self, seconds: u64, rows_per_s: u64, calling: bool) {
            for tenth in 0..10 * seconds {
                self.now += Duration::from_millis(100);
                // Unevenly, as answers do.
                let rows = rows_per_s / 10 * if tenth % 2 == 0 { 2 } else { 0 };
                self.tally.rows += rows;
                self.tally.taken += rows;
                self.tally.recalled += rows;
                self.forecast.tick(self.tally.recalled, calling, self.now);
            }
        }

        fn to_call(&self) -> Option<f64> {
            to_call(&self.tally, 100_000, 0)
        }

        /// Returns the seconds left.
        fn left(&self) -> Option<u64> {
            let left = self.forecast.left(self.to_call()?);
            left.map(|left| (left + Duration::from_millis(500)).as_secs())
        }
    }

    #[test]
    fn the_estimate_is_the_remaining_rows_at_this_run_s_rate() {
        let mut run = Run::new();
        assert_eq!(run.left(), None);
        run.run_for(100, 200, true);
        let left = run.left().expect("known by now");
        assert!(left.abs_diff(400) <= 2, "{left}");
    }

    #[test]
    fn after_a_resume_rows_settled_before_and_the_time_to_read_them_do_not_count() {
        let mut run = Run::new();
        run.run_for(15, 0, true);
        run.tally.rows = 60_000;
        run.tally.resumed = 60_000;
        run.run_for(2, 200, true);
        assert_eq!(
            run.left(),
            Some((100_000 - 60_400) / 200),
            "a mean at first"
        );
        let known = to_call(&run.tally, 100_000, 39_600);
        assert_eq!(known, Some(0.0), "the rest was settled before");
    }

    #[test]
    fn an_outage_does_not_change_the_estimate() {
        let mut run = Run::new();
        run.run_for(100, 200, true);
        let before = run.left();
        run.run_for(1_000, 0, false);
        assert_eq!(run.left(), before);
    }

    #[test]
    fn the_estimate_is_steady_and_follows_a_lowered_pace_within_two_minutes() {
        let mut run = Run::new();
        run.run_for(60, 200, true);
        for _ in 0..20 {
            let before = run.left().expect("known by now");
            run.run_for(1, 200, true);
            let after = run.left().expect("still known");
            assert!((before - 3..=before).contains(&after), "{before}, {after}");
        }
        run.run_for(120, 100, true);
        let true_rest = (100_000 - run.tally.rows) / 100;
        let left = run.left().expect("still known");
        assert!(left.abs_diff(true_rest) <= true_rest / 20, "{left}");
    }

    #[test]
    fn the_time_needed_follows_the_cap_at_first_and_the_rate_later() {
        let mut run = Run::new();
        let needed = |run: &Run, cap| {
            let needed = run.forecast.needed(run.to_call()?, NonZeroU32::new(cap))?;
            Some(needed.as_secs())
        };
        run.run_for(50, 100, true);
        assert_eq!(needed(&run, 200), Some(95_000 / 200));
        assert_eq!(needed(&run, 0), None, "without a cap nothing is known yet");
        run.run_for(50, 100, true);
        let later = needed(&run, 200).expect("known by now");
        assert!(later.abs_diff(900) <= 5, "{later}");
        assert_eq!(needed(&run, 0), Some(later));
        assert_eq!(needed(&run, 50), Some(1_800));
    }

    #[test]
    fn duplicates_cost_no_time() {
        let mut run = Run::new();
        run.run_for(10, 200, true);
        run.tally.rows += 2_000;
        run.tally.duplicates += 2_000;
        assert_eq!(run.left(), Some((100_000 - 4_000) / 2 / 200));
    }
}
