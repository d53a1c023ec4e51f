//! Shows the progress of a run. Only this module and `commands` write to the terminal; the rest of
//! the library notifies a [`Monitor`], or logs.

mod bar;
mod counts;
mod frame;
mod layout;
mod notices;
mod patience;
mod plain;
mod screen;
pub(crate) mod status;

use std::time::Duration;

pub use bar::Bar;
pub use patience::Patience;
pub use plain::Plain;
pub use screen::{Screen, log_to};

use crate::run::Tally;

/// The progress of a run.
#[derive(Debug)]
pub struct Progress<'a> {
    /// The counts so far.
    pub tally: &'a Tally,
    /// Rows of the whole input; `None` if that can't be known.
    pub total: Option<Total>,
    /// What the run is doing.
    pub state: State,
    /// How long the rest will take; `None` if that can't be estimated.
    pub left: Option<Duration>,
    /// Calls in flight.
    pub in_flight: usize,
    /// Rows that are waiting for another attempt.
    pub retrying: usize,
    /// Calls written in the last second.
    pub calls_per_s: usize,
    /// How long the run has been running.
    pub elapsed: Duration,
}

impl Progress<'_> {
    /// Returns the number of rows that are done, whatever became of them.
    pub fn done(&self) -> u64 {
        self.tally.rows - self.tally.pending()
    }
}

/// The total number of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// Rows of the whole input.
    pub rows: u64,
    /// False if the number is an estimate from the size of the input, which is still being read.
    pub exact: bool,
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Making calls at the normal pace.
    Calling,
    /// Making calls at a lower pace, because the service says that it is called too often.
    Slowed {
        /// The pace, in calls per second.
        to: u64,
    },
    /// Holding every row, because the service gives no real answers.
    Out {
        /// How long the service has been out.
        lasted: Duration,
        /// The time after which the run ends if the service does not come back.
        gives_up_in: Duration,
    },
    /// Waiting for the last answers and making retries. Every row has been called.
    Finishing,
    /// Making no new calls, because the run was stopped.
    Stopping,
}

/// The progress of a preflight.
#[derive(Debug)]
pub struct PreflightProgress<'a> {
    /// The number of groups that the service has answered for.
    pub groups: u64,
    /// The bytes of the input that are done: the service has answered for their groups.
    pub done: u64,
    /// The size of the input in bytes, if it is known.
    pub size: Option<u64>,
    /// Calls written in the last second.
    pub calls_per_s: usize,
    /// How long the preflight has been running.
    pub elapsed: Duration,
    /// The part of that time for which the service was out.
    pub held: Duration,
    /// The current outage, if the service is out.
    pub out: Option<OutageProgress<'a>>,
}

/// An outage of the service during a preflight.
#[derive(Debug)]
pub struct OutageProgress<'a> {
    /// How long the service has been out.
    pub lasted: Duration,
    /// The time after which the preflight ends if the service does not come back.
    pub gives_up_in: Duration,
    /// The code of the last fault.
    pub code: i64,
    /// What went wrong.
    pub info: &'a str,
}

impl PreflightProgress<'_> {
    /// Returns the percentage of the input that is done, if its size is known.
    pub fn percent(&self) -> Option<u64> {
        let percent = u128::from(self.done) * 100 / u128::from(self.size?.max(1));
        u64::try_from(percent.min(100)).ok()
    }

    /// Returns the time that the rest of the input will take at the rate so far. `None` if there is
    /// no rate yet.
    pub fn time_left(&self) -> Option<Duration> {
        let rest = self.size?.saturating_sub(self.done);
        let active = self.elapsed.saturating_sub(self.held).as_secs_f64();
        (self.done > 0)
            .then(|| Duration::try_from_secs_f64(active * rest as f64 / self.done as f64).ok())
            .flatten()
    }
}

/// Something that the operator should learn about while it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The service gives no real answers: all rows are held, and one call at a time probes it.
    Outage {
        /// The code of the last fault.
        code: i64,
        /// What went wrong.
        info: String,
    },
    /// The service answers again.
    OutageOver {
        /// How long it did not.
        lasted: Duration,
        /// The number of calls that probed it in the meantime.
        probes: u64,
    },
    /// The service says that it is called too often: the pace is lower for all rows.
    PaceLowered {
        /// Calls per second from now on. It is lowered further if the service says so again.
        to: u64,
    },
    /// The pace is back at the requested one.
    PaceRecovered {
        /// How long it was lower.
        lasted: Duration,
    },
    /// The `UserSig` had expired, and a new one was signed.
    Renewed,
    /// A new `UserSig` was signed, long before the old one expires.
    RenewedInTime,
    /// The `UserSig` expires before the run ends, and no new one can be signed.
    UserSigEnds {
        /// The time until it expires.
        left: Duration,
        /// How long the rest of the run takes.
        needed: Duration,
    },
    /// The operator asked to stop; calls in flight are still recorded.
    Stopping {
        /// The number of calls in flight.
        in_flight: usize,
    },
}

/// Watches a run.
pub trait Monitor {
    /// Called several times a second.
    fn progress(&mut self, progress: &Progress<'_>);
    /// Called several times a second during a preflight. A monitor for runs only need not implement
    /// it.
    fn preflight(&mut self, _: &PreflightProgress<'_>) {}
    /// Called when something happens.
    fn notice(&mut self, notice: &Notice);
    /// Called once, at the end.
    fn finish(&mut self);
}

/// A monitor that shows nothing.
#[derive(Debug, Default)]
pub struct Silent;

impl Monitor for Silent {
    fn progress(&mut self, _: &Progress<'_>) {}
    fn notice(&mut self, _: &Notice) {}
    fn finish(&mut self) {}
}
