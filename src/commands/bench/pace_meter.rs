//! Measures the pace while there are rows to call, without the start and the wait for last answers.

use std::time::Duration;

use crate::monitor::{Monitor, Notice, Progress};

/// Forwards to another monitor, and records the number of calls over time.
pub(super) struct PaceMeter {
    shown: Box<dyn Monitor>,
    first: Option<Mark>,
    last: Option<Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Duration,
    calls: u64,
}

impl PaceMeter {
    pub(super) fn new(shown: Box<dyn Monitor>) -> Self {
        Self {
            shown,
            first: None,
            last: None,
        }
    }

    /// Returns the calls per second while there were uncalled rows; `None` if that was less than a
    /// second.
    pub(super) fn pace(&self) -> Option<f64> {
        let (first, last) = (self.first?, self.last?);
        let time = last.at.saturating_sub(first.at).as_secs_f64();
        (time >= 1.0).then(|| (last.calls - first.calls) as f64 / time)
    }
}

impl Monitor for PaceMeter {
    fn progress(&mut self, progress: &Progress<'_>) {
        let busy = (progress.in_flight + progress.retrying) as u64;
        if progress.tally.pending() > busy {
            let mark = Mark {
                at: progress.elapsed,
                calls: progress.tally.calls,
            };
            self.first.get_or_insert(mark);
            self.last = Some(mark);
        }
        self.shown.progress(progress);
    }

    fn notice(&mut self, notice: &Notice) {
        self.shown.notice(notice);
    }

    fn finish(&mut self) {
        self.shown.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::{Silent, State};
    use crate::run::Tally;

    #[test]
    fn the_pace_covers_only_the_time_with_rows_to_call() {
        let mut watch = PaceMeter::new(Box::new(Silent));
        // Tenths of a second, unsettled rows, rows in flight, calls.
        let seen = [
            (0, 0, 0, 0),
            (1, 500, 10, 20),
            (20, 120, 10, 400),
            (30, 10, 10, 510),
            (90, 1, 0, 510),
        ];
        for (tenths, taken, in_flight, calls) in seen {
            watch.progress(&Progress {
                tally: &Tally {
                    taken,
                    calls,
                    ..Tally::default()
                },
                total: None,
                state: State::Calling,
                left: None,
                in_flight,
                retrying: usize::from(tenths == 90),
                calls_per_s: 0,
                elapsed: Duration::from_millis(tenths * 100),
            });
        }
        assert_eq!(watch.pace(), Some(200.0));
    }
}
