//! `recall run --dry-run`: reads everything, shows the first calls as they would go out, makes none.

use std::num::NonZeroU32;

use super::stdout::{print, print_json};
use crate::api::client::Client;
use crate::error::Result;
use crate::exit;
use crate::monitor::Screen;
use crate::monitor::words::{how_long, thousands};
use crate::rows::Rows;
use crate::run::Plan;
use crate::survey::{Found, Survey};

/// So many calls are shown.
const SHOWN: u64 = 5;

/// Reads the rows that a run would take, and tells how many calls it would make. The survey knows
/// what a resumed ledger has settled.
///
/// # Errors
/// When the rows can't be read, or stdout not be written.
pub(super) fn run(
    rows: Rows,
    mut survey: Survey,
    client: &Client,
    plan: &Plan,
    json: bool,
    screen: &Screen,
) -> Result<u8> {
    survey.take_input(rows, plan.limit, |row, call| {
        if call <= SHOWN && !json {
            print(&format!("{}\n\n", client.preview(row)))?;
        }
        Ok(())
    })?;
    let found = survey.found();
    if json {
        print_json(&found)?;
    }
    screen.line(&text(&found, plan));
    Ok(if found.invalid > 0 {
        exit::ROWS_FAILED
    } else {
        exit::OK
    })
}

fn text(found: &Found, plan: &Plan) -> String {
    let rate = plan.rate.map(NonZeroU32::get);
    format!(
        "Nothing was called. {} rows: {} duplicates, {} invalid, {} settled before; {} calls to make, {}",
        thousands(found.rows),
        thousands(found.duplicates),
        thousands(found.invalid),
        thousands(found.resumed),
        thousands(found.calls()),
        how_long(found.calls(), rate),
    )
}
