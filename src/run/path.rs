//! Is the path to the service stalled?
//!
//! If the network holds bytes back for a while, the calls written before it recovers all arrive at
//! once, later than they were counted. Silence shows a stall: calls are under way, the oldest
//! should have been answered by now, judging by recent answers, and no call has been answered for a
//! second. A service that is merely slow keeps answering.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::window::SECOND;

/// The quickest answer is remembered for at least this long and at most twice as long, because a
/// service may become slower for good.
const LATELY: Duration = Duration::from_secs(30);

/// The calls that may not have arrived, and how long there has been silence.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// Calls that are written and have not ended, in the order of writing.
    under_way: VecDeque<(u64, Instant)>,
    lost: Option<Lost>,
    last_answer: Option<Instant>,
    quickest: Quickest,
}

/// Calls that were given up in silence: their requests may still arrive.
#[derive(Clone, Copy, Debug)]
struct Lost {
    calls: usize,
    oldest: Instant,
}

/// The shortest time that an answer took, in the current period and the one before.
#[derive(Debug, Default)]
struct Quickest {
    since: Option<Instant>,
    this: Option<Duration>,
    before: Option<Duration>,
}

impl Path {
    /// A call's request has been written.
    pub(super) fn written(&mut self, call: u64, now: Instant) {
        self.under_way.push_back((call, now));
    }

    /// A call has been answered. If the path was stalled until now, returns how many calls, this
    /// one included, may have arrived only now.
    pub(super) fn answered(&mut self, call: u64, now: Instant) -> Option<usize> {
        let due = self.oldest().map(|oldest| oldest + self.quickest.took());
        let stalled = self.is_silent_since(due, now);
        let calls = self.under_way.len() + self.lost.map_or(0, |lost| lost.calls);
        if let Some(written) = self.remove(call) {
            self.quickest.add(now.duration_since(written), now);
        }
        self.last_answer = Some(now);
        self.lost = None;
        stalled.then_some(calls)
    }

    /// A call has ended without an answer. It may still arrive, unless a call was answered since it
    /// was written.
    pub(super) fn given_up(&mut self, call: u64) {
        if let Some(written) = self.remove(call)
            && self.last_answer.is_none_or(|last| last < written)
        {
            let (calls, oldest) = self
                .lost
                .map_or((0, written), |lost| (lost.calls, lost.oldest));
            self.lost = Some(Lost {
                calls: calls + 1,
                oldest: oldest.min(written),
            });
        }
    }

    /// Returns how many calls would arrive at once if the path recovered now, if it seems stalled.
    /// Calls given up don't count, because nothing would show that they are no longer held back.
    pub(super) fn held(&self, now: Instant) -> Option<usize> {
        let oldest = self.under_way.front()?.1;
        let is_due = now >= oldest + self.quickest.took();
        (is_due && self.is_silent_since(Some(oldest), now)).then_some(self.under_way.len())
    }

    fn is_silent_since(&self, due: Option<Instant>, now: Instant) -> bool {
        due.is_some_and(|due| {
            let since = self.last_answer.map_or(due, |last| last.max(due));
            now.saturating_duration_since(since) >= SECOND
        })
    }

    fn oldest(&self) -> Option<Instant> {
        let first = self.under_way.front().map(|(_, written)| *written);
        first
            .into_iter()
            .chain(self.lost.map(|lost| lost.oldest))
            .min()
    }

    fn remove(&mut self, call: u64) -> Option<Instant> {
        let at = self.under_way.iter().position(|(of, _)| *of == call)?;
        self.under_way.remove(at).map(|(_, written)| written)
    }
}

impl Quickest {
    fn add(&mut self, took: Duration, now: Instant) {
        let since = *self.since.get_or_insert(now);
        if now.duration_since(since) >= LATELY {
            self.since = Some(now);
            self.before = self.this.take();
        }
        self.this = Some(self.this.map_or(took, |this| this.min(took)));
    }

