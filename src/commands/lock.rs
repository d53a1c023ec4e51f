//! The per-app lock that runs, replays and preflights take before their first call.

use std::path::Path;
use std::process;

use crate::app_lock::{AppLock, Calls, IfHeld};
use crate::cli::PaceArgs;
use crate::config::Service;
use crate::error::Result;
use crate::harmless::harmless;
use crate::monitor::Screen;

/// Takes the lock for these calls. Returns `None` for the built-in mock, which no other process
/// calls. A run that waits for this one shows `ledger`, if given.
pub(super) fn take_lock(
    calls: Calls,
    service: &Service,
    ledger: Option<&Path>,
    if_held: IfHeld,
    screen: &Screen,
) -> Result<Option<AppLock>> {
    if service.mock.is_some() {
        return Ok(None);
    }
    let (app, process) = (service.credentials.app, process::id());
    let who = match ledger {
        Some(ledger) => format!("process {process}, ledger {}", harmless(ledger)),
        None => format!("process {process}"),
    };
    let another = match calls {
        Calls::Recall => "another run for",
        Calls::GroupInfo => "another preflight of",
    };
    AppLock::take(calls, app, &service.endpoint, &who, if_held, |first| {
        screen.line(&format!("Waiting for {another} app {app} to end: {first}"));
    })
    .map(Some)
}

/// Returns what to do if another run holds the lock.
pub(super) fn if_held(pace: &PaceArgs) -> IfHeld {
    if pace.wait {
        IfHeld::Wait
    } else {
        IfHeld::Refuse
    }
}
