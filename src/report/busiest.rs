//! The maximum number of calls within one second, however long the time that a ledger spans.

use std::collections::VecDeque;

/// The number of seconds that can still be counted in. Entries are in the order of their answers, so
/// those of one second are at most as far apart as answers are late: `--timeout`, 10 s by default.
const OPEN: usize = 300;

/// Counts calls by the second of the wall clock in which they were sent, in constant memory.
///
/// The seconds counted in most recently stay open, whatever their date. So an entry from a wrong
/// clock closes no others, and a run whose clock was set back is counted like any other. Only if the
/// clock repeats a second that is still open are both counted as one; the ledger can't tell them
/// apart.
#[derive(Debug, Default)]
pub(super) struct Busiest {
    /// Seconds since the epoch with the calls sent in each, most recently counted last.
    open: VecDeque<(i64, u64)>,
    max_calls: u64,
}

impl Busiest {
    pub(super) fn count(&mut self, second: i64) {
        // Unless this is the first call of a second, the second is near the end.
        let known = self.open.iter().rposition(|(at, _)| *at == second);
        let before = known.and_then(|at| self.open.remove(at));
        let calls = before.map_or(0, |(_, calls)| calls) + 1;
        if self.open.len() == OPEN {
            self.open.pop_front();
        }
        self.open.push_back((second, calls));
        self.max_calls = self.max_calls.max(calls);
    }

    /// Returns the number of calls in the busiest second.
    pub(super) fn max_calls(&self) -> u64 {
        self.max_calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn max_calls(seconds: impl IntoIterator<Item = i64>) -> u64 {
        let mut busiest = Busiest::default();
        for second in seconds {
            busiest.count(second);
        }
        assert!(busiest.open.len() <= OPEN);
        busiest.max_calls()
    }

    /// Returns `seconds` consecutive seconds, each with `calls` calls.
    fn run(from: i64, seconds: i64, calls: usize) -> impl Iterator<Item = i64> + Clone {
        (from..from + seconds).flat_map(move |second| std::iter::repeat_n(second, calls))
    }

    #[test]
    fn the_busiest_second_is_exact_however_long_the_run() {
        assert_eq!(max_calls([]), 0);
        assert_eq!(max_calls(run(0, 3, 200)), 200);
        let canary = run(0, 1, 10);
        assert_eq!(max_calls(canary.chain(run(DAY, 3, 200))), 200);
        let slow = run(0, 5_000, 1);
        assert_eq!(max_calls(slow.chain(run(DAY, 1, 7))), 7);
    }

    #[test]
    fn calls_with_late_answers_count_in_the_second_they_were_sent() {
        // Every tenth call of a second is answered 15 seconds later.
        let calls = (0..600).flat_map(|second| {
            let late = std::iter::repeat_n(second - 15, 20);
            std::iter::repeat_n(second, 180).chain(late)
        });
        assert_eq!(max_calls(calls), 200);
    }

    #[test]
    fn an_entry_from_a_wrong_clock_changes_no_other_second() {
        let half = run(1_000, 1, 100);
        for wrong in [0, i64::MIN, i64::MAX] {
            assert_eq!(
                max_calls(half.clone().chain([wrong]).chain(half.clone())),
                200
            );
        }
    }

    #[test]
    fn a_run_whose_clock_was_set_back_by_an_hour_is_not_added_to_the_one_before() {
        let before = run(0, 7_200, 2);
        assert_eq!(max_calls(before.chain(run(3_600, 3_600, 3))), 3);
    }
}
