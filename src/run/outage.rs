//! Is the service failing, rather than single rows?

use std::collections::HashSet;
use std::time::{Duration, Instant};

/// This many different rows with transient faults, and no real answer in between, make an outage.
const ROWS: usize = 20;
/// The wait before the first probe; it doubles with each probe.
const FIRST_PROBE: Duration = Duration::from_secs(1);
/// The longest wait between two probes, and so the longest that a recovery goes unnoticed.
const MAX_PROBE_WAIT: Duration = Duration::from_secs(8);

/// If nothing is called for this long after a fault, the fault says nothing about later ones. A
/// retry waits at most 30 s, so there was neither a retry nor a row to call.
const QUIET: Duration = Duration::from_secs(60);

/// A row with more faults than this, with real answers to other rows in between, is at fault itself
/// and says nothing about the service. Otherwise the last rows of a long run, which are those that
/// never get an answer, would look like an outage.
const STRIKES: u32 = 3;

/// How often a row got a fault that other rows did not share.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Strikes {
    count: u32,
    answers: Option<u64>,
}

/// Detects outages, and spaces out the probes during one.
#[derive(Debug)]
pub(crate) struct Outage {
    longest: Duration,
    rows: usize,
    answers: u64,
    suspects: HashSet<u64>,
    first_fault: Option<Instant>,
    last_fault: Option<Instant>,
    out: Option<Out>,
}

#[derive(Debug)]
struct Out {
    since: Instant,
    probe_at: Instant,
    wait: Duration,
    probes: u64,
    last_chance: LastChance,
}

/// The call that decides whether to give up. It must be made after the maximum time: if, say, the
/// process was suspended until then, the service has not been asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastChance {
    NotYet,
    Asked,
    Missed,
}

/// An outage that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) lasted: Duration,
    /// Calls that checked whether the service was back, the last one included.
    pub(crate) probes: u64,
}

/// What may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Any job that is due.
    All,
    /// One row, due or not, to check whether the service is back.
    Probe,
    /// Nothing before this time.
    NoneUntil(Instant),
    /// Nothing any more: the outage has lasted too long.
    GiveUp,
}

impl Outage {
    /// Returns a detector that gives up after `longest`; zero disables holding off.
    pub(super) fn new(longest: Duration) -> Self {
        Self::of_rows(ROWS, longest)
    }

    /// Like [`new`](Self::new), with a different number of rows that make an outage.
    pub(crate) fn of_rows(rows: usize, longest: Duration) -> Self {
        Self {
            longest,
            rows,
            answers: 0,
            suspects: HashSet::new(),
            first_fault: None,
            last_fault: None,
            out: None,
        }
    }

    /// What may be called at `now`.
    pub(crate) fn allows(&self, now: Instant) -> Allowed {
        match &self.out {
            None => Allowed::All,
            Some(out) if out.last_chance == LastChance::Missed => Allowed::GiveUp,
            Some(out) => {
                // `longest` may take the end beyond the range of an `Instant`.
                let end = out.since.checked_add(self.longest);
                let probe_at = end.map_or(out.probe_at, |end| out.probe_at.min(end));
                if now >= probe_at {
                    Allowed::Probe
                } else {
                    Allowed::NoneUntil(probe_at)
                }
            }
        }
    }

    /// A call got a transient fault. `asked` identifies what it was for: a row of a run or an
    /// attempt of a preflight. Returns true if this fault makes it an outage.
    pub(crate) fn fault(&mut self, asked: u64, strikes: &mut Strikes, now: Instant) -> bool {
        if strikes.answers != Some(self.answers) {
            strikes.answers = Some(self.answers);
            strikes.count += 1;
        }
        if let Some(out) = &mut self.out {
            if out.last_chance == LastChance::Asked {
                out.last_chance = LastChance::Missed;
            }
            if now >= out.probe_at {
                out.wait = (out.wait * 2).min(MAX_PROBE_WAIT);
                out.probe_at = now + out.wait;
            }
            return false;
        }
        if self.longest.is_zero() || strikes.count > STRIKES {
            return false;
        }
        let since = *self.first_fault.get_or_insert(now);
        self.last_fault = Some(now);
        self.suspects.insert(asked);
        if self.suspects.len() < self.rows {
            return false;
        }
        self.out = Some(Out {
            since,
            probe_at: now + FIRST_PROBE,
            wait: FIRST_PROBE,
            probes: 0,
            last_chance: LastChance::NotYet,
        });
        true
    }

