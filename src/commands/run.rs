//! `recall run`: the rows of its inputs.

use std::path::Path;

use super::ask::{self, Facts, Somebody};
use super::job::{self, Job};
use super::{again, dry_run, files, groups, input, lock, not_started};
use crate::api::client::Client;
use crate::app_lock::Calls;
use crate::cli::RunArgs;
use crate::config::{self, Service, Settings, process_env};
use crate::display::thousands;
use crate::error::{Error, Kind, Result};
use crate::harmless::harmless;
use crate::ledger::{self, Header, Start, begun, own_input};
use crate::monitor::{Patience, Screen};
use crate::preflight;
use crate::rows::Rows;
use crate::run::{Feed, KnownGroups, Plan};
use crate::survey::{Census, Survey};

/// Runs the rows of its inputs.
///
/// # Errors
/// When the flags make no sense, an input can't be read, or the ledger not be written.
pub fn run(args: &RunArgs, screen: &Screen) -> Result<u8> {
    let ledger = files::ledger(args)?;
    let somebody = who_is_asked(args)?;
    input::tell_of_keyboard(&args.rows, screen);
    let mut rows = input::open(&args.rows)?;
    let settings = Settings::of_run(&args.service, &args.pace, &process_env()?)?;
    let mut plan = config::plan(&settings, args.limit, rows.is_failed_rows())?;
    let service = Service::new(&args.service, &settings, &plan, None)?;
    let failed_rows = args.output.failed.as_ref();
    let (failed_rows, failed_format) =
        files::failed_rows(failed_rows, &ledger, &args.rows.inputs, rows.format())?;
    let start = match (args.resume, service.mock.is_some()) {
        (true, _) => Start::Resume,
        (false, true) => Start::Afresh,
        (false, false) => Start::New,
    };
    let if_held = lock::if_held(&args.pace);
    let take_lock = || lock::take_lock(Calls::Recall, &service, Some(&ledger), if_held, screen);
    // Before anybody waits for a preflight or agrees to calls.
    let check_ledger = || ledger::check(&ledger, start, service.credentials.app, &service.name);
    if args.dry_run && args.resume {
        check_ledger()?;
    }
    if args.resume && !ledger.exists() {
        // Allowed, for a script that always says it; a slip in the name costs the run before.
        let ledger = harmless(&ledger);
        screen.line(&format!(
            "There is no ledger {ledger} yet: it begins with this run."
        ));
    }
    let (mut lock, mut preflighted) = (None, None);
    if args.preflight {
        if !args.dry_run {
            // Before the ledger is read: the run before this one may be writing it.
            lock = take_lock()?;
            check_ledger()?;
        }
        let looked = look_at_groups(args, &ledger, &rows, &service, &plan, screen);
        if let (Err(error), false) = (&looked, args.dry_run) {
            not_started::print(&args.output, &ledger, error.kind())?;
        }
        let (census, groups, known) = looked?;
        plan.groups = Some(known);
        preflighted = Some((census, groups));
    }
    if args.dry_run {
        let _patience = reading(args, screen);
        let survey = survey(args, &ledger)?;
        let groups = preflighted.as_ref().map(|(_, groups)| groups);
        let client = Client::new(&service.transport, service.credentials)?;
        let json = args.output.json;
        return dry_run::run(rows, survey, groups, &client, &plan, json, screen);
    }
    if let Some(somebody) = somebody {
        // Whoever agrees to so many calls should get them.
        check_ledger()?;
        let (what, calls) = what_is_asked(args, preflighted, &rows, &plan, &ledger, screen)?;
        // There is nothing to agree to where nothing would be called.
        if calls != Some(0) && !somebody.agrees(&service, &plan, what, calls)? {
            return not_started::declined(&args.output, &ledger, screen);
        }
        plan.agreed = calls;
    }
    if lock.is_none() {
        lock = take_lock()?;
    }
    // Behind the lock: until then another run may have begun it.
    let resumed = if args.resume { begun(&ledger)? } else { None };
    let unnamed = match &resumed {
        Some(header) => Header::own_input(header),
        None => own_input(&input::name(&args.rows)),
    };
    rows.name_inputs_except(unnamed);
    let replay = again::replay(&ledger);
    let job = Job {
        lock,
        service,
        plan,
        input: input::name(&args.rows),
        failed_format,
        feed: Feed::of_input(rows),
        output: &args.output,
        ledger,
        start,
        failed_rows,
        go_on: again::run_again(&args.rows.inputs),
        replay,
    };
    job::finish(job, screen)
}

