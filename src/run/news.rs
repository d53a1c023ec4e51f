//! Which changes of pace are reported to the operator: the first drop and the recovery, but not
//! every drop and rise. Otherwise an isolated frequency error now and then would fill a log with
//! two lines every few seconds.

use std::time::{Duration, Instant};

use crate::monitor::Notice;

/// How long nothing is reported after a recovery.
const QUIET: Duration = Duration::from_secs(60);

/// What has been reported.
#[derive(Debug, Default)]
pub(super) struct PaceNews {
    lowered_since: Option<Instant>,
    quiet_until: Option<Instant>,
}

impl PaceNews {
    /// Returns what to report now that the pace is lowered to this many calls a second, or isn't.
    pub(super) fn of(&mut self, lowered: Option<u64>, now: Instant) -> Option<Notice> {
        match (self.lowered_since, lowered) {
            (None, Some(to)) if self.quiet_until.is_none_or(|until| now >= until) => {
                self.lowered_since = Some(now);
                Some(Notice::PaceLowered { to })
            }
            (Some(since), None) => {
                self.lowered_since = None;
                self.quiet_until = Some(now + QUIET);
                let lasted = now - since;
                Some(Notice::PaceRecovered { lasted })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_lowered_pace_and_its_recovery_are_reported_once_each() {
        let (mut news, start) = (PaceNews::default(), Instant::now());
        assert_eq!(news.of(None, start), None);
        let lowered = Notice::PaceLowered { to: 190 };
        assert_eq!(news.of(Some(190), start), Some(lowered));
        assert_eq!(news.of(Some(90), start + SECOND), None);
        let lasted = 9 * SECOND;
        let recovered = Notice::PaceRecovered { lasted };
        assert_eq!(news.of(None, start + lasted), Some(recovered));
        assert_eq!(news.of(None, start + lasted), None);
    }

    #[test]
    fn a_pace_that_keeps_changing_is_reported_at_most_twice_a_minute() {
        let (mut news, start) = (PaceNews::default(), Instant::now());
        let reported = (0..600).filter_map(|second| {
            let lowered = (second % 5 < 3).then_some(190);
            news.of(lowered, start + second * SECOND)
        });
        assert!((18..=20).contains(&reported.count()));
    }

    #[test]
    fn a_pace_lowered_again_is_reported_once_the_quiet_time_is_over() {
        let (mut news, start) = (PaceNews::default(), Instant::now());
        news.of(Some(190), start);
        news.of(None, start);
        assert_eq!(news.of(Some(190), start + 59 * SECOND), None);
        assert!(news.of(Some(100), start + 60 * SECOND).is_some());
    }
}
