//! What has been decided for a run before it begins.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use super::groups::KnownGroups;
use super::guard::MaxFailures;
use super::window::LastSecond;
use crate::api::CAP;

/// The bounds of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Most calls in any sliding second; none for as fast as it goes, which only a loopback
    /// service may be asked for.
    pub rate: Option<NonZeroU32>,
    /// What was called before this run, which counts towards the rate in its first second.
    pub before: LastSecond,
    /// Most calls in flight, those counted whose entries are not in the file yet: so many rows at
    /// most are called again that were done when the process was killed.
    pub concurrency: NonZeroUsize,
    /// Most attempts a row; calls in an outage don't count.
    pub max_attempts: NonZeroU32,
    /// How long the service may be out before the run ends; zero turns holding off.
    pub max_outage: Duration,
    /// How many rows may fail.
    pub max_failures: MaxFailures,
    /// Take only so many rows that are neither settled nor duplicates.
    pub limit: Option<NonZeroU64>,
    /// What a look at the groups has found, where there was one. Rows of groups in which a call
    /// would do nothing are recorded as skipped, and no row of a group that was not looked up is
    /// called: the run ends before the first of them.
    pub groups: Option<KnownGroups>,
    /// Rows to call that whoever was asked has agreed to: the run ends before the next.
    pub agreed: Option<u64>,
}

impl Plan {
    /// Most calls in any sliding second, as a number; none for as fast as it goes.
    pub fn cap(&self) -> Option<u32> {
        self.rate.map(NonZeroU32::get)
    }
}

impl Default for Plan {
    /// What holds where nobody says anything else.
    fn default() -> Self {
        Self {
            rate: NonZeroU32::new(CAP),
            before: LastSecond::default(),
            concurrency: const { NonZeroUsize::new(200).expect("not 0") },
            max_attempts: const { NonZeroU32::new(8).expect("not 0") },
            max_outage: Duration::from_secs(30 * 60),
            max_failures: MaxFailures::Percent(50.0),
            limit: None,
            groups: None,
            agreed: None,
        }
    }
}

/// Why the rows of a group are not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The service's `ErrorCode` for the group; 0 where it is there.
    pub code: i64,
    /// The reason, for the ledger.
    pub reason: &'static str,
}

/// The least time that so many calls take at so many a second.
pub fn least_time(calls: u64, rate: u32) -> Duration {
    Duration::from_secs_f64(calls as f64 / f64::from(rate))
}