    /// The number of probes so far in this outage.
    pub(crate) fn probes(&self) -> u64 {
        self.out.as_ref().map_or(0, |out| out.probes)
    }

    /// A call starts. In an outage it is a probe.
    pub(crate) fn called(&mut self, now: Instant) {
        if let Some(out) = &mut self.out {
            out.probes += 1;
            // No other call is in flight, so the next fault is this call's answer.
            if now.duration_since(out.since) >= self.longest {
                out.last_chance = LastChance::Asked;
            }
            return;
        }
        let quiet_for = self.last_fault.map(|last| now.duration_since(last));
        if quiet_for.is_some_and(|quiet| quiet > QUIET) {
            self.suspect_nothing();
        }
    }

    /// The service gave a real answer. That ends an outage, if there is one.
    pub(crate) fn answer(&mut self, now: Instant) -> Option<Past> {
        self.answers += 1;
        self.suspect_nothing();
        self.out.take().map(|out| Past {
            lasted: now - out.since,
            probes: out.probes,
        })
    }

    fn suspect_nothing(&mut self) {
        self.suspects.clear();
        self.first_fault = None;
        self.last_fault = None;
    }

    /// Whether the latest answers were all faults, so that rows not called yet should go first.
    pub(super) fn suspected(&self) -> bool {
        !self.suspects.is_empty()
    }

    /// Returns since when the service has been out.
    pub(crate) fn since(&self) -> Option<Instant> {
        self.out.as_ref().map(|out| out.since)
    }

