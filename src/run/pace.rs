//! May a call start now?
//!
//! Two parts decide. The [`Window`] keeps the cap in any sliding second. governor, with a small
//! burst, spaces calls evenly and lets them catch up after a late timer. Its default quota would
//! let twice the cap through in the first second, a burst of one loses calls to every late timer,
//! and any burst above one sometimes breaks the cap, which is why the window is needed.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::window::{LastSecond, SECOND, Shut, Window};
use crate::api::codes;

/// Rates are stored in thousandths of a call a second.
const MILLI: u64 = 1_000;
/// A twentieth of a second's calls may catch up at once.
const CATCH_UP: u32 = 20;
/// The minimum burst, which lets one call catch up at any pace. Otherwise each millisecond that a
/// timer is late would be lost for good.
const MIN_BURST: u32 = 2;
/// Late calls catch up one by one, at this multiple of the pace.
const GAP: u32 = 5;
/// What a frequency error leaves of the pace, in percent. An isolated one costs little, because
/// jitter on the way is enough to cause it.
const KEPT_PERCENT: u32 = 95;
/// The maximum number of frequency errors that count in a second; together they halve the pace.
const MAX_ERRORS: u32 = 14;
/// How long the pace stays low after a frequency error, before it rises every second.
const HOLD: Duration = Duration::from_secs(2);
/// The number of steps, a second apart, in which the full pace returns. With [`HOLD`], that takes
/// well under a minute.
const STEPS: u32 = 30;

/// The clock that governor reads. It stands still until it is set again.
#[derive(Clone, Debug)]
struct SetClock(Rc<Cell<Instant>>);

impl Clock for SetClock {
    type Instant = Instant;

    fn now(&self) -> Instant {
        self.0.get()
    }
}

/// Even spacing of calls: governor lets late ones catch up, and a gap between any two keeps them
/// from doing so all at once. A bunch would recur in every following second, and the closer
/// together its calls are, the less jitter on the way it takes to break the cap at the far end.
#[derive(Debug)]
struct Spacing {
    governor: RateLimiter<NotKeyed, InMemoryState, SetClock, NoOpMiddleware<Instant>>,
    gap: Duration,
    last: Option<Instant>,
    /// When the next call would be due if all were evenly spaced.
    due: Instant,
    period: Duration,
    /// How late a call may be and still be caught up on.
    max_late: Duration,
}

/// The pace of a run: the cap, even spacing below it, and a lower pace for a while after the
/// service says that it is called too often.
#[derive(Debug)]
pub(crate) struct Pace {
    cap: Option<NonZeroU32>,
    window: Window,
    clock: SetClock,
    spacing: Option<Spacing>,
    lowered: Option<Lowered>,
}

#[derive(Debug)]
struct Lowered {
    /// Calls a second, in thousandths.
    rate: u64,
    /// The rate before it was lowered, to which it returns.
    goal: u64,
    raise_at: Instant,
    /// The start of the second in which errors are counted.
    second: Instant,
    errors: u32,
}

impl Pace {
    /// Returns a pace of at most `cap` calls in any sliding second, those in `before` included;
    /// `None` for no cap.
    pub(crate) fn new(cap: Option<NonZeroU32>, before: LastSecond, now: Instant) -> Self {
        let mut pace = Self {
            cap,
            window: Window::new(cap.map(|cap| cap.get() as usize), before, now),
            clock: SetClock(Rc::new(Cell::new(now))),
            spacing: None,
            lowered: None,
        };
        pace.space_from(now);
        pace
    }

    /// Takes the permit for a call and returns since when it was available, or when to ask again.
    pub(crate) fn take(&mut self, call: u64, now: Instant) -> Result<Instant, Shut> {
        self.clock.0.set(now);
        self.recover(now);
        if let Err(shut) = self.window.ask(now) {
            // Calls held up by those of earlier runs don't catch up: they would come as a bunch.
            if let Some(until) = self.window.earlier_until() {
                self.space_from(until);
            }
            if self.window.is_path_full(now) {
                self.space_from(now);
            }
            return Err(shut);
        }
        let due = match &mut self.spacing {
            Some(spacing) => spacing.take(now)?,
            None => now,
        };
        let free = self.window.started(call);
        Ok(free.map_or(due, |free| free.max(due)))
    }

