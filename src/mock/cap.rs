//! How many calls are let through.

use std::collections::VecDeque;
use std::time::Duration;

/// How many calls are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// At most so many in any sliding second.
    Sliding(u32),
}

impl From<u32> for Cap {
    fn from(calls: u32) -> Self {
        Self::Sliding(calls)
    }
}

/// The times of the last second, oldest first.
#[derive(Debug, Default)]
pub(crate) struct LastSecond(VecDeque<Duration>);

impl LastSecond {
    /// How many of them lie in the second that ends with `now`. Two calls a full second apart
    /// share no second.
    pub(crate) fn count(&mut self, now: Duration) -> usize {
        while let Some(&oldest) = self.0.front()
            && now.saturating_sub(oldest) >= Duration::from_secs(1)
        {
            self.0.pop_front();
        }
        self.0.len()
    }

    /// Adds one. Times come in order.
    pub(crate) fn add(&mut self, now: Duration) {
        self.0.push_back(now);
    }
}

/// A cap and what it remembers.
#[derive(Debug)]
pub(crate) struct Gate {
    cap: Cap,
    passed: LastSecond,
}

impl Gate {
    pub(crate) fn new(cap: Cap) -> Self {
        Self {
            cap,
            passed: LastSecond::default(),
        }
    }

    /// Whether a call at `now` is let through. Those that are not don't use the cap up.
    pub(crate) fn pass(&mut self, now: Duration) -> bool {
        let Cap::Sliding(most) = self.cap;
        let passes = self.passed.count(now) < most as usize;
        if passes {
            self.passed.add(now);
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn exactly_the_cap_passes_in_a_second() {
        let mut gate = Gate::new(200.into());
        let passed = (0..1000).filter(|&ms| gate.pass(ms * MS)).count();
        assert_eq!(passed, 200);
        assert!(!gate.pass(Duration::from_nanos(999_999_999)));
        assert!(gate.pass(1000 * MS));
    }

    #[test]
    fn evenly_spaced_calls_at_the_cap_all_pass() {
        let mut gate = Gate::new(200.into());
        assert!((0..10_000).all(|call| gate.pass(call * 5 * MS)));
    }

    #[test]
    fn a_burst_over_the_turn_of_a_second_does_not_pass() {
        let mut gate = Gate::new(200.into());
        let passed = (800..1200).filter(|&ms| gate.pass(ms * MS)).count();
        assert_eq!(passed, 200);
    }

    #[test]
    fn rejected_calls_do_not_use_the_cap_up() {
        let mut gate = Gate::new(1.into());
        assert!(gate.pass(Duration::ZERO));
        assert!(!gate.pass(999 * MS));
        assert!(gate.pass(1000 * MS));
    }
}
