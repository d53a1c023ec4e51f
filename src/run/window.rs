//! The cap: at most so many calls in any sliding second, as the service counts them.
//!
//! Gate before, stamp after: the gate is read before a request is handed over, and the stamp
//! that later calls wait for is taken once it has been written. Between two calls that are `cap`
//! apart a whole second then lies on the wire too, with no margin to guess. A call that is not
//! written yet (its connection is still being opened) counts as if it could be at any moment.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// What the cap is counted over.
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// The calls of the last second, and those that may be written at any moment.
#[derive(Debug)]
pub(super) struct Window {
    cap: usize,
    stamps: VecDeque<Instant>,
    unwritten: HashSet<u64>,
    /// Places that no call has had yet.
    untouched: usize,
    /// When the others that are free came free, oldest first.
    freed: VecDeque<Instant>,
    worst: usize,
}

/// When the gate is shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// It opens at this time.
    Until(Instant),
    /// It opens when a call has been written or has ended.
    UntilWritten,
}

impl Window {
    pub(super) fn new(cap: Option<usize>) -> Self {
        Self {
            cap: cap.unwrap_or(usize::MAX),
            stamps: VecDeque::new(),
            unwritten: HashSet::new(),
            untouched: cap.unwrap_or(usize::MAX),
            freed: VecDeque::new(),
            worst: 0,
        }
    }

    /// Whether a call may start at `now`.
    pub(super) fn ask(&mut self, now: Instant) -> Result<(), Shut> {
        self.forget(now);
        if self.stamps.len() + self.unwritten.len() < self.cap {
            return Ok(());
        }
        match self.stamps.front() {
            Some(oldest) if self.unwritten.len() < self.cap => Err(Shut::Until(*oldest + SECOND)),
            _ => Err(Shut::UntilWritten),
        }
    }

    /// A call starts. Answers since when its place was free; none where no call had it before.
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
        }
    }

    /// A call has ended. If it was never written, it has not been on the wire.
    pub(super) fn ended(&mut self, call: u64) {
        self.unwritten.remove(&call);
    }

    /// Calls written in the second before `now`.
    pub(super) fn last_second(&mut self, now: Instant) -> usize {
        self.forget(now);
        self.stamps.len()
    }

    /// Most calls written in any sliding second so far.
    pub(super) fn worst_second(&self) -> usize {
        self.worst
    }

    fn forget(&mut self, now: Instant) {
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

    #[test]
    fn the_call_over_the_cap_waits_for_the_oldest_to_be_a_second_old() {
        let start = Instant::now();
        let mut window = Window::new(Some(2));
        for (call, at) in [(0, 0), (1, 300)] {
            let now = start + at * MS;
            assert_eq!(window.ask(now), Ok(()));
            window.started(call);
            window.written(call, now);
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
        let mut window = Window::new(Some(1));
        window.started(0);
        assert_eq!(window.ask(start + 60 * SECOND), Err(Shut::UntilWritten));
        window.written(0, start + 60 * SECOND);
        assert_eq!(
            window.ask(start + 60 * SECOND),
            Err(Shut::Until(start + 61 * SECOND))
        );
    }

    #[test]
    fn a_call_that_was_never_written_gives_its_place_back() {
        let start = Instant::now();
        let mut window = Window::new(Some(1));
        window.started(0);
        window.ended(0);
        assert_eq!(window.ask(start), Ok(()));
    }

    proptest! {
        /// Whatever the delays between gate, write and end, stalls of many seconds among them:
        /// the writes keep the cap in every sliding second.
        #[test]
        fn the_cap_holds_on_the_wire(
            cap in 1_usize..20,
            steps in prop::collection::vec((0_u64..3_000, 0_u64..400, any::<bool>()), 1..300),
        ) {
            let start = Instant::now();
            let mut now = start;
            let mut window = Window::new(Some(cap));
            let mut wire = Vec::new();
            let mut open = VecDeque::new();
            for (call, (pause, write, wait)) in (0_u64..).zip(steps) {
                now += Duration::from_millis(if pause > 2_900 { pause * 3 } else { pause / 100 });
                match window.ask(now) {
                    Ok(()) => {
                        window.started(call);
                        open.push_back(call);
                    }
                    Err(Shut::Until(at)) if wait => now = at,
                    Err(_) => {}
                }
                if write % 3 > 0 && let Some(call) = open.pop_front() {
                    // On the wire at `now`, heard of a little later.
                    wire.push(now);
                    now += Duration::from_micros(write);
                    window.written(call, now);
                    window.ended(call);
                }
            }
            for pair in wire.windows(cap + 1) {
                prop_assert!(pair[cap] - pair[0] >= SECOND);
            }
        }
    }
}
