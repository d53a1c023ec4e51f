//! Whether the service is out, and what is reported about it.

use std::mem;
use std::time::{Duration, Instant};

use crate::api::reply::Reply;
use crate::monitor::{Notice, OutageProgress};
use crate::run::{Allowed, Outage, Past, Strikes};

/// The number of calls with a fault, and no real answer since, that make an outage. There may be
/// only one call in all; if others are in flight, the next answer ends the outage within
/// milliseconds.
const CALLS: usize = 1;
/// Shorter outages are not reported.
const MIN_REPORTED: Duration = Duration::from_secs(2);

/// Watches for outages as a run does, and remembers what to report about them.
#[derive(Debug)]
pub(super) struct OutageWatch {
    outage: Outage,
    /// The last fault; in an outage, its cause.
    fault: Option<Reply>,
    held: Duration,
    /// Whether the current outage has been reported.
    reported: bool,
    over: Option<Past>,
}

impl OutageWatch {
    /// Returns a watch that gives up after `longest`; zero disables it.
    pub(super) fn new(longest: Duration) -> Self {
        Self {
            outage: Outage::of_rows(CALLS, longest),
            fault: None,
            held: Duration::ZERO,
            reported: false,
            over: None,
        }
    }

    /// Returns which calls are allowed at `now`.
    pub(super) fn allows(&self, now: Instant) -> Allowed {
        self.outage.allows(now)
    }

    /// Returns the number of probes so far in this outage.
    pub(super) fn probes(&self) -> u64 {
        self.outage.probes()
    }

    /// Records that a call starts.
    pub(super) fn called(&mut self, now: Instant) {
        self.outage.called(now);
    }

    /// Records that an attempt met a transient fault. Returns whether it counts as an attempt: in
    /// an outage none does.
    pub(super) fn fault(
        &mut self,
        attempt: u64,
        strikes: &mut Strikes,
        fault: Reply,
        now: Instant,
    ) -> bool {
        let counts = !self.is_out();
        self.outage.fault(attempt, strikes, now);
        self.fault = Some(fault);
        counts
    }

    /// Records that the service gave a real answer.
    pub(super) fn answer(&mut self, now: Instant) {
        let Some(past) = self.outage.answer(now) else {
            return;
        };
        self.held += past.lasted;
        if mem::take(&mut self.reported) {
            self.over = Some(past);
        }
    }

    /// Whether there has been no real answer since the last fault.
    pub(super) fn is_out(&self) -> bool {
        self.outage.since().is_some()
    }

    /// Returns the last fault and how long the outage has lasted, once that is too long.
    pub(super) fn given_up(&mut self, now: Instant) -> Option<(Reply, Duration)> {
        let lasted = now - self.outage.since()?;
        let is_too_long = self.allows(now) == Allowed::GiveUp;
        is_too_long
            .then(|| self.fault.take())
            .flatten()
            .zip(Some(lasted))
    }

    /// Returns the outage, unless it is too short to report.
    pub(super) fn out(&self, now: Instant) -> Option<OutageProgress<'_>> {
        let lasted = now - self.outage.since()?;
        let Reply { code, info, .. } = self.fault.as_ref()?;
        (lasted >= MIN_REPORTED).then(|| OutageProgress {
            lasted,
            gives_up_in: self.outage.longest().saturating_sub(lasted),
            code: *code,
            info,
        })
    }

    /// Returns how long outages that are over have held calls.
    pub(super) fn held(&self) -> Duration {
        self.held
    }

    /// Returns what is new to report since the last call.
    pub(super) fn news(&mut self, now: Instant) -> Option<Notice> {
        if let Some(Past { lasted, probes }) = self.over.take() {
            return Some(Notice::OutageOver { lasted, probes });
        }
        let out = self.out(now).filter(|_| !self.reported)?;
        let (code, info) = (out.code, out.info.to_owned());
        self.reported = true;
        Some(Notice::Outage { code, info })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::codes;

    const SECOND: Duration = Duration::from_secs(1);

    fn fault(watch: &mut OutageWatch, code: i64, now: Instant) -> bool {
        let reply = Reply {
            code,
            verdict: codes::look_up(code).verdict,
            info: "as it is".to_owned(),
        };
        watch.fault(0, &mut Strikes::default(), reply, now)
    }

    #[test]
    fn an_outage_is_reported_once_with_its_last_fault_and_so_is_its_end() {
        let start = Instant::now();
        let mut watch = OutageWatch::new(60 * SECOND);
        assert!(fault(&mut watch, codes::TIMED_OUT, start), "it counts");
        watch.called(start + SECOND);
        assert!(!fault(&mut watch, 502, start + SECOND), "a probe does not");
        assert_eq!(watch.news(start + SECOND), None, "too short so far");
        let now = start + 2 * SECOND;
        let info = "as it is".to_owned();
        assert_eq!(watch.news(now), Some(Notice::Outage { code: 502, info }));
        assert_eq!(watch.news(now), None);
        let out = watch.out(now).expect("out");
        assert_eq!((out.lasted, out.gives_up_in), (2 * SECOND, 58 * SECOND));
        watch.answer(start + 5 * SECOND);
        let over = Notice::OutageOver {
            lasted: 5 * SECOND,
            probes: 1,
        };
        assert_eq!(watch.news(start + 5 * SECOND), Some(over));
        assert_eq!(watch.held(), 5 * SECOND);
    }

    #[test]
    fn a_short_outage_is_not_reported() {
        let start = Instant::now();
        let mut watch = OutageWatch::new(60 * SECOND);
        fault(&mut watch, 10002, start);
        assert!(watch.is_out() && watch.out(start + SECOND).is_none());
        watch.answer(start + SECOND);
        assert_eq!(watch.news(start + 10 * SECOND), None);
    }

    #[test]
    fn it_gives_up_after_nothing_but_faults_for_too_long() {
        let start = Instant::now();
        let mut watch = OutageWatch::new(60 * SECOND);
        fault(&mut watch, 10002, start);
        let now = start + 60 * SECOND;
        assert_eq!(watch.given_up(now), None, "it probes one last time");
        watch.called(now);
        fault(&mut watch, 10002, now);
        let (reply, lasted) = watch.given_up(now).expect("too long");
        assert_eq!((reply.code, lasted), (10002, 60 * SECOND));
    }
}