    /// Returns how long the service may be out.
    pub(crate) fn longest(&self) -> Duration {
        self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Reports a fault of a row that had none before.
    fn fault(outage: &mut Outage, row: u64, now: Instant) -> bool {
        outage.fault(row, &mut Strikes::default(), now)
    }

    fn out_at(start: Instant) -> Outage {
        let mut outage = Outage::new(1_800 * SECOND);
        assert!((0..19).all(|row| !fault(&mut outage, row, start)));
        assert!(fault(&mut outage, 19, start));
        outage
    }

    #[test]
    fn twenty_different_rows_make_an_outage_and_one_stubborn_row_does_not() {
        let start = Instant::now();
        let mut outage = Outage::new(1_800 * SECOND);
        assert!((0..1_000).all(|_| !fault(&mut outage, 7, start)));
        assert_eq!(outage.allows(start), Allowed::All);
        assert_eq!(
            out_at(start).allows(start),
            Allowed::NoneUntil(start + SECOND)
        );
    }

    #[test]
    fn a_real_answer_in_between_restarts_the_count() {
        let start = Instant::now();
        let mut outage = Outage::new(1_800 * SECOND);
        for row in 0..19 {
            fault(&mut outage, row, start);
        }
        assert_eq!(outage.answer(start), None, "there was no outage to end");
        assert!((20..39).all(|row| !fault(&mut outage, row, start)));
    }

    #[test]
    fn rows_that_keep_failing_while_others_are_answered_make_no_outage() {
        let start = Instant::now();
        let mut outage = Outage::new(1_800 * SECOND);
        let mut strikes = [Strikes::default(); 100];
        for _ in 0..STRIKES {
            for (row, strikes) in (0..19).zip(&mut strikes) {
                assert!(!outage.fault(row, strikes, start));
            }
            outage.answer(start);
        }
        let made_any = (0..19)
            .zip(&mut strikes)
            .any(|(row, strikes)| outage.fault(row, strikes, start));
        assert!(!made_any && !outage.suspected());
        let fresh: Vec<_> = (100..120)
            .map(|row| fault(&mut outage, row, start))
            .collect();
        assert!(fresh[19], "but twenty other rows do");
    }

    #[test]
    fn probes_are_further_and_further_apart_up_to_a_limit() {
        let start = Instant::now();
        let mut outage = out_at(start);
        let mut now = start;
        let mut gaps = Vec::new();
        for probe in 0..6 {
            let Allowed::NoneUntil(at) = outage.allows(now) else {
                panic!("it should hold between probes");
            };
            gaps.push((at - now).as_secs());
            now = at;
            assert_eq!(outage.allows(now), Allowed::Probe);
            assert!(!fault(&mut outage, 100 + probe, now));
        }
        assert_eq!(gaps, [1, 2, 4, 8, 8, 8]);
    }

    #[test]
    fn calls_already_in_flight_do_not_delay_the_probe() {
        let start = Instant::now();
        let mut outage = out_at(start);
        for row in 20..200 {
            fault(&mut outage, row, start + SECOND / 2);
        }
        assert_eq!(outage.allows(start + SECOND), Allowed::Probe);
    }

    #[test]
    fn the_first_real_answer_ends_the_outage_and_returns_its_figures() {
        let start = Instant::now();
        let mut outage = out_at(start);
        outage.called(start + SECOND);
        outage.called(start + 3 * SECOND);
        let past = Past {
            lasted: 3 * SECOND,
            probes: 2,
        };
        assert_eq!(outage.answer(start + 3 * SECOND), Some(past));
        assert_eq!(outage.allows(start), Allowed::All);
        let next = start + 3_600 * SECOND;
        for row in 0..20 {
            fault(&mut outage, row, next);
        }
        assert_eq!(
            outage.since(),
            Some(next),
            "the next one dates from its own first fault"
        );
    }

    #[test]
    fn faults_before_a_quiet_time_do_not_count() {
        let start = Instant::now();
        let mut outage = Outage::new(1_800 * SECOND);
        fault(&mut outage, 0, start);
        // A pipe that dries up: for hours there is nothing to call.
        let later = start + 7_200 * SECOND;
        for row in 1..20 {
            outage.called(later);
            assert!(!fault(&mut outage, row, later), "19 rows make no outage");
        }
        outage.called(later);
        assert!(fault(&mut outage, 20, later));
        assert_eq!(outage.since(), Some(later));
    }

    #[test]
    fn slow_faults_still_make_an_outage() {
        let start = Instant::now();
        let mut outage = Outage::new(1_800 * SECOND);
        // One call at a time, and each ends with a time-out of five minutes.
        let mut now = start;
        let made = (0..20).map(|row| {
            outage.called(now);
            now += 300 * SECOND;
            fault(&mut outage, row, now)
        });
        assert_eq!(made.filter(|made| *made).count(), 1);
    }

    #[test]
    fn it_gives_up_after_the_maximum_time() {
        let start = Instant::now();
        let mut outage = out_at(start);
        let mut ask = |after| {
            let now = start + after * SECOND;
            assert_eq!(outage.allows(now), Allowed::Probe);
            outage.called(now);
            fault(&mut outage, 100, now);
            outage.allows(now)
        };
        let end = start + 1_800 * SECOND;
        assert_eq!(
            ask(1_799),
            Allowed::NoneUntil(end),
            "with a last probe then"
        );
        assert_eq!(ask(1_800), Allowed::GiveUp);
    }

    #[test]
    fn time_without_probes_is_no_reason_to_give_up() {
        let start = Instant::now();
        let mut outage = Outage::new(1_800 * SECOND);
        fault(&mut outage, 0, start);
        // The process was suspended; the calls in flight have timed out.
        let now = start + 86_400 * SECOND;
        for row in 1..30 {
            fault(&mut outage, row, now);
        }
        assert_eq!(outage.allows(now), Allowed::Probe);
        outage.called(now);
        fault(&mut outage, 30, now);
        assert_eq!(outage.allows(now), Allowed::GiveUp);
    }

    #[test]
    fn the_maximum_may_exceed_the_range_of_an_instant() {
        let start = Instant::now();
        let mut outage = Outage::new(Duration::MAX);
        for row in 0..20 {
            fault(&mut outage, row, start);
        }
        assert_eq!(outage.allows(start), Allowed::NoneUntil(start + SECOND));
        assert_eq!(outage.allows(start + 86_400 * SECOND), Allowed::Probe);
    }

    #[test]
    fn zero_disables_holding_off() {
        let start = Instant::now();
        let mut outage = Outage::new(Duration::ZERO);
        assert!((0..100).all(|row| !fault(&mut outage, row, start)));
        assert_eq!(outage.allows(start), Allowed::All);
    }
}
