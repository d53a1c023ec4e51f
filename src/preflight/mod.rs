//! A look at the groups of an input before a run: which are there, and in which a call would do
//! nothing.
//!
//! One pass over the rows, with the calls for their groups going on meanwhile. It reads what the
//! service knows and changes nothing, so it can be ended and begun again at any time.
//!
//! ```text
//! feed ──► survey ──► groups ──► lookups ──► api ──► found
//!          a row      is it a    which call         counts, and the
//!          to call?   new one?   next, and may      groups to skip
//!                                it start now?
//! ```
//!
//! The driver is the one part with a clock. Memory is the [`Survey`]'s, up to 39 bytes a group
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

/// What a look came to.
#[derive(Debug)]
pub struct Finished {
    /// What it has found, for people.
    pub report: GroupsReport,
    /// The same, for a run.
    pub groups: KnownGroups,
    /// What the next look must reckon with.
    pub last_second: LastSecond,
}

/// Asks for the groups of all rows that a run would take. The survey knows what an earlier run has
/// settled, and counts the rows meanwhile; the plan bounds pace, calls in flight, attempts, outages
/// and rows.
///
/// # Errors
/// When the rows can't be read; when the service refuses a call, is out for longer than the plan
/// allows, or gives one call no answer in as many attempts as are allowed; when it is interrupted.
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
