//! Whoever watches a run. The library never prints; it tells a monitor.

mod bar;
mod plain;
mod screen;
pub(crate) mod words;

use std::num::NonZeroU32;
use std::time::Duration;

pub use bar::Bar;
pub use plain::Plain;
pub use screen::{Screen, log_to};

use crate::run::Tally;

/// Where a run stands.
#[derive(Debug)]
pub struct Progress<'a> {
    /// The counts so far.
    pub tally: &'a Tally,
    /// Rows of the whole input: exact once it has been read to its end, estimated from its size
    /// before, none where the size is unknown.
    pub total: Option<u64>,
    /// Calls in flight.
    pub in_flight: usize,
    /// Rows that wait for another attempt.
    pub retrying: usize,
    /// Calls written in the last second.
    pub calls_per_s: usize,
    /// How long the run has been going.
    pub elapsed: Duration,
}

impl Progress<'_> {
    /// Rows done with, in one way or another.
    pub fn done(&self) -> u64 {
        self.tally.rows - self.tally.pending()
    }

    /// The rows that are left to call, as far as those met tell. Rows that were settled before
    /// say nothing about the others.
    fn to_call(&self) -> Option<f64> {
        let tally = self.tally;
        let met = tally.rows - tally.resumed;
        let unread = self.total?.saturating_sub(tally.rows);
        (met > 0)
            .then(|| unread as f64 * (tally.taken as f64 / met as f64) + tally.pending() as f64)
    }

    /// The time that the rows which are left will take at this run's rate so far.
    pub fn time_left(&self) -> Option<Duration> {
        let settled = self.tally.settled();
        let rate = settled as f64 / self.elapsed.as_secs_f64();
        (settled > 0)
            .then(|| Duration::try_from_secs_f64(self.to_call()? / rate).ok())
            .flatten()
    }

    /// The time that the rows which are left take at this many calls a second.
    pub fn time_left_at(&self, rate: NonZeroU32) -> Option<Duration> {
        Duration::try_from_secs_f64(self.to_call()? / f64::from(rate.get())).ok()
    }
}

/// Something the operator should hear of while it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The service gives no real answers: all rows are held, one call at a time probes.
    Outage {
        /// The code of the last fault.
        code: i64,
        /// What went wrong.
        info: String,
    },
    /// The service answers again.
    OutageOver,
    /// The service was called too often for its taste: the pace is lower for everybody.
    PaceLowered {
        /// Calls a second from now on.
        to: u64,
    },
    /// The pace is what was asked for again.
    PaceRecovered,
    /// The `UserSig` had expired and was signed anew.
    Renewed,
    /// The `UserSig` was signed anew, long before it runs out.
    RenewedInTime,
    /// The `UserSig` runs out before the run is through, and no other can be signed.
    UserSigEnds {
        /// In how long.
        left: Duration,
        /// How long the rest of the run takes.
        needed: Duration,
    },
    /// The operator asked to stop; calls in flight are still recorded.
    Stopping {
        /// How many there are.
        in_flight: usize,
    },
}

/// Watches a run.
pub trait Monitor {
    /// Called several times a second.
    fn progress(&mut self, progress: &Progress<'_>);
    /// Called when something happens.
    fn notice(&mut self, notice: &Notice);
    /// Called once, at the end.
    fn finish(&mut self);
}

/// Watches nothing.
#[derive(Debug, Default)]
pub struct Silent;

impl Monitor for Silent {
    fn progress(&mut self, _: &Progress<'_>) {}
    fn notice(&mut self, _: &Notice) {}
    fn finish(&mut self) {}
}
