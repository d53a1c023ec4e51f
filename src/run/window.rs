//! The cap: the maximum number of calls in any sliding second, as the service counts them.
//!
//! Gate before, stamp after: the gate is checked before a request is handed over, and the stamp
//! that later calls wait for is taken once it has been written. So two calls that are `cap` apart
//! are a whole second apart on the wire too, and no margin has to be guessed. A call that is not
//! written yet (its connection is still being opened) counts as if it could be at any moment.
//!
//! If the [`Path`] stalls, calls arrive later than they were written. While it is stalled, no more
//! of them are under way than the cap allows; when it recovers, they count as written then.
//!
//! Only the number of the calls that other runs made just before is known. They count as if all
//! were written at the start of this run, which is later than they were.

use std::collections::{HashSet, VecDeque};
use std::iter::repeat_n;
use std::time::{Duration, Instant};

use super::path::Path;

/// The period that the cap applies to.
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// The calls of an app in the last second. A run passes them on to the next one, because both
/// share the cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastSecond {
    /// At most this many calls.
    Calls(usize),
    /// Possibly a full second's worth: a run died without reporting its calls.
    Unknown,
}

/// The calls of the last second, and those that may be written at any moment.
#[derive(Debug)]
pub(super) struct Window {
    cap: usize,
    /// The calls of runs before this one, while they count.
    earlier: Option<EarlierCalls>,
    stamps: VecDeque<Instant>,
    unwritten: HashSet<u64>,
    /// Follows calls once they are written, if there is a cap.
    path: Path,
    /// Places that no call has used yet.
    untouched: usize,
    /// When the other free places became free, oldest first.
    freed: VecDeque<Instant>,
    worst: usize,
}

/// The calls made before this run, and until when they count.
#[derive(Clone, Copy, Debug)]
struct EarlierCalls {
    calls: LastSecond,
    until: Instant,
}

/// When a shut gate opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// At this time.
    Until(Instant),
    /// When a call has been written or has ended.
    UntilWritten,
}

impl Default for LastSecond {
    /// No calls.
    fn default() -> Self {
        Self::Calls(0)
    }
}

impl LastSecond {
    /// Returns how many places of a window these calls take up.
    fn places(self, cap: usize) -> usize {
        match self {
            Self::Calls(calls) => calls.min(cap),
            Self::Unknown => cap,
        }
    }
}

impl Window {
    /// Returns a window that opens at `now`, after the calls in `before`, which don't matter
    /// without a cap.
    pub(super) fn new(cap: Option<usize>, before: LastSecond, now: Instant) -> Self {
        let counts = cap.is_some() && before != LastSecond::default();
        let earlier = counts.then(|| EarlierCalls {
            calls: before,
            until: now + SECOND,
        });
        let cap = cap.unwrap_or(usize::MAX);
        Self {
            cap,
            earlier,
            stamps: VecDeque::new(),
            unwritten: HashSet::new(),
            path: Path::default(),
            untouched: cap - earlier.map_or(0, |earlier| earlier.calls.places(cap)),
            freed: VecDeque::new(),
            worst: 0,
        }
    }

    /// Returns whether a call may start at `now`, or else when to ask again.
    pub(super) fn ask(&mut self, now: Instant) -> Result<(), Shut> {
        if self.is_path_full(now) {
            return Err(Shut::UntilWritten);
        }
        if self.carry_over(now).places(self.cap) < self.cap {
            return Ok(());
        }
        let oldest = self.stamps.front().map(|stamp| *stamp + SECOND);
        match self.earlier_until().or(oldest) {
            Some(until) if self.unwritten.len() < self.cap => Err(Shut::Until(until)),
            _ => Err(Shut::UntilWritten),
        }
    }

    /// Whether the path is stalled, and a full second's worth of calls would arrive at once when
    /// it recovers.
    pub(super) fn is_path_full(&self, now: Instant) -> bool {
        let held = self.path.held(now);
        held.is_some_and(|held| held + self.unwritten.len() >= self.cap)
    }

    /// Returns until when the calls of earlier runs take up places, if they still do.
    pub(super) fn earlier_until(&self) -> Option<Instant> {
        self.earlier.map(|earlier| earlier.until)
    }

    /// A call starts. Returns since when its place was free; `None` if no call had it before, and
    /// sometimes after calls that were never written, whose places are freed without a record.
    pub(super) fn started(&mut self, call: u64) -> Option<Instant> {
        self.unwritten.insert(call);
        match self.untouched.checked_sub(1) {
            Some(untouched) => {
                self.untouched = untouched;
                None
            }
            None => self.freed.pop_front(),
        }
    }

