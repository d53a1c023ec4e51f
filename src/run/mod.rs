//! 2. The run.
//!
//! The driver is the one loop with a clock and with tasks. It tells the schedule what happened and
//! carries out what that decides, which is a plain value:
//!
//! ```text
//! feed ──► driver ──► schedule   which row next, and what became of it
//!                       ├─ intake, seen     is this row settled already, or a duplicate?
//!                       ├─ groups           has a look found that a call would do nothing?
//!                       ├─ queue            rows just read, and those that wait
//!                       ├─ unrecorded       entries on their way to the disk
//!                       ├─ pace, window     may a call start now?
//!                       ├─ path             does what was written arrive?
//!                       ├─ news             what is told of a lowered pace
//!                       ├─ retry            how long a row waits
//!                       ├─ outage           is it the service that fails?
//!                       ├─ signature        which UserSig did the call carry?
//!                       └─ guard            is this run a mistake?
//!            ├───────► in_flight  the calls, and what is heard of them
//!            └───────► forecast   how long will the rest take?
//! ```
//!
//! Concurrent are the calls in flight, the reader's thread ([`Feed`]), the ledger's, and before a
//! resumed run the one that reads what is settled; nothing else is. The tests of the whole are
//! `simulation` (random worlds, and runs of any size) and `scenarios`, in virtual time.

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

/// Where a run's ledger is, and how to begin it.
#[derive(Debug)]
pub struct LedgerFile {
    /// The file.
    pub path: std::path::PathBuf,
    /// Whose ledger it is.
    pub header: Header,
    /// Whether there may be one already.
    pub start: Start,
}

/// How a run ended.
#[derive(Debug, Default)]
pub enum End {
    /// Every row of the input is settled.
    #[default]
    Done,
    /// It was stopped before.
    Stopped(Stop),
    /// The input could not be read to its end; the rows before that are settled.
    Input(Error),
    /// The ledger could not be written to its end; what was answered last may be missing in it.
    Ledger(Error),
}

/// What a run has done.
#[derive(Debug, Default)]
pub struct Finished {
    /// The counts.
    pub tally: Tally,
    /// How it ended.
    pub end: End,
    /// From the first row to the last word.
    pub elapsed: Duration,
    /// Most calls written in any sliding second.
    pub worst_second: usize,
    /// What a run after this one must reckon with.
    pub last_second: LastSecond,
    /// How long each limit kept calls from starting.
    pub waited: BTreeMap<Limit, Duration>,
    /// Whether the input was read to its end.
    pub read_all: bool,
}

impl Finished {
    /// What kept calls from starting for longest.
    pub fn limited_by(&self) -> Option<Limit> {
        let longest = self.waited.iter().max_by_key(|(_, waited)| **waited);
        longest.map(|(limit, _)| *limit)
    }
}

/// Sends every row of the feed that the ledger has not settled, and records what became of it.
///
/// `listen` is called once the ledger is open and the first call is near. Each message on what it
/// returns is one wish to stop: the first lets the calls in flight finish, the second does not. What
/// it returns besides is dropped after the last call, when nobody listens any more.
///
/// # Errors
/// When the ledger can't be opened, or `listen` fails. If the ledger can't be written any more,
/// that is in what is returned.
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
