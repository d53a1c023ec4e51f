//! `recall run`: the rows of its inputs.

use std::path::Path;

use super::job::{self, Job};
use super::{again, dry_run, files, input};
use crate::api::client::Client;
use crate::cli::RunArgs;
use crate::config::{self, Service, Settings, process_env};
use crate::error::Result;
use crate::exit;
use crate::ledger::Start;
use crate::monitor::Screen;
use crate::monitor::words::thousands;
use crate::run::Feed;
use crate::survey::{Found, Survey};

/// Runs the rows of its inputs.
///
/// # Errors
/// When the flags make no sense, an input can't be read, or the ledger not be written.
pub fn run(args: &RunArgs, screen: &Screen) -> Result<u8> {
    let ledger = files::ledger(args)?;
    let rows = input::open(&args.rows)?;
    let settings = Settings::of_run(&args.service, &args.pace, &process_env())?;
    let plan = config::plan(&settings, args.limit, rows.is_failed_rows())?;
    let service = Service::new(&args.service, &settings, &plan, None)?;
    let failed_rows = files::failed_rows(args, &ledger, rows.format())?;
    if args.dry_run {
        let client = Client::new(&service.transport, service.credentials)?;
        let survey = survey(args, &ledger)?;
        return dry_run::run(rows, survey, &client, &plan, args.output.json, screen);
    }
    if job::asks(&service, &args.output) {
        let name = input::name(&args.rows);
        let (what, calls) = if rows.size().is_some() {
            let mut survey = survey(args, &ledger)?;
            // Another reader of the input.
            survey.take_input(input::open(&args.rows)?, plan.limit, |_, _| Ok(()))?;
            (what_would_go(&name, &survey.found()), Some(survey.calls()))
        } else {
            // What is counted of a pipe would be missing in the run.
            (vec![("input", name + ", through a pipe")], None)
        };
        if !job::confirm(&service, &plan, what, calls)? {
            screen.line("Nothing was called.");
            return Ok(exit::OK);
        }
    }
    let rehearsal = service.mock.is_some();
    let replay = again::replay(&ledger);
    let job = Job {
        turn: job::take_turn(&service, &ledger, &args.pace, screen)?,
        service,
        plan,
        input: input::name(&args.rows),
        failed_format: rows.format(),
        feed: Feed::of_input(rows),
        output: &args.output,
        ledger,
        start: match (args.resume, rehearsal) {
            (true, _) => Start::Resume,
            (false, true) => Start::Afresh,
            (false, false) => Start::New,
        },
        skip_settled: true,
        failed_rows,
        go_on: again::this_command(Some("--resume")),
        replay,
    };
    job::finish(job, screen)
}

/// A survey that knows what has been settled, where a run is resumed.
fn survey(args: &RunArgs, ledger: &Path) -> Result<Survey> {
    let mut survey = Survey::new();
    if args.resume && ledger.exists() {
        survey.take_ledger(ledger)?;
    }
    Ok(survey)
}

/// What a run would do, for the question before it.
fn what_would_go(input: &str, found: &Found) -> Vec<(&'static str, String)> {
    let mut what = vec![("input", input.to_owned()), ("rows", thousands(found.rows))];
    let others = [
        ("duplicates", found.duplicates, "not called again"),
        ("settled", found.resumed, "before, not called again"),
        ("invalid", found.invalid, "can't be sent as they stand"),
        (
            "suspicious",
            found.suspicious,
            "sent as they stand; recall check shows them",
        ),
    ];
    for (name, rows, why) in others.into_iter().filter(|(_, rows, _)| *rows > 0) {
        what.push((name, format!("{}, {why}", thousands(rows))));
    }
    what.push(("groups", found.groups.to_string()));
    what.push(("senders", found.senders.to_string()));
    what
}
