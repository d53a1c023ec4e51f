//! What the operator hears of a lowered pace: that it is, and when it no longer is, but not of
//! every time that it goes down and up again. An isolated frequency error now and then would
//! otherwise fill a log with two lines every few seconds.

use std::time::{Duration, Instant};

use crate::monitor::Notice;

/// After a recovery nothing is told for so long.
const QUIET: Duration = Duration::from_secs(60);

/// What has been told.
#[derive(Debug, Default)]
pub(super) struct PaceNews {
    lowered_since: Option<Instant>,
    quiet_until: Option<Instant>,
}

impl PaceNews {
    /// What is to be told now that the pace is lowered to so many calls a second, or is not.
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
    fn a_lowered_pace_is_told_of_once_however_far_it_falls_and_so_is_its_recovery() {
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
    fn a_pace_that_goes_down_and_up_all_the_time_is_told_of_twice_a_minute_at_most() {
        let (mut news, start) = (PaceNews::default(), Instant::now());
        let told = (0..600).filter_map(|second| {
            let lowered = (second % 5 < 3).then_some(190);
            news.of(lowered, start + second * SECOND)
        });
        assert!((18..=20).contains(&told.count()));
    }

    #[test]
    fn what_lasts_is_told_of_after_the_quiet() {
        let (mut news, start) = (PaceNews::default(), Instant::now());
        news.of(Some(190), start);
        news.of(None, start);
        assert_eq!(news.of(Some(190), start + 59 * SECOND), None);
        assert!(news.of(Some(100), start + 60 * SECOND).is_some());
    }
}
