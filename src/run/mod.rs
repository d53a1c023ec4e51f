//! 2. The run.
//!
//! The driver is the only loop with a clock and tasks. It reports what happened to the schedule, a
//! plain value, and carries out what the schedule decides:
//!
//! ```text
//! feed ──► driver ──► schedule   which row next, and what became of it
//!                       ├─ intake, seen     is this row settled already, or a duplicate?
//!                       ├─ groups           has the preflight found that a call would do nothing?
//!                       ├─ queue            rows just read, and rows waiting to be retried
//!                       ├─ unrecorded       entries on their way to disk
//!                       ├─ pace, window     may a call start now?
//!                       ├─ path             is the network stalled?
//!                       ├─ news             which changes of pace are reported
//!                       ├─ retry            how long a row waits
//!                       ├─ outage           is the service itself failing?
//!                       ├─ signature        which UserSig did the call carry?
//!                       └─ guard            is this run a mistake?
//!            ├───────► in_flight  the calls, and their events
//!            └───────► forecast   how long will the rest take?
//! ```
//!
//! Only these run concurrently: the calls in flight, the reader's thread ([`Feed`]), the ledger's
//! thread and, before a resumed run, the thread that reads the settled rows. `simulation` (random
//! worlds, and runs of any size) and `scenarios` test the whole in virtual time.

mod driver;
mod entry;
mod feed;
mod forecast;
mod groups;
mod guard;
mod in_flight;
mod intake;
mod news;
mod outage;
mod pace;
mod path;
mod plan;
mod queue;
mod retry;
#[cfg(test)]
mod scenarios;
mod schedule;
mod seen;
mod signature;
#[cfg(test)]
mod simulation;
mod steps;
mod tally;
mod unrecorded;
mod window;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;

pub use feed::{Extent, Feed};
pub use groups::KnownGroups;
pub(crate) use groups::{GroupFate, Groups};
pub use guard::MaxFailures;
pub(crate) use in_flight::{Heard, InFlight, ticks, until};
pub(crate) use outage::{Allowed, Outage, Past, Strikes};
pub(crate) use pace::Pace;
pub use plan::{Plan, Skip, least_time};
pub(crate) use retry::Retry;
pub(crate) use seen::{Met, Seen};
pub(crate) use signature::{Remedy, Signature};
pub use steps::{Limit, Stop};
pub use tally::Tally;
pub use window::LastSecond;
pub(crate) use window::Shut;

use crate::api::client::Client;
use crate::error::{Error, Result};
use crate::ledger::{Header, Ledger, Start, about_entries};
use crate::monitor::Monitor;
use driver::Driver;
use schedule::Schedule;

/// Where a run's ledger is, and how to open it.
#[derive(Debug)]
pub struct LedgerFile {
    /// The file.
    pub path: std::path::PathBuf,
    /// The app and endpoint that the ledger belongs to.
    pub header: Header,
    /// What to do if the file exists already.
    pub start: Start,
}

/// How a run ended.
#[derive(Debug, Default)]
pub enum End {
    /// Every row of the input is settled.
    #[default]
    Done,
    /// The run was stopped before that.
    Stopped(Stop),
    /// The input could not be read to its end; the rows before the error are settled.
    Input(Error),
    /// The ledger could not be written to its end; the last answers may be missing from it.
    Ledger(Error),
}

/// The result of a run.
#[derive(Debug, Default)]
pub struct Finished {
    /// The counts.
    pub tally: Tally,
    /// How it ended.
    pub end: End,
    /// The time from the first row until the ledger is complete.
    pub elapsed: Duration,
    /// The most calls written in any sliding second.
    pub worst_second: usize,
    /// The calls that the next run must count towards its cap.
    pub last_second: LastSecond,
    /// How long each limit kept calls from starting.
    pub waited: BTreeMap<Limit, Duration>,
    /// Whether the input was read to its end.
    pub read_all: bool,
}

impl Finished {
    /// Returns the limit that kept calls from starting for longest.
    pub fn limited_by(&self) -> Option<Limit> {
        let longest = self.waited.iter().max_by_key(|(_, waited)| **waited);
        longest.map(|(limit, _)| *limit)
    }
}

/// Calls the service for every row of the feed that the ledger has not settled, and records the
/// outcome.
///
/// `listen` is called once the ledger is open, just before the first call. Each message on the
/// receiver it returns is a request to stop: the first lets the calls in flight finish, the second
/// does not. The other value it returns is dropped after the last call, when the receiver is no
/// longer read.
///
/// # Errors
/// If the ledger can't be opened, or `listen` fails. If the ledger can no longer be written,
/// [`Finished::end`] says so.
pub async fn run<L>(
    plan: Plan,
    feed: Feed,
    client: Client,
    file: LedgerFile,
    monitor: &mut dyn Monitor,
    listen: impl FnOnce() -> Result<(UnboundedReceiver<()>, L)>,
) -> Result<Finished> {
    let now = Instant::now();
    let mut schedule = Schedule::new(
        plan,
        client.credentials().can_renew(),
        fastrand::u64(..),
        now,
    );
    let about = if file.start == Start::Resume {
        about_entries(&file.path)
    } else {
        0
    };
    let ledger = schedule.seen().settled_earlier(about, |earlier| {
        Ledger::open(&file.path, &file.header, file.start, |settled| {
            if file.start.skips_settled() {
                earlier.settled(settled);
            }
        })
    })?;
    let (interrupts, listening) = listen()?;
    let mut run = Driver::new(schedule, feed, client, ledger, monitor, interrupts);
    run.run().await;
    run.monitor.finish();
    drop(listening);
    Ok(run.finish())
}