    /// The request of a call has been written.
    pub(crate) fn written(&mut self, call: u64, now: Instant) {
        self.window.written(call, now);
    }

    /// A call has ended with this code.
    pub(crate) fn ended(&mut self, call: u64, code: i64, now: Instant) {
        match code {
            codes::TIMED_OUT | codes::BROKEN_OFF | codes::NO_CONNECTION | codes::UNTRUSTED => {
                self.window.given_up(call);
            }
            _ => self.window.answered(call, now),
        }
    }

    /// The service says that it is called too often: lowers the pace for all rows. Each error takes
    /// off a twentieth, but the errors of one second no more than half together.
    pub(crate) fn slow_down(&mut self, now: Instant) {
        let lowered = self.lowered.get_or_insert_with(|| {
            let calls = u32::try_from(self.window.last_second(now)).unwrap_or(u32::MAX);
            let rate = MILLI * u64::from(self.cap.map_or(calls.max(2), NonZeroU32::get));
            Lowered {
                rate,
                goal: rate,
                raise_at: now,
                second: now,
                errors: 0,
            }
        });
        if now.duration_since(lowered.second) >= SECOND {
            lowered.second = now;
            lowered.errors = 0;
        }
        lowered.errors += 1;
        lowered.raise_at = now + HOLD;
        if lowered.errors <= MAX_ERRORS {
            lowered.rate = (lowered.rate * u64::from(KEPT_PERCENT) / 100).max(MILLI);
            self.space_from(now);
        }
    }

    /// Returns the lowered pace in calls a second, if there is one.
    pub(super) fn lowered_to(&self) -> Option<u64> {
        self.lowered.as_ref().map(|lowered| lowered.rate / MILLI)
    }

    /// Returns the calls that a run starting after `now` must count.
    pub(crate) fn carry_over(&mut self, now: Instant) -> LastSecond {
        self.window.carry_over(now)
    }

    /// Returns the most calls of this run written in any sliding second so far.
    pub(super) fn worst_second(&self) -> usize {
        self.window.worst_second()
    }

    /// Returns the number of calls of this run written in the second before `now`.
    pub(crate) fn last_second(&mut self, now: Instant) -> usize {
        self.window.last_second(now)
    }

    fn recover(&mut self, now: Instant) {
        let Some(lowered) = &mut self.lowered else {
            return;
        };
        if now < lowered.raise_at {
            return;
        }
        lowered.rate += lowered.goal.div_ceil(u64::from(STEPS));
        lowered.raise_at = now + SECOND;
        if lowered.rate >= lowered.goal {
            self.lowered = None;
        }
        self.space_from(now);
    }

    /// Spaces calls evenly from `start` on, at the current pace.
    fn space_from(&mut self, start: Instant) {
        let lowered = self.lowered.as_ref().map(|lowered| lowered.rate);
        let cap = self.cap.map(|cap| MILLI * u64::from(cap.get()));
        self.clock.0.set(start);
        self.spacing = lowered.or(cap).map(|rate| Spacing::new(rate, &self.clock));
    }
}

impl Spacing {
    /// Returns a spacing of `rate` thousandths of a call a second, with nothing to catch up on:
    /// neither the start nor a change of pace lets a burst through.
    fn new(rate: u64, clock: &SetClock) -> Self {
        let calls = u32::try_from(rate / MILLI).unwrap_or(u32::MAX);
        let burst = (calls / CATCH_UP).max(MIN_BURST);
        let period = Duration::from_nanos(1_000_000_000 * MILLI / rate);
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(period)
            .expect("the period of a rate is above zero")
            .allow_burst(burst);
        let governor = RateLimiter::direct_with_clock(quota, clock.clone());
        while governor.check().is_ok() {}
        Self {
            governor,
            gap: period / GAP,
            last: None,
            due: clock.now() + period,
            period,
            max_late: period * (burst.get() - 1),
        }
    }