    /// A call's request has been written.
    pub(super) fn written(&mut self, call: u64, now: Instant) {
        if self.unwritten.remove(&call) {
            self.forget(now);
            self.stamps.push_back(now);
            self.worst = self.worst.max(self.stamps.len());
            if self.cap < usize::MAX {
                self.path.written(call, now);
            }
        }
    }

    /// A call has been answered.
    pub(super) fn answered(&mut self, call: u64, now: Instant) {
        self.unwritten.remove(&call);
        if let Some(calls) = self.path.answered(call, now) {
            self.restamp(calls, now);
        }
    }

    /// A call has ended without an answer. If it was never written, it has not been on the wire.
    pub(super) fn given_up(&mut self, call: u64) {
        self.unwritten.remove(&call);
        self.path.given_up(call);
    }

    /// Counts this many calls as written now. No call has been answered for a second, so all
    /// stamped calls are among them.
    fn restamp(&mut self, calls: usize, now: Instant) {
        self.forget(now);
        let calls = calls.min(self.cap.saturating_sub(self.unwritten.len()));
        for _ in self.stamps.len()..calls {
            // Its earlier place has become free in the meantime.
            if self.freed.pop_front().is_none() {
                self.untouched = self.untouched.saturating_sub(1);
            }
        }
        self.stamps.clear();
        self.stamps.extend(repeat_n(now, calls));
    }

    /// Returns the calls that a run starting after `now` must count.
    pub(super) fn carry_over(&mut self, now: Instant) -> LastSecond {
        self.forget(now);
        let calls = self.stamps.len() + self.unwritten.len();
        let earlier = self.earlier.map(|earlier| earlier.calls);
        match earlier.unwrap_or_default() {
            LastSecond::Calls(earlier) => LastSecond::Calls(earlier.saturating_add(calls)),
            LastSecond::Unknown => LastSecond::Unknown,
        }
    }

    /// Returns how many calls of this run count as written in the second before `now`.
    pub(super) fn last_second(&mut self, now: Instant) -> usize {
        self.forget(now);
        self.stamps.len()
    }

    /// Returns the most calls of this run that counted as written in any sliding second so far.
    pub(super) fn worst_second(&self) -> usize {
        self.worst
    }

