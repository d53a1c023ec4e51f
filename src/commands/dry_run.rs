//! `recall run --dry-run`: reads all rows and shows the first calls without making them.

use serde::Serialize;

use super::stdout::{print, print_json};
use crate::api::client::Client;
use crate::display::{count, thousands};
use crate::error::Result;
use crate::exit;
use crate::monitor::Screen;
use crate::monitor::status::how_long;
use crate::preflight;
use crate::rows::Rows;
use crate::run::{GroupFate, Plan};
use crate::survey::{Census, Survey};

/// Number of calls shown.
const SHOWN: u64 = 5;

/// Reads the rows that a run would take, and reports how many calls it would make. The survey knows
/// the rows that a resumed ledger has settled.
///
/// # Errors
/// If the rows can't be read or stdout can't be written.
pub(super) fn run(
    rows: Rows,
    mut survey: Survey,
    groups: Option<&preflight::GroupsReport>,
    client: &Client,
    plan: &Plan,
    json: bool,
    screen: &Screen,
) -> Result<u8> {
    let (mut calls, mut skipped) = (0, 0);
    survey.take_input(rows, plan.limit, |row, _| {
        let known = plan.groups.as_ref().map(|groups| groups.of(row.group()));
        if matches!(known, Some(GroupFate::Skip(_))) {
            skipped += 1;
            return Ok(());
        }
        calls += 1;
        if calls <= SHOWN && !json {
            print(&format!("{}\n\n", client.preview(&row.to_row())))?;
        }
        Ok(())
    })?;
    let census = survey.census();
    if json {
        print_json(&DryRun {
            census: &census,
            groups_online: groups,
        })?;
    }
    screen.line(&text(&census, skipped, plan));
    Ok(if census.invalid > 0 {
        exit::ROWS_FAILED
    } else {
        exit::OK
    })
}

/// What `--json` prints.
#[derive(Serialize)]
struct DryRun<'a> {
    #[serde(flatten)]
    census: &'a Census,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups_online: Option<&'a preflight::GroupsReport>,
}

fn text(census: &Census, skipped: u64, plan: &Plan) -> String {
    let rate = plan.cap();
    let calls = census.calls() - skipped;
    let skipped = match skipped {
        0 => String::new(),
        rows => format!(", {} to skip", thousands(rows)),
    };
    format!(
        "Nothing was recalled. {}: {}, {} invalid, {} settled before{skipped}; {} to make, {}",
        count(census.rows, "row"),
        count(census.duplicates, "duplicate"),
        thousands(census.invalid),
        thousands(census.resumed),
        count(calls, "call"),
        how_long(calls, rate),
    )
}
