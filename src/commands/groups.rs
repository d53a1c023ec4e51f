//! Looks up the groups of an input, for `run --preflight` and `check --online`.

use super::one_thread::on_one_thread;
use super::progress::monitor;
use super::{interrupts, lock};
use crate::api::client::Client;
use crate::app_lock::{AppLock, Calls, IfHeld};
use crate::cli::ProgressArg;
use crate::config::Service;
use crate::error::Result;
use crate::monitor::Screen;
use crate::preflight::{self, GroupsReport};
use crate::rows::Rows;
use crate::run::{Feed, KnownGroups, Plan};
use crate::survey::Survey;

/// Surveys the rows and looks up their groups.
pub(super) fn preflight(
    rows: Rows,
    survey: &mut Survey,
    service: &Service,
    plan: &Plan,
    progress: ProgressArg,
    screen: &Screen,
) -> Result<(GroupsReport, KnownGroups)> {
    // A preflight ends within a minute or two, or waits for the same service, so a second one waits
    // for the first.
    let mut lock = lock::take_lock(Calls::GroupInfo, service, None, IfHeld::Wait, screen)?;
    let plan = Plan {
        before: lock.as_ref().map(AppLock::calls_before).unwrap_or_default(),
        ..plan.clone()
    };
    let client = Client::new(&service.transport, service.credentials.clone())?;
    let cap = plan.cap();
    let mut monitor = monitor(progress, screen, cap);
    if let Some(lock) = &mut lock {
        lock.mark_calling();
    }
    let finished = on_one_thread(async {
        let (interrupts, _listening) = interrupts::interrupts()?;
        let feed = Feed::of_input(rows);
        preflight::run(&plan, feed, survey, client, monitor.as_mut(), interrupts).await
    })?;
    if let Some(lock) = lock {
        lock.release(finished.last_second);
    }
    Ok((finished.report, finished.groups))
}
