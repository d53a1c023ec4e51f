//! A look at the groups of an input: what `run --preflight` and `check --online` share.

use std::num::NonZeroU32;

use super::{interrupts, job};
use crate::api::client::Client;
use crate::cli::ProgressArg;
use crate::config::Service;
use crate::error::Result;
use crate::monitor::Screen;
use crate::preflight::{self, Found};
use crate::rows::Rows;
use crate::run::{Feed, LookedUp, Plan};
use crate::survey::Survey;
use crate::turn::{Calls, Turn, WhenTaken};

/// Surveys the rows, asks for their groups, and tells what was found.
pub(super) fn look(
    rows: Rows,
    survey: &mut Survey,
    service: &Service,
    plan: &Plan,
    progress: ProgressArg,
    screen: &Screen,
) -> Result<(Found, LookedUp)> {
    let mut turn = take_turn(service, screen)?;
    let plan = Plan {
        before: turn.as_ref().map(Turn::before).unwrap_or_default(),
        ..plan.clone()
    };
    let client = Client::new(&service.transport, service.credentials.clone())?;
    let cap = plan.rate.map(NonZeroU32::get);
    let mut monitor = job::monitor(progress, screen, cap);
    if let Some(turn) = &mut turn {
        turn.calls_begin();
    }
    let looked = job::on_one_thread(async {
        let (interrupts, _listening) = interrupts::interrupts()?;
        let feed = Feed::of_input(rows);
        preflight::look(&plan, feed, survey, client, monitor.as_mut(), interrupts).await
    })?;
    if let Some(turn) = turn {
        turn.end(looked.last_second);
    }
    Ok((looked.found, looked.groups))
}

/// Takes the turn to look. Looks have a cap of their own, so it is another than that of runs; and
/// they are over in a minute or two, or wait for the same service, so whoever finds it taken waits.
fn take_turn(service: &Service, screen: &Screen) -> Result<Option<Turn>> {
    if service.mock.is_some() {
        return Ok(None);
    }
    let app = service.credentials.app;
    let who = format!("process {}", std::process::id());
    let (calls, when_taken) = (Calls::Looks, WhenTaken::Wait);
    Turn::take(calls, app, &service.endpoint, &who, when_taken, |first| {
        screen.line(&format!(
            "Waiting for another look at groups of app {app} to end: {first}"
        ));
    })
    .map(Some)
}
