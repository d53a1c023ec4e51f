//! What is decided about a run before it begins.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use super::groups::KnownGroups;
use super::guard::MaxFailures;
use super::window::LastSecond;
use crate::api::CAP;

/// The limits of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The maximum number of calls in any sliding second; `None` for no limit, which is only
    /// allowed with a loopback service.
    pub rate: Option<NonZeroU32>,
    /// The calls made before this run, which count towards the rate in its first second.
    pub before: LastSecond,
    /// The maximum number of calls in flight, including those whose entries are not in the file
    /// yet: if the process is killed, at most this many rows that were done are called again.
    pub concurrency: NonZeroUsize,
    /// The maximum number of attempts per row; calls in an outage don't count.
    pub max_attempts: NonZeroU32,
    /// How long the service may be out before the run ends; zero disables holding off.
    pub max_outage: Duration,
    /// How many rows may fail.
    pub max_failures: MaxFailures,
    /// The maximum number of rows to take, not counting settled rows and duplicates.
    pub limit: Option<NonZeroU64>,
    /// What the preflight found about the groups, if there was one. Rows of groups in which a call
    /// would do nothing are recorded as skipped. The run ends before the first row of a group that
    /// was not looked up.
    pub groups: Option<KnownGroups>,
    /// The number of rows that the operator has agreed to call: the run ends before the next one.
    pub agreed: Option<u64>,
}

impl Plan {
    /// Returns the maximum number of calls in any sliding second; `None` for no limit.
    pub fn cap(&self) -> Option<u32> {
        self.rate.map(NonZeroU32::get)
    }
}

impl Default for Plan {
    /// Returns the default limits.
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
    /// The service's `ErrorCode` for the group; 0 if the group exists.
    pub code: i64,
    /// The reason, for the ledger.
    pub reason: &'static str,
}

/// Returns the minimum time for this many calls at this many a second.
pub fn least_time(calls: u64, rate: u32) -> Duration {
    Duration::from_secs_f64(calls as f64 / f64::from(rate))
}