/// Who is asked before the first call.
fn who_is_asked(args: &RunArgs) -> Result<Option<Somebody>> {
    if args.dry_run {
        return Ok(None);
    }
    let somebody = ask::somebody(args.service.mock, &args.output)?;
    let mut inputs = args.rows.inputs.iter();
    if somebody.as_ref().is_some_and(Somebody::types_into_stdin)
        && inputs.any(|input| input == Path::new("-"))
    {
        return Err(Error::usage(
            "rows that are typed here can't be told from the answer to a question",
        )
        .hint("put them into a file, or add --yes"));
    }
    Ok(somebody)
}

/// What is in the input, and what the service tells of its groups.
fn look_at_groups(
    args: &RunArgs,
    ledger: &Path,
    rows: &Rows,
    service: &Service,
    plan: &Plan,
    screen: &Screen,
) -> Result<(Census, preflight::GroupsReport, KnownGroups)> {
    if rows.size().is_none() {
        return Err(Error::usage(
            "--preflight reads the rows before the run does, and a pipe can be read only once",
        )
        .hint("put them into a file first"));
    }
    let mut survey = survey(args, ledger)?;
    let rows = input::open(&args.rows)?;
    let (groups, known) = groups::preflight(
        rows,
        &mut survey,
        service,
        plan,
        args.output.progress,
        screen,
    )
    .map_err(nothing_recalled)?;
    screen.line(&groups.text());
    Ok((survey.census(), groups, known))
}

/// An error of a run that reads its input to the end before it calls anything.
fn nothing_recalled(error: Error) -> Error {
    match error.kind() {
        Kind::Input => error.or_hint("nothing was recalled: fix it first; with --yes and without --preflight, a run calls the rows before the error"),
        _ => error,
    }
}

/// A survey that knows what has been settled, where a run is resumed.
fn survey(args: &RunArgs, ledger: &Path) -> Result<Survey> {
    let mut survey = Survey::new();
    if args.resume && begun(ledger)?.is_some() {
        survey.take_ledger(ledger)?;
    }
    Ok(survey)
}

/// Says that the rows are being read, should it take long.
fn reading(args: &RunArgs, screen: &Screen) -> Patience {
    screen.patience(format!("Reading {}…", input::name(&args.rows)))
}

/// What is said before the question, and how many calls there would be, where that can be counted.
fn what_is_asked(
    args: &RunArgs,
    preflighted: Option<(Census, preflight::GroupsReport)>,
    rows: &Rows,
    plan: &Plan,
    ledger: &Path,
    screen: &Screen,
) -> Result<(Facts, Option<u64>)> {
    if let Some((census, groups)) = preflighted {
        return Ok(what_would_go(args, &census, groups.rows_to_skip()));
    }
    if rows.size().is_none() {
        // What is counted of a pipe would be missing in the run.
        let input = input::name(&args.rows) + ", through a pipe";
        return Ok((vec![("input", input)], None));
    }
    let _patience = reading(args, screen);
    let mut survey = survey(args, ledger)?;
    // Another reader of the input.
    survey
        .take_input(input::open(&args.rows)?, plan.limit, |_, _| Ok(()))
        .map_err(nothing_recalled)?;
    Ok(what_would_go(args, &survey.census(), 0))
}

/// What a run would do, for the question before it, and how many calls it would make.
fn what_would_go(args: &RunArgs, census: &Census, to_skip: u64) -> (Facts, Option<u64>) {
    let input = input::name(&args.rows);
    let mut what = vec![("input", input), ("rows", thousands(census.rows))];
    let others = [
        ("duplicates", census.duplicates, "not called again"),
        ("settled", census.resumed, "before, not called again"),
        ("invalid", census.invalid, "can't be sent as they stand"),
        (
            "suspicious",
            census.suspicious,
            "sent as they stand; recall check shows them",
        ),
        ("skipped", to_skip, "a call would do nothing"),
    ];
    for (name, rows, why) in others.into_iter().filter(|(_, rows, _)| *rows > 0) {
        what.push((name, format!("{}, {why}", thousands(rows))));
    }
    what.push(("groups", census.groups.to_string()));
    what.push(("senders", census.senders.to_string()));
    (what, Some(census.calls() - to_skip))
}
