//! May a call start now?
//!
//! Two parts answer. The [`Window`] keeps the cap in any sliding second. governor, with a small
//! burst, spaces calls evenly and lets them catch up when a timer was late: its default quota
//! would let twice the cap out in the first second, a burst of one loses calls to every late
//! timer, and any burst above one breaks the cap at times, which is what the window is for.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::window::{SECOND, Shut, Window};

/// How many late calls may catch up at once: a twentieth of a second's.
const CATCH_UP: u32 = 20;
/// After a frequency error the pace stays low for so long, then rises every second.
const HOLD: Duration = Duration::from_secs(5);
/// In how many steps, a second apart, the whole pace comes back. With [`HOLD`] well under a
/// minute.
const STEPS: u32 = 30;

/// The clock governor reads: it stands wherever it was last set.
#[derive(Clone, Debug)]
struct SetClock(Rc<Cell<Instant>>);

impl Clock for SetClock {
    type Instant = Instant;

    fn now(&self) -> Instant {
        self.0.get()
    }
}

type Spacing = RateLimiter<NotKeyed, InMemoryState, SetClock, NoOpMiddleware<Instant>>;

/// The pace of a run: the cap, even spacing below it, and a lower pace for a while when the
/// service says that it is called too often.
#[derive(Debug)]
pub(super) struct Pace {
    cap: Option<NonZeroU32>,
    window: Window,
    clock: SetClock,
    spacing: Option<Spacing>,
    lowered: Option<Lowered>,
}

#[derive(Debug)]
struct Lowered {
    since: Instant,
    rate: u32,
    goal: u32,
    raise_at: Instant,
}

impl Pace {
    /// A pace of at most `cap` calls in any sliding second; none for as fast as it goes.
    pub(super) fn new(cap: Option<NonZeroU32>, now: Instant) -> Self {
        let clock = SetClock(Rc::new(Cell::new(now)));
        Self {
            cap,
            window: Window::new(cap.map(|cap| cap.get() as usize)),
            spacing: cap.map(|cap| spacing(cap.get(), &clock)),
            clock,
            lowered: None,
        }
    }

    /// Takes the permit for a call, or tells when to ask again.
    pub(super) fn take(&mut self, call: u64, now: Instant) -> Result<(), Shut> {
        self.clock.0.set(now);
        self.recover(now);
        self.window.ask(now)?;
        if let Some(spacing) = &self.spacing {
            spacing
                .check()
                .map_err(|not_until| Shut::Until(not_until.earliest_possible()))?;
        }
        self.window.started(call);
        Ok(())
    }

    /// The request of a call has been written.
    pub(super) fn written(&mut self, call: u64, now: Instant) {
        self.window.written(call, now);
    }

    /// A call has ended, with or without an answer.
    pub(super) fn ended(&mut self, call: u64) {
        self.window.ended(call);
    }

    /// The service says that it is called too often: half the pace, for everybody. Answers to
    /// calls that were sent before that change nothing more.
    pub(super) fn slow_down(&mut self, now: Instant) {
        let (rate, goal) = match &self.lowered {
            Some(lowered) if now.duration_since(lowered.since) < SECOND => return,
            Some(lowered) => (lowered.rate, lowered.goal),
            None => {
                let calls = u32::try_from(self.window.last_second(now)).unwrap_or(u32::MAX);
                let rate = self.cap.map_or(calls.max(2), NonZeroU32::get);
                (rate, rate)
            }
        };
        let lowered = Lowered {
            since: now,
            rate: (rate / 2).max(1),
            goal,
            raise_at: now + HOLD,
        };
        self.clock.0.set(now);
        self.spacing = Some(spacing(lowered.rate, &self.clock));
        self.lowered = Some(lowered);
    }

    /// The lowered pace in calls a second, while there is one.
    pub(super) fn lowered_to(&self) -> Option<u32> {
        self.lowered.as_ref().map(|lowered| lowered.rate)
    }

