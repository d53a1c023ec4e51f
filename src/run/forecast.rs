//! How long will the rest take?

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use super::tally::Tally;

/// How far back the rate looks: long enough to stand still from tick to tick, short enough to
/// follow a pace that was lowered.
const MEMORY: f64 = 30.0;
/// Before so much time there is no telling, in seconds.
const FIRST: f64 = 1.0;
/// Nor, before so much, anything to rely on: a minute, in seconds.
const TELLING: f64 = 60.0;

/// The rate at which rows are settled while calls are made. Neither the rows that an earlier run
/// settled count for it, nor the time before the first answer, nor an outage.
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
    /// Nothing is known at the beginning.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            at: now,
            settled: 0,
            counted: 0.0,
            rate: 0.0,
        }
    }

    /// So many rows have been settled by now. `calling`: not held by an outage.
    pub(super) fn tick(&mut self, settled: u64, calling: bool, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        let more = settled - self.settled;
        self.at = now;
        self.settled = settled;
        if !calling || settled == 0 || passed == 0.0 {
            return;
        }
        self.counted += passed;
        // A mean of everything at first, of the last half minute or so later on.
        let weight = passed / self.counted.min(MEMORY).max(passed);
        self.rate += (more as f64 / passed - self.rate) * weight;
    }

    /// The time for so many rows at the rate so far, once there is one.
    pub(super) fn left(&self, rows: f64) -> Option<Duration> {
        (self.counted >= FIRST)
            .then(|| time(rows, self.rate))
            .flatten()
    }

    /// The time for so many rows to reckon with: what the cap says from the start, and after a
    /// while what the rate so far says.
    pub(super) fn needed(&self, rows: f64, cap: Option<NonZeroU32>) -> Option<Duration> {
        let at_the_cap = cap.and_then(|cap| time(rows, f64::from(cap.get())));
        let so_far = self.left(rows).filter(|_| self.counted >= TELLING);
        at_the_cap.max(so_far)
    }
}

/// How many rows of `total` are left to call. Of those not read yet `known` were settled by an
/// earlier run; of the others so many are duplicates, or skipped, as of those met.
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

    /// A run of 100,000 rows, at first without any that were settled before.
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

        /// Goes on for so many seconds, settling so many rows a second.
        fn goes_on(&mut self, seconds: u64, rows_per_s: u64, calling: bool) {
            for tenth in 0..10 * seconds {
                self.now += Duration::from_millis(100);
                // Unevenly, as answers come.
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

        /// Seconds left.
        fn left(&self) -> Option<u64> {
            let left = self.forecast.left(self.to_call()?);
            left.map(|left| (left + Duration::from_millis(500)).as_secs())
        }
    }

    #[test]
    fn it_is_this_run_s_rate_over_what_is_left() {
        let mut run = Run::new();
        assert_eq!(run.left(), None);
        run.goes_on(100, 200, true);
        let left = run.left().expect("known by now");
        assert!(left.abs_diff(400) <= 2, "{left}");
    }

    #[test]
    fn right_after_a_resume_the_rows_settled_before_and_the_time_to_read_them_do_not_count() {
        let mut run = Run::new();
        run.goes_on(15, 0, true);
        run.tally.rows = 60_000;
        run.tally.resumed = 60_000;
        run.goes_on(2, 200, true);
        assert_eq!(
            run.left(),
            Some((100_000 - 60_400) / 200),
            "a mean at first"
        );
        let known = to_call(&run.tally, 100_000, 39_600);
        assert_eq!(known, Some(0.0), "the rest was settled before");
    }

    #[test]
    fn an_outage_does_not_make_it_grow() {
        let mut run = Run::new();
        run.goes_on(100, 200, true);
        let before = run.left();
        run.goes_on(1_000, 0, false);
        assert_eq!(run.left(), before);
    }

    #[test]
    fn it_stands_still_from_tick_to_tick_and_follows_a_lowered_pace_within_two_minutes() {
        let mut run = Run::new();
        run.goes_on(60, 200, true);
        for _ in 0..20 {
            let before = run.left().expect("known by now");
            run.goes_on(1, 200, true);
            let after = run.left().expect("still known");
            assert!((before - 3..=before).contains(&after), "{before}, {after}");
        }
        run.goes_on(120, 100, true);
        let true_rest = (100_000 - run.tally.rows) / 100;
        let left = run.left().expect("still known");
        assert!(left.abs_diff(true_rest) <= true_rest / 20, "{left}");
    }

    #[test]
    fn what_is_needed_is_what_the_cap_says_and_later_what_the_rate_says() {
        let mut run = Run::new();
        let needed = |run: &Run, cap| {
            let needed = run.forecast.needed(run.to_call()?, NonZeroU32::new(cap))?;
            Some(needed.as_secs())
        };
        run.goes_on(50, 100, true);
        assert_eq!(needed(&run, 200), Some(95_000 / 200));
        assert_eq!(needed(&run, 0), None, "without a cap nothing is known yet");
        run.goes_on(50, 100, true);
        let later = needed(&run, 200).expect("known by now");
        assert!(later.abs_diff(900) <= 5, "{later}");
        assert_eq!(needed(&run, 0), Some(later));
        assert_eq!(needed(&run, 50), Some(1_800));
    }

    #[test]
    fn duplicates_cost_no_time() {
        let mut run = Run::new();
        run.goes_on(10, 200, true);
        run.tally.rows += 2_000;
        run.tally.duplicates += 2_000;
        assert_eq!(run.left(), Some((100_000 - 4_000) / 2 / 200));
    }
}