    fn forget(&mut self, now: Instant) {
        if let Some(EarlierCalls { calls, until }) = self.earlier
            && now >= until
        {
            self.freed.extend(repeat_n(until, calls.places(self.cap)));
            self.earlier = None;
        }
        while let Some(stamp) = self.stamps.front()
            && now.duration_since(*stamp) >= SECOND
        {
            if self.cap < usize::MAX {
                self.freed.push_back(*stamp + SECOND);
            }
            self.stamps.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    fn fresh(cap: usize, now: Instant) -> Window {
        Window::new(Some(cap), LastSecond::default(), now)
    }

    #[test]
    fn the_call_over_the_cap_waits_for_the_oldest_to_be_a_second_old() {
        let start = Instant::now();
        let mut window = fresh(2, start);
        for (call, at) in [(0, 0), (1, 300)] {
            let now = start + at * MS;
            assert_eq!(window.ask(now), Ok(()));
            window.started(call);
            window.written(call, now);
            window.answered(call, now);
        }
        assert_eq!(
            window.ask(start + 400 * MS),
            Err(Shut::Until(start + SECOND))
        );
        assert_eq!(window.ask(start + 1000 * MS), Ok(()));
    }

    #[test]
    fn a_call_that_is_not_written_yet_keeps_its_place() {
        let start = Instant::now();
        let mut window = fresh(1, start);
        window.started(0);
        assert_eq!(window.ask(start + 60 * SECOND), Err(Shut::UntilWritten));
        window.written(0, start + 60 * SECOND);
        assert_eq!(
            window.ask(start + 60 * SECOND),
            Err(Shut::Until(start + 61 * SECOND))
        );
    }

    #[test]
    fn a_call_that_was_never_written_frees_its_place() {
        let start = Instant::now();
        let mut window = fresh(1, start);
        window.started(0);
        window.given_up(0);
        assert_eq!(window.ask(start), Ok(()));
    }

    #[test]
    fn calls_of_the_previous_run_keep_their_places_for_a_second() {
        let start = Instant::now();
        let mut window = Window::new(Some(3), LastSecond::Calls(2), start);
        assert_eq!(window.ask(start), Ok(()));
        assert_eq!(window.started(0), None, "the third place was free");
        window.written(0, start + 10 * MS);
        let end = start + SECOND;
        assert_eq!(window.ask(start + 999 * MS), Err(Shut::Until(end)));
        assert_eq!(window.ask(end), Ok(()));
        assert_eq!(window.started(1), Some(end));
        assert_eq!(window.last_second(end), 1, "only its own call");
        assert_eq!(window.worst_second(), 1, "only its own call");
    }

    #[test]
    fn after_a_run_that_died_the_whole_window_is_taken() {
        let start = Instant::now();
        let mut window = Window::new(Some(3), LastSecond::Unknown, start);
        assert_eq!(window.ask(start), Err(Shut::Until(start + SECOND)));
        assert_eq!(window.ask(start + SECOND), Ok(()));
    }

    #[test]
    fn without_a_cap_earlier_calls_do_not_matter() {
        let start = Instant::now();
        let mut window = Window::new(None, LastSecond::Unknown, start);
        assert_eq!(window.ask(start), Ok(()));
    }

    #[test]
    fn the_carry_over_includes_the_calls_of_earlier_runs() {
        let start = Instant::now();
        let mut window = Window::new(Some(2), LastSecond::Calls(200), start);
        assert_eq!(window.carry_over(start), LastSecond::Calls(200));
        let later = start + SECOND;
        assert_eq!(window.carry_over(later), LastSecond::Calls(0));
        window.started(0);
        window.started(1);
        window.written(0, later);
        assert_eq!(
            window.carry_over(later),
            LastSecond::Calls(2),
            "one unwritten"
        );

        let mut window = Window::new(Some(2), LastSecond::Unknown, start);
        assert_eq!(window.carry_over(start + 999 * MS), LastSecond::Unknown);
        assert_eq!(window.carry_over(later), LastSecond::Calls(0));
    }

    /// A pause, how long a write takes, and whether to wait if the gate is shut.
    type Step = (u64, u64, bool);

    fn steps(max: usize) -> impl Strategy<Value = Vec<Step>> {
        prop::collection::vec((0_u64..3_000, 0_u64..400, any::<bool>()), 1..max)
    }

    /// Runs these steps from `now` on, and adds the writes to the wire.
    fn live(window: &mut Window, steps: Vec<Step>, now: &mut Instant, wire: &mut Vec<Instant>) {
        let mut open = VecDeque::new();
        for (call, (pause, write, wait)) in (0_u64..).zip(steps) {
            *now += Duration::from_millis(if pause > 2_900 {
                pause * 3
            } else {
                pause / 100
            });
            match window.ask(*now) {
                Ok(()) => {
                    window.started(call);
                    open.push_back(call);
                }
                Err(Shut::Until(at)) if wait => *now = at,
                Err(_) => {}
            }
            if write % 3 > 0
                && let Some(call) = open.pop_front()
            {
                // On the wire at `now`, reported a little later.
                wire.push(*now);
                *now += Duration::from_micros(write);
                window.written(call, *now);
                window.answered(call, *now);
            }
        }
    }

    fn keeps_the_cap(wire: &[Instant], cap: usize) -> bool {
        wire.windows(cap + 1)
            .all(|calls| calls[cap] - calls[0] >= SECOND)
    }

    proptest! {
        /// Writes keep the cap in every sliding second, whatever the delays between gate, write
        /// and end, stalls of many seconds included.
        #[test]
        fn the_cap_holds_on_the_wire(cap in 1_usize..20, steps in steps(300)) {
            let mut now = Instant::now();
            let mut wire = Vec::new();
            live(&mut fresh(cap, now), steps, &mut now, &mut wire);
            prop_assert!(keeps_the_cap(&wire, cap));
        }

        /// Holds however soon one run follows another, and whether that one ended or died, even
        /// before its first call.
        #[test]
        fn runs_that_follow_each_other_keep_the_cap_together(
            runs in prop::collection::vec((1_usize..20, steps(60), any::<bool>(), 0_u64..1_200), 2..8),
        ) {
            let mut now = Instant::now();
            let mut wire = Vec::new();
            let mut before = LastSecond::default();
            let max_cap = runs.iter().map(|(cap, ..)| *cap).max();
            for (cap, steps, dies, gap) in runs {
                let mut window = Window::new(Some(cap), before, now);
                live(&mut window, steps, &mut now, &mut wire);
                before = if dies { LastSecond::Unknown } else { window.carry_over(now) };
                now += Duration::from_millis(gap / 3);
            }
            prop_assert!(keeps_the_cap(&wire, max_cap.unwrap_or(1)));
        }
    }
}
