//! Whoever watches a run. Only this module and `commands` write to the terminal; the rest of the
//! library tells a monitor, or logs.

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

/// Where a run stands.
#[derive(Debug)]
pub struct Progress<'a> {
    /// The counts so far.
    pub tally: &'a Tally,
    /// Rows of the whole input; none where nobody can know.
    pub total: Option<Total>,
    /// What the run is at.
    pub state: State,
    /// How long the rest will take; none where that can't be told.
    pub left: Option<Duration>,
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
}

/// How many rows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// Rows of the whole input.
    pub rows: u64,
    /// False where that is an estimate from the size of the input, which is read as it is called.
    pub exact: bool,
}

/// What a run is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Making calls at its pace.
    Calling,
    /// Making calls at a lower pace, for the service says that it is called too often.
    Slowed {
        /// Calls a second.
        to: u64,
    },
    /// Holding every row, for the service gives no real answers.
    Out {
        /// For how long it has been out.
        lasted: Duration,
        /// After how long the run ends, should it not come back.
        gives_up_in: Duration,
    },
    /// Every row has been called; the last answers are awaited, and retries made.
    Finishing,
    /// Making no new calls, for the run was stopped.
    Stopping,
}

/// Where a look at the groups stands.
#[derive(Debug)]
pub struct PreflightProgress<'a> {
    /// Groups that the service has told of.
    pub groups: u64,
    /// Bytes of the input that are done with: the service has told of their groups.
    pub done: u64,
    /// The size of the input in bytes, where it is known.
    pub size: Option<u64>,
    /// Calls written in the last second.
    pub calls_per_s: usize,
    /// How long it has been going.
    pub elapsed: Duration,
    /// For how much of that the service was out.
    pub held: Duration,
    /// That the service is out, where it is.
    pub out: Option<OutageProgress<'a>>,
}

/// A service that is out while the groups are looked at.
#[derive(Debug)]
pub struct OutageProgress<'a> {
    /// For how long it has been out.
    pub lasted: Duration,
    /// After how long the look ends, should it not come back.
    pub gives_up_in: Duration,
    /// The code of the last fault.
    pub code: i64,
    /// What went wrong.
    pub info: &'a str,
}

impl PreflightProgress<'_> {
    /// How much of the input is done with, where its size is known.
    pub fn percent(&self) -> Option<u64> {
        let percent = u128::from(self.done) * 100 / u128::from(self.size?.max(1));
        u64::try_from(percent.min(100)).ok()
    }

    /// The time that the rest of the input will take, at the rate so far; none where there is no
    /// rate yet.
    pub fn time_left(&self) -> Option<Duration> {
        let rest = self.size?.saturating_sub(self.done);
        let looked = self.elapsed.saturating_sub(self.held).as_secs_f64();
        (self.done > 0)
            .then(|| Duration::try_from_secs_f64(looked * rest as f64 / self.done as f64).ok())
            .flatten()
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
    OutageOver {
        /// For how long it did not.
        lasted: Duration,
        /// How many calls asked meanwhile.
        probes: u64,
    },
    /// The service was called too often for its taste: the pace is lower for everybody.
    PaceLowered {
        /// Calls a second from now on; should the service say it again, still fewer.
        to: u64,
    },
    /// The pace is what was asked for again.
    PaceRecovered {
        /// For how long it was lower.
        lasted: Duration,
    },
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
    /// Called several times a second in a look before a run. Who watches runs alone leaves it out.
    fn preflight(&mut self, _: &PreflightProgress<'_>) {}
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
