//! What a mock saw.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cap::LastSecond;

/// What a mock saw, up to a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Calls of the API, whatever became of them.
    pub calls: u64,
    /// How many were answered with each code, 0 being success.
    pub by_code: BTreeMap<i32, u64>,
    /// The most calls that arrived, head and body, in any sliding second.
    pub worst_second: u64,
    /// Calls that the cap rejected.
    pub over_cap: u64,
    /// Calls whose `random` was that of one of the last few thousand calls. It should be
    /// fresh for every call; by chance about one in a million is not.
    pub repeated_randoms: u64,
    /// Connections opened, those to ask for these figures too.
    pub connections: u64,
    /// Different rows called, where rows are counted.
    pub rows: Option<u64>,
    /// The most calls for one row, where rows are counted.
    pub most_calls_for_a_row: Option<u32>,
}

/// The figures while they grow.
#[derive(Debug)]
pub(crate) struct Figures {
    calls: u64,
    /// Few codes ever occur, so a walk beats a map; success comes first.
    by_code: Vec<(i32, u64)>,
    last_second: LastSecond,
    worst_second: usize,
    pub(crate) over_cap: u64,
    /// Each slot holds the last `random` that fell into it, so memory stays fixed.
    randoms: Vec<Option<u32>>,
    repeated_randoms: u64,
    pub(crate) connections: u64,
}

const RANDOMS: usize = 8192;

impl Figures {
    pub(crate) fn new() -> Self {
        Self {
            calls: 0,
            by_code: vec![(0, 0)],
            last_second: LastSecond::default(),
            worst_second: 0,
            over_cap: 0,
            randoms: vec![None; RANDOMS],
            repeated_randoms: 0,
            connections: 0,
        }
    }

    /// A call arrived, and before it this many. Times come in order.
    pub(crate) fn arrived(&mut self, now: Duration) -> u64 {
        self.last_second.add(now);
        self.worst_second = self.worst_second.max(self.last_second.count(now));
        self.calls += 1;
        self.calls - 1
    }

    /// A call came with this `random`.
    pub(crate) fn random(&mut self, random: u32) {
        let slot = &mut self.randoms[random as usize % RANDOMS];
        if slot.replace(random) == Some(random) {
            self.repeated_randoms += 1;
        }
    }

    /// A call is answered with this code.
    pub(crate) fn answered(&mut self, code: i32) {
        match self.by_code.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += 1,
            None => self.by_code.push((code, 1)),
        }
    }

    pub(crate) fn snapshot(&self) -> Seen {
        let answered = self.by_code.iter().copied();
        Seen {
            calls: self.calls,
            by_code: answered.filter(|&(_, count)| count > 0).collect(),
            worst_second: self.worst_second as u64,
            over_cap: self.over_cap,
            repeated_randoms: self.repeated_randoms,
            connections: self.connections,
            rows: None,
            most_calls_for_a_row: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_worst_second_is_found_wherever_it_starts() {
        let mut figures = Figures::new();
        for ms in (0..10_000).step_by(10) {
            figures.arrived(ms * MS);
        }
        assert_eq!(figures.snapshot().worst_second, 100);
        for ms in 10_700..10_900 {
            figures.arrived(ms * MS);
        }
        // The second from 9.9 to 10.9 has ten of the first kind and all of the second.
        assert_eq!(figures.snapshot().worst_second, 210);
    }

    #[test]
    fn two_calls_a_second_apart_share_no_second() {
        let mut figures = Figures::new();
        assert_eq!(figures.arrived(Duration::ZERO), 0);
        assert_eq!(figures.arrived(1000 * MS), 1);
        assert_eq!(figures.snapshot().worst_second, 1);
    }

    #[test]
    fn a_repeated_random_is_noticed() {
        let mut figures = Figures::new();
        for random in [7, 8, 9, 7, u32::MAX, 0, 0] {
            figures.random(random);
        }
        assert_eq!(figures.snapshot().repeated_randoms, 2);
    }

    #[test]
    fn only_codes_that_occurred_are_listed() {
        let mut figures = Figures::new();
        figures.answered(10002);
        figures.answered(10002);
        assert_eq!(figures.snapshot().by_code, BTreeMap::from([(10002, 2)]));
    }

    #[test]
    fn figures_survive_json() {
        let mut figures = Figures::new();
        figures.arrived(Duration::ZERO);
        figures.answered(10002);
        let seen = figures.snapshot();
        let text = serde_json::to_string(&seen).expect("JSON");
        assert_eq!(serde_json::from_str::<Seen>(&text).expect("the same"), seen);
    }
}