    /// Takes the slot of a call and returns when it was due.
    fn take(&mut self, now: Instant) -> Result<Instant, Shut> {
        if let Some(last) = self.last
            && now < last + self.gap
        {
            return Err(Shut::Until(last + self.gap));
        }
        self.governor
            .check()
            .map_err(|not_until| Shut::Until(not_until.earliest_possible()))?;
        self.last = Some(now);
        let due = self.due;
        // Slots older than that are lost, not caught up on.
        let caught_up = now.checked_sub(self.max_late).unwrap_or(now);
        self.due = due.max(caught_up) + self.period;
        Ok(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes calls as fast as the pace allows, written and answered at once. Returns their times in
    /// milliseconds.
    fn go(
        pace: &mut Pace,
        from: Instant,
        start: Instant,
        calls: std::ops::Range<u64>,
    ) -> Vec<u128> {
        let mut now = from;
        calls
            .map(|call| {
                while let Err(shut) = pace.take(call, now) {
                    match shut {
                        Shut::Until(at) => now = at,
                        Shut::UntilWritten => panic!("every call is written at once"),
                    }
                }
                pace.written(call, now);
                pace.ended(call, 0, now);
                now.duration_since(start).as_millis()
            })
            .collect()
    }

    fn rate(rate: u32) -> Option<NonZeroU32> {
        NonZeroU32::new(rate)
    }

    fn fresh(cap: Option<NonZeroU32>, start: Instant) -> Pace {
        Pace::new(cap, LastSecond::default(), start)
    }

    #[test]
    fn calls_are_spaced_evenly_from_the_start() {
        let start = Instant::now();
        let times = go(&mut fresh(rate(200), start), start, start, 0..31);
        assert_eq!(times, (1..=31).map(|k| k * 5).collect::<Vec<_>>());
    }

    #[test]
    fn a_late_timer_is_caught_up_on_call_by_call() {
        let start = Instant::now();
        let mut pace = fresh(rate(200), start);
        go(&mut pace, start, start, 0..10);
        let late = start + SECOND / 10;
        let times = go(&mut pace, late, start, 10..40);
        assert_eq!(times[..10], (100..110).collect::<Vec<_>>());
        assert_eq!(times[20..], (31..=40).map(|k| k * 5).collect::<Vec<_>>());
    }

    #[test]
    fn lateness_counts_from_the_even_schedule_not_from_the_previous_call() {
        let start = Instant::now();
        let mut pace = fresh(rate(200), start);
        go(&mut pace, start, start, 0..10);
        let mut late = |call, at| {
            let now = start + Duration::from_millis(at);
            let since = pace.take(call, now).expect("the gate is open");
            pace.written(call, now);
            pace.ended(call, 0, now);
            now.duration_since(since).as_millis()
        };
        // Due at 55 and every 5 ms after it; the timer slept to 70.
        assert_eq!([late(10, 70), late(11, 73), late(12, 76)], [15, 13, 11]);
        // The first call shows the whole stall; slots lost to it can't be late.
        assert_eq!([late(13, 5_070), late(14, 5_073)], [5_000, 43]);
    }

    #[test]
    fn a_call_is_not_late_while_the_window_is_shut() {
        let start = Instant::now();
        let mut pace = fresh(rate(2), start);
        go(&mut pace, start, start, 0..1);
        // Written 300 ms after its start, so its place stays taken 300 ms longer.
        let at = |ms| start + Duration::from_millis(ms);
        pace.take(1, at(1_000)).expect("the gate is open");
        pace.written(1, at(1_300));
        pace.ended(1, 0, at(1_300));
        pace.take(2, at(1_510)).expect("the gate is open");
        pace.written(2, at(1_510));
        pace.ended(2, 0, at(1_510));
        let since = pace.take(3, at(2_310)).expect("the gate is open");
        assert_eq!(since, at(2_300));
    }

    #[test]
    fn every_second_keeps_the_cap_the_first_one_included() {
        for cap in [1, 7, 50, 200] {
            let start = Instant::now();
            let mut pace = fresh(rate(cap), start);
            let times = go(&mut pace, start, start, 0..u64::from(cap) * 5 + 1);
            assert!(
                times
                    .windows(cap as usize + 1)
                    .all(|w| w[cap as usize] - w[0] >= 1000)
            );
            let last = times[times.len() - 1];
            let calls = 5 * u128::from(cap) + 1;
            assert_eq!(
                (last * u128::from(cap)).div_ceil(1_000),
                calls,
                "{cap}/s: {last}"
            );
            assert_eq!(pace.worst_second(), cap as usize);
        }
    }

    #[test]
    fn a_timer_that_is_always_late_costs_almost_nothing_at_any_rate() {
        let late = Duration::from_micros(1_300);
        for cap in [1, 2, 7, 19, 20, 50, 200] {
            let start = Instant::now();
            let mut pace = fresh(rate(cap), start);
            let mut now = start;
            let mut times = Vec::new();
            for call in 0..u64::from(cap) * 60 {
                while let Err(shut) = pace.take(call, now) {
                    let Shut::Until(at) = shut else {
                        panic!("every call is written at once")
                    };
                    now = at + late;
                }
                pace.written(call, now);
                pace.ended(call, 0, now);
                times.push(now);
            }
            let took = times[times.len() - 1] - times[0];
            let mean = (times.len() - 1) as f64 / took.as_secs_f64() / f64::from(cap);
            assert!((0.998..=1.0).contains(&mean), "{cap}/s: {mean}");
            assert_eq!(pace.worst_second(), cap as usize);
        }
    }

    #[test]
    fn a_stall_is_not_caught_up_beyond_the_cap() {
        let start = Instant::now();
        let mut pace = fresh(rate(200), start);
        go(&mut pace, start, start, 0..500);
        let after = start + 60 * SECOND;
        let times = go(&mut pace, after, start, 500..1_000);
        assert!(times.windows(201).all(|w| w[200] - w[0] >= 1000));
    }

    #[test]
    fn calls_held_up_by_the_previous_run_do_not_come_as_a_bunch() {
        let start = Instant::now();
        let even = |from: u128, calls: u128| (1..=calls).map(move |k| from + k * 5);
        // The calls made before, and how many places they leave free.
        for (before, free) in [
            (LastSecond::Unknown, 0),
            (LastSecond::Calls(1_000), 0),
            (LastSecond::Calls(150), 50),
            (LastSecond::Calls(3), 197),
        ] {
            let mut pace = Pace::new(rate(200), before, start);
            let times = go(&mut pace, start, start, 0..400);
            let expected = even(0, free).chain(even(1_000, 400 - free));
            assert_eq!(times, expected.collect::<Vec<_>>(), "{before:?}");
        }
    }

    #[test]
    fn an_isolated_frequency_error_costs_a_twentieth_for_a_few_seconds() {
        let start = Instant::now();
        let mut pace = fresh(rate(200), start);
        pace.slow_down(start);
        assert_eq!(pace.lowered_to(), Some(190));
        let times = go(&mut pace, start, start, 0..1_000);
        assert_eq!(pace.lowered_to(), None);
        assert!((5_000..5_200).contains(&times[999]), "{}", times[999]);
    }

    #[test]
    fn a_second_of_frequency_errors_halves_the_pace_whatever_their_number() {
        let start = Instant::now();
        let mut pace = fresh(rate(200), start);
        (0..50).for_each(|_| pace.slow_down(start));
        assert_eq!(pace.lowered_to(), Some(97));
        (0..50).for_each(|_| pace.slow_down(start + SECOND));
        assert_eq!(pace.lowered_to(), Some(47));
        let times = go(&mut pace, start + SECOND, start, 0..48);
        assert!(times[47] - times[0] >= 980, "47 calls a second");
    }

    #[test]
    fn the_pace_is_back_within_a_minute() {
        let start = Instant::now();
        let mut pace = fresh(rate(200), start);
        for second in 0..20 {
            (0..50).for_each(|_| pace.slow_down(start + second * SECOND));
        }
        assert_eq!(pace.lowered_to(), Some(1));
        let last = start + 19 * SECOND;
        let times = go(&mut pace, last, start + 19 * SECOND, 0..9_000);
        assert_eq!(pace.lowered_to(), None);
        let in_a_minute = times
            .iter()
            .filter(|t| (60_000..61_000).contains(*t))
            .count();
        assert!(
            (199..=200).contains(&in_a_minute),
            "{in_a_minute}/s after a minute"
        );
        assert!(times.windows(201).all(|w| w[200] - w[0] >= 1000));
    }

    #[test]
    fn without_a_cap_nothing_waits_until_the_service_asks_for_it() {
        let start = Instant::now();
        let mut pace = fresh(None, start);
        assert_eq!(go(&mut pace, start, start, 0..5_000)[4_999], 0);
        pace.slow_down(start);
        assert_eq!(pace.lowered_to(), Some(4_750));
        let mut pace = Pace::new(None, LastSecond::Unknown, start);
        assert_eq!(pace.take(0, start), Ok(start));
    }
}