    fn took(&self) -> Duration {
        self.this
            .into_iter()
            .chain(self.before)
            .min()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;
    use crate::api::codes::TIMED_OUT;
    use crate::run::pace::Pace;
    use crate::run::window::{LastSecond, Shut};

    const MS: Duration = Duration::from_millis(1);

    /// A service and the path to it.
    #[derive(Clone, Debug)]
    struct Far {
        cap: u32,
        concurrency: usize,
        /// How long an answer takes, in milliseconds.
        latency: std::ops::RangeInclusive<u64>,
        /// When the path stalls in both directions, in milliseconds from the start. Everything on
        /// it arrives at the end of the stall.
        stalls: Vec<(u64, u64)>,
    }

    /// The arrivals at the far end.
    struct Seen {
        start: Instant,
        arrivals: Vec<Instant>,
    }

    impl Far {
        fn quick(cap: u32, concurrency: usize) -> Self {
            Self {
                cap,
                concurrency,
                latency: 20..=80,
                stalls: Vec::new(),
            }
        }

        fn slow(latency: std::ops::RangeInclusive<u64>, cap: u32, concurrency: usize) -> Self {
            Self {
                latency,
                ..Self::quick(cap, concurrency)
            }
        }

        /// Makes this many calls, as fast as the pace allows.
        fn call(&self, calls: u64) -> Seen {
            let start = Instant::now();
            let delivered = |at: Instant| {
                let at_ms = at.duration_since(start).as_micros();
                let inside = |(from, to): &&(u64, u64)| {
                    (u128::from(*from) * 1_000..u128::from(*to) * 1_000).contains(&at_ms)
                };
                let stall = self.stalls.iter().find(inside);
                stall.map_or(at, |(_, to)| start + Duration::from_millis(*to))
            };
            let mut dice = fastrand::Rng::with_seed(calls);
            let mut pace = Pace::new(NonZeroU32::new(self.cap), LastSecond::default(), start);
            let (mut now, mut call) = (start, 0);
            let mut arrivals = Vec::new();
            let mut answers = BinaryHeap::new();
            while call < calls {
                let is_slot_free = answers.len() < self.concurrency;
                let wake = match is_slot_free.then(|| pace.take(call, now)) {
                    Some(Ok(_)) => {
                        pace.written(call, now);
                        let arrives = delivered(now);
                        let took = Duration::from_millis(dice.u64(self.latency.clone()));
                        arrivals.push(arrives);
                        answers.push(Reverse((delivered(arrives + took), call)));
                        call += 1;
                        continue;
                    }
                    Some(Err(Shut::Until(at))) => Some(at),
                    Some(Err(Shut::UntilWritten)) | None => None,
                };
                let answer = answers.peek().map(|Reverse((at, _))| *at);
                let next = wake.into_iter().chain(answer).min();
                now = now.max(next.expect("an event is pending"));
                while let Some(&Reverse((at, call))) = answers.peek()
                    && at <= now
                {
                    answers.pop();
                    pace.ended(call, 0, now);
                }
            }
            arrivals.sort_unstable();
            Seen { start, arrivals }
        }
    }

    impl Seen {
        fn worst_second(&self) -> usize {
            let arrived = |at: usize| {
                let end = self.arrivals[at] + SECOND;
                self.arrivals[at..].partition_point(|other| *other < end)
            };
            (0..self.arrivals.len()).map(arrived).max().unwrap_or(0)
        }

        /// Returns the calls a second from then on.
        fn pace_after(&self, seconds: u32) -> f64 {
            let from = self.start + seconds * SECOND;
            let first = self.arrivals.partition_point(|at| *at < from);
            let took = self.arrivals[self.arrivals.len() - 1] - self.arrivals[first];
            (self.arrivals.len() - 1 - first) as f64 / took.as_secs_f64()
        }

        fn took(&self) -> Duration {
            self.arrivals[self.arrivals.len() - 1] - self.start
        }
    }

    #[test]
    fn after_a_stall_the_far_end_sees_no_more_than_the_cap() {
        for (cap, concurrency) in [
            (200, 200),
            (200, 1_000),
            (200, 1),
            (50, 200),
            (1, 200),
            (1, 1),
        ] {
            let far = Far {
                stalls: vec![(3_010, 6_310), (12_000, 15_000)],
                ..Far::quick(cap, concurrency)
            };
            let seen = far.call(20 * u64::from(cap));
            let worst = seen.worst_second();
            assert!(worst <= cap as usize, "{worst} at {cap}/s, {concurrency}");
        }
    }

    #[test]
    fn a_stall_costs_a_second_at_most() {
        let calls = 4_000;
        let without = Far::quick(200, 200).call(calls).took();
        let far = Far {
            stalls: vec![(3_000, 6_000)],
            ..Far::quick(200, 200)
        };
        let with = far.call(calls).took();
        assert!(with <= without + 4_050 * MS, "{with:?}, not {without:?}");
    }

    #[test]
    fn without_stalls_it_costs_nothing() {
        for (cap, concurrency) in [(200, 200), (200, 20), (7, 200), (1, 200), (1, 1)] {
            let seen = Far::quick(cap, concurrency).call(60 * u64::from(cap));
            let mean = seen.pace_after(0) / f64::from(cap);
            assert!((0.997..=1.001).contains(&mean), "{cap}/s: {mean}");
        }
    }

    #[test]
    fn a_slow_service_costs_nothing_after_the_start() {
        for (latency, cap, concurrency, expected) in [
            (2_000..=2_000, 200, 1_000, 200.0),
            (1_500..=2_500, 200, 1_000, 200.0),
            (2_000..=2_000, 200, 200, 100.0),
            (1_500..=1_500, 1, 200, 1.0),
            (1_500..=1_500, 1, 1, 1.0 / 1.5),
            (700..=900, 1, 200, 1.0),
        ] {
            let far = Far::slow(latency.clone(), cap, concurrency);
            let seen = far.call(60 * u64::from(cap));
            let mean = seen.pace_after(10) / expected;
            assert!((0.98..=1.02).contains(&mean), "{far:?}: {mean}");
        }
    }

    #[test]
    fn a_service_that_becomes_slow_is_soon_recognized_as_slow() {
        let start = Instant::now();
        let mut path = Path::default();
        let mut at = start;
        let mut stalled = 0;
        for call in 0..100 {
            let took = if call < 10 { 50 * MS } else { 2_000 * MS };
            path.written(call, at);
            at += took;
            stalled += u32::from(path.answered(call, at).is_some());
        }
        assert!((1..=31).contains(&stalled), "{stalled} stalls in a minute");
    }

    #[test]
    fn calls_given_up_in_silence_count_when_it_ends_and_others_do_not() {
        let start = Instant::now();
        let mut path = Path::default();
        path.written(0, start);
        path.written(1, start + MS);
        path.answered(1, start + 50 * MS);
        path.given_up(0);
        assert_eq!(
            path.answered(9, start + 60_000 * MS),
            None,
            "call 0 had arrived"
        );
        for call in 2..5 {
            path.written(call, start + 60_001 * MS);
            path.given_up(call);
        }
        path.written(5, start + 69_990 * MS);
        assert_eq!(path.answered(5, start + 70_000 * MS), Some(4));
        path.written(6, start + 70_000 * MS);
        assert_eq!(path.answered(6, start + 70_050 * MS), None);
    }

    #[test]
    fn calls_given_up_never_shut_the_gate_for_good() {
        let start = Instant::now();
        let mut pace = Pace::new(NonZeroU32::new(1), LastSecond::default(), start);
        let mut now = start + SECOND;
        for call in 0..100 {
            pace.take(call, now)
                .expect("the previous call was given up");
            pace.written(call, now);
            pace.ended(call, TIMED_OUT, now + 10 * SECOND);
            now += 10 * SECOND;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Holds for any cap, concurrency, latency and number of stalls. Each stall is long enough
        /// to be noticed (a second plus the next call and its answer), and there is time for both
        /// between stalls.
        #[test]
        fn however_the_path_stalls_the_cap_holds_at_the_far_end(
            cap in 1_u32..60,
            concurrency in 1_usize..150,
            latency in (1_u64..400, 0_u64..400),
            stalls in prop::collection::vec((0_u64..4_000, 0_u64..5_000), 0..6),
        ) {
            let (quickest, jitter) = latency;
            let call_and_answer = 1_000 / u64::from(cap) + quickest + jitter + 10;
            let mut end = 0;
            let stall = |(well, still): (u64, u64)| {
                let from = end + well + 1_000 + 2 * call_and_answer;
                end = from + still + 1_000 + call_and_answer;
                (from, end)
            };
            let far = Far {
                cap,
                concurrency,
                latency: quickest..=quickest + jitter,
                stalls: stalls.into_iter().map(stall).collect(),
            };
            let seen = far.call(40 * u64::from(cap));
            prop_assert!(seen.worst_second() <= cap as usize);
        }
    }
}
