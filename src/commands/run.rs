//! `recall run`: the rows of its inputs.

use std::path::Path;

use super::ask::{self, Facts, Somebody};
use super::job::{self, Job};
use super::{again, dry_run, files, groups, input, unbegun};
use crate::api::client::Client;
use crate::cli::RunArgs;
use crate::config::{self, Service, Settings, process_env};
use crate::error::{Error, Kind, Result};
use crate::harmless::harmless;
use crate::ledger::{self, Header, Start, begun, own_input};
use crate::monitor::{Patience, Screen};
use crate::preflight;
use crate::rows::Rows;
use crate::run::{Feed, LookedUp, Plan};
use crate::survey::{Found, Survey};
use crate::words::thousands;

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
    let take_turn = || job::take_turn(&service, &ledger, &args.pace, screen);
    // Before anybody waits for a look or agrees to calls.
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
    let (mut turn, mut look) = (None, None);
    if args.preflight {
        if !args.dry_run {
            // Before the ledger is read: the run before this one may be writing it.
            turn = take_turn()?;
            check_ledger()?;
        }
        let looked = look_at_groups(args, &ledger, &rows, &service, &plan, screen);
        if let (Err(error), false) = (&looked, args.dry_run) {
            unbegun::print(&args.output, &ledger, error.kind())?;
        }
        let (survey, found, groups) = looked?;
        plan.groups = Some(groups);
        look = Some((survey, found));
    }
    if args.dry_run {
        let _patience = reading(args, screen);
        let survey = survey(args, &ledger)?;
        let groups = look.as_ref().map(|(_, groups)| groups);
        let client = Client::new(&service.transport, service.credentials)?;
        let json = args.output.json;
        return dry_run::run(rows, survey, groups, &client, &plan, json, screen);
    }
    if let Some(somebody) = somebody {
        // Whoever agrees to so many calls should get them.
        check_ledger()?;
        let (what, calls) = what_is_asked(args, look, &rows, &plan, &ledger, screen)?;
        // There is nothing to agree to where nothing would be called.
        if calls != Some(0) && !somebody.agrees(&service, &plan, what, calls)? {
            return unbegun::declined(&args.output, &ledger, screen);
        }
        plan.agreed = calls;
    }
    if turn.is_none() {
        turn = take_turn()?;
    }
    // Behind the turn: until then another run may have begun it.
    let resumed = if args.resume { begun(&ledger)? } else { None };
    let unnamed = match &resumed {
        Some(header) => Header::own_input(header),
        None => own_input(&input::name(&args.rows)),
    };
    rows.name_all_but(unnamed);
    let replay = again::replay(&ledger);
    let job = Job {
        turn,
        service,
        plan,
        input: input::name(&args.rows),
        failed_format,
        feed: Feed::of_input(rows),
        output: &args.output,
        ledger,
        start,
        skip_settled: true,
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
) -> Result<(Found, preflight::Found, LookedUp)> {
    if rows.size().is_none() {
        return Err(Error::usage(
            "--preflight reads the rows before the run does, and a pipe can be read only once",
        )
        .hint("put them into a file first"));
    }
    let mut survey = survey(args, ledger)?;
    let rows = input::open(&args.rows)?;
    let (found, groups) = groups::look(
        rows,
        &mut survey,
        service,
        plan,
        args.output.progress,
        screen,
    )
    .map_err(of_unbegun)?;
    screen.line(&found.text());
    Ok((survey.found(), found, groups))
}

/// An error of a run that reads its input to the end before it calls anything.
fn of_unbegun(error: Error) -> Error {
    match error.kind() {
        Kind::Input => error.or_hint("nothing was recalled: mend it first; without a look and a question before it, as with --yes, a run calls the rows that stand before the error"),
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
    look: Option<(Found, preflight::Found)>,
    rows: &Rows,
    plan: &Plan,
    ledger: &Path,
    screen: &Screen,
) -> Result<(Facts, Option<u64>)> {
    if let Some((found, groups)) = look {
        return Ok(what_would_go(args, &found, groups.rows_to_skip()));
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
        .map_err(of_unbegun)?;
    Ok(what_would_go(args, &survey.found(), 0))
}

/// What a run would do, for the question before it, and how many calls it would make.
fn what_would_go(args: &RunArgs, found: &Found, to_skip: u64) -> (Facts, Option<u64>) {
    let input = input::name(&args.rows);
    let mut what = vec![("input", input), ("rows", thousands(found.rows))];
    let others = [
        ("duplicates", found.duplicates, "not called again"),
        ("settled", found.resumed, "before, not called again"),
        ("invalid", found.invalid, "can't be sent as they stand"),
        (
            "suspicious",
            found.suspicious,
            "sent as they stand; recall check shows them",
        ),
        ("skipped", to_skip, "a call would do nothing"),
    ];
    for (name, rows, why) in others.into_iter().filter(|(_, rows, _)| *rows > 0) {
        what.push((name, format!("{}, {why}", thousands(rows))));
    }
    what.push(("groups", found.groups.to_string()));
    what.push(("senders", found.senders.to_string()));
    (what, Some(found.calls() - to_skip))
}
