//! Room for the sockets of the calls in flight: a process may open a limited number of files.

use std::num::NonZeroUsize;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::{Error, Result};
use crate::monitor::Screen;

/// Files open besides the sockets of calls: standard streams, input, ledger, locks, event loops,
/// lookups of names, and connections on their way into the pool.
const OTHER_FILES: u64 = 32;

/// Returns how many calls can be in flight: `concurrency`, or fewer if this process may not open
/// enough files, which is then printed. Raises the limit of open files first if that helps.
///
/// Without this, calls fail for want of a socket, and look as if the service were out.
///
/// # Errors
/// If there is no room for a single call.
pub(super) fn calls_that_fit(
    concurrency: NonZeroUsize,
    mock_inside: bool,
    screen: &Screen,
) -> Result<NonZeroUsize> {
    // The mock inside has the other end of every connection open.
    let files_per_call = if mock_inside { 2 } else { 1 };
    let needed = |calls: NonZeroUsize| {
        let calls = u64::try_from(calls.get()).unwrap_or(u64::MAX);
        calls
            .saturating_mul(files_per_call)
            .saturating_add(OTHER_FILES)
    };
    let wanted = needed(concurrency);
    let Some(limit) = raise_limit(wanted).filter(|limit| *limit < wanted) else {
        return Ok(concurrency);
    };
    let fit = limit.saturating_sub(OTHER_FILES) / files_per_call;
    let Some(fit) = usize::try_from(fit).ok().and_then(NonZeroUsize::new) else {
        return Err(Error::service(format!(
            "this process may open only {limit} files, too few to make a call"
        ))
        .hint(format!(
            "raise the limit: ulimit -n {} for one call in flight, ulimit -n {wanted} for {concurrency}",
            needed(NonZeroUsize::MIN)
        )));
    };
    screen.line(&format!(
        "Only {fit} calls in flight instead of {concurrency}: this process may open {limit} files. \
         Raise the limit with ulimit -n {wanted}."
    ));
    Ok(fit)
}

/// Raises the limit of open files if it is below `wanted`, as far as this process may. Returns the
/// limit, `None` if there is none.
fn raise_limit(wanted: u64) -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current?;
    if current >= wanted {
        return Some(current);
    }
    // Not to the hard limit itself: it may be unlimited, which macOS refuses for open files.
    let raised = limit.maximum.map_or(wanted, |hard| hard.min(wanted));
    let limit = Rlimit {
        current: Some(raised),
        ..limit
    };
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) => Some(raised),
        Err(error) => {
            tracing::debug!(%error, "cannot raise the limit of open files to {raised}");
            Some(current)
        }
    }
}