    /// Most calls written in any sliding second so far.
    pub(super) fn worst_second(&self) -> usize {
        self.window.worst_second()
    }

    /// Calls written in the second before `now`.
    pub(super) fn last_second(&mut self, now: Instant) -> usize {
        self.window.last_second(now)
    }

    fn recover(&mut self, now: Instant) {
        let Some(lowered) = &mut self.lowered else {
            return;
        };
        if now < lowered.raise_at {
            return;
        }
        lowered.rate += lowered.goal.div_ceil(STEPS);
        lowered.raise_at = now + SECOND;
        if lowered.rate < lowered.goal {
            self.spacing = Some(spacing(lowered.rate, &self.clock));
        } else {
            self.lowered = None;
            self.spacing = self.cap.map(|cap| spacing(cap.get(), &self.clock));
        }
    }
}

/// A spacing with nothing to catch up on: neither the start nor a change of pace lets a burst out.
fn spacing(rate: u32, clock: &SetClock) -> Spacing {
    let burst = NonZeroU32::new(rate / CATCH_UP).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(SECOND / rate)
        .expect("a rate has a period above zero")
        .allow_burst(burst);
    let spacing = RateLimiter::direct_with_clock(quota, clock.clone());
    while spacing.check().is_ok() {}
    spacing
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls as fast as the pace allows, written at once; the times in milliseconds.
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
                now.duration_since(start).as_millis()
            })
            .collect()
    }

    fn rate(rate: u32) -> Option<NonZeroU32> {
        NonZeroU32::new(rate)
    }

    #[test]
    fn calls_are_spaced_evenly_from_the_start() {
        let start = Instant::now();
        let times = go(&mut Pace::new(rate(200), start), start, start, 0..31);
        assert_eq!(times, (1..=31).map(|k| k * 5).collect::<Vec<_>>());
    }

    #[test]
    fn a_late_timer_is_caught_up_on_in_a_small_burst() {
        let start = Instant::now();
        let mut pace = Pace::new(rate(200), start);
        go(&mut pace, start, start, 0..10);
        let late = start + SECOND / 10;
        let times = go(&mut pace, late, start, 10..31);
        assert_eq!(times[..10], [100; 10]);
        assert_eq!(times[10..], (21..=31).map(|k| k * 5).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_second_and_every_other_keeps_the_cap() {
        for cap in [1, 7, 50, 200] {
            let start = Instant::now();
            let mut pace = Pace::new(rate(cap), start);
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
    fn a_stall_is_not_caught_up_beyond_the_cap() {
        let start = Instant::now();
        let mut pace = Pace::new(rate(200), start);
        go(&mut pace, start, start, 0..500);
        let after = start + 60 * SECOND;
        let times = go(&mut pace, after, start, 500..1_000);
        assert!(times.windows(201).all(|w| w[200] - w[0] >= 1000));
    }

    #[test]
    fn frequency_errors_halve_the_pace_once_for_all_calls_in_flight() {
        let start = Instant::now();
        let mut pace = Pace::new(rate(200), start);
        for _ in 0..50 {
            pace.slow_down(start);
        }
        assert_eq!(pace.lowered_to(), Some(100));
        pace.slow_down(start + SECOND);
        assert_eq!(pace.lowered_to(), Some(50));
        let times = go(&mut pace, start + SECOND, start, 0..51);
        assert!(times[50] - times[0] >= 1_000, "50 calls a second");
    }

    #[test]
    fn the_pace_is_back_within_a_minute() {
        let start = Instant::now();
        let mut pace = Pace::new(rate(200), start);
        for error in 0..20 {
            pace.slow_down(start + error * SECOND);
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
        let mut pace = Pace::new(None, start);
        assert_eq!(go(&mut pace, start, start, 0..5_000)[4_999], 0);
        pace.slow_down(start);
        assert_eq!(pace.lowered_to(), Some(2_500));
    }
}
