//! Looks up the groups of an input before a run: which exist, and in which a call would do nothing.
//!
//! It makes one pass over the rows, and looks up their groups at the same time. It only reads from
//! the service and changes nothing, so it can be stopped and started again at any time.
//!
//! ```text
//! feed ──► survey ──► groups ──► lookups ──► api ──► found
//!          a row      a new      which call         counts, and the
//!          to call?   group?     next, and may      groups to skip
//!                                it start now?
//! ```
//!
//! Only the driver has a clock. It takes the memory of the [`Survey`], up to 39 bytes per group
//! besides, and the IDs of the groups to skip.

mod driver;
mod groups_report;
mod lookups;
mod outage_watch;

use tokio::sync::mpsc::UnboundedReceiver;

use driver::Driver;
pub use groups_report::{GroupsReport, ToSkip};

use crate::api::client::Client;
use crate::error::Result;
use crate::monitor::Monitor;
use crate::run::{Feed, KnownGroups, LastSecond, Plan};
use crate::survey::Survey;

/// The result of a preflight.
#[derive(Debug)]
pub struct Finished {
    /// The findings, for display.
    pub report: GroupsReport,
    /// The findings, for a run.
    pub groups: KnownGroups,
    /// The calls of the last second, which count toward the cap of what follows.
    pub last_second: LastSecond,
}

/// Looks up the groups of all rows that a run would call. The survey knows the rows that an earlier
/// run has settled, and counts the others on the way. The plan limits pace, calls in flight,
/// attempts, outages and rows.
///
/// # Errors
///
/// If the rows can't be read; if the service refuses a call, is out for longer than the plan
/// allows, or does not answer a call in the attempts allowed; if the operator interrupts it.
pub async fn run(
    plan: &Plan,
    feed: Feed,
    survey: &mut Survey,
    client: Client,
    monitor: &mut dyn Monitor,
    interrupts: UnboundedReceiver<()>,
) -> Result<Finished> {
    let driver = Driver::new(plan, feed, survey, client);
    let looked = driver.run(monitor, interrupts).await;
    monitor.finish();
    looked
}
