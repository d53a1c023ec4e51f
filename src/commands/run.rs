//! `recall run`: recalls the rows of its inputs.

use std::path::Path;

use super::ask::{self, Facts, Somebody};
use super::session::{self, Session};
use super::{again, dry_run, files, groups, input, lock, not_started, open_files};
use crate::api::client::Client;
use crate::app_lock::{AppLock, Calls};
use crate::cli::RunArgs;
use crate::config::{self, Service, Settings, process_env};
use crate::display::thousands;
use crate::error::{Error, Kind, Result};
use crate::harmless::harmless;
use crate::ledger::{self, Start, begun, own_input};
use crate::monitor::{Patience, Screen};
use crate::preflight;
use crate::rows::Rows;
use crate::run::{Feed, Plan};
use crate::survey::{Census, Survey};

/// Recalls the rows of the inputs.
///
/// # Errors
/// If a flag is invalid, an input can't be read, or the ledger can't be written.
pub fn run(args: &RunArgs, screen: &Screen) -> Result<u8> {
    let ledger = files::ledger(args)?;
    let somebody = who_is_asked(args)?;
    input::tell_of_keyboard(&args.rows, screen);
    let mut rows = input::open(&args.rows)?;
    let settings = Settings::of_run(&args.service, &args.pace, &process_env()?)?;
    let mut plan = config::plan(&settings, args.limit, rows.is_failed_rows())?;
    if args.preflight || !args.dry_run {
        plan.concurrency = open_files::calls_that_fit(plan.concurrency, args.service.mock, screen)?;
    }
    let service = Service::new(&args.service, &settings, &plan, None)?;
    let failed_rows = args.output.failed.as_ref();
    let (failed_rows, failed_format) =
        files::failed_rows(failed_rows, &ledger, &args.rows.inputs, rows.format())?;
    let setup = Setup {
        args,
        ledger: &ledger,
        service: &service,
        start: start(args.resume, &service),
        screen,
    };
    if args.dry_run {
        return setup.dry_run(rows, plan);
    }
    setup.tell_of_new_ledger();
    let (mut lock, mut preflighted) = (None, None);
    if args.preflight {
        // Before the ledger is read: a previous run may still be writing it.
        lock = setup.take_lock()?;
        setup.check_ledger()?;
        let finished = setup.preflight(&rows, &mut plan);
        if let Err(error) = &finished {
            not_started::stopped(&args.output, &ledger, error.kind(), screen)?;
        }
        preflighted = Some(finished?);
    }
    if let Some(somebody) = somebody {
        // Before the operator is asked: the calls agreed to must be possible.
        setup.check_ledger()?;
        let (what, calls) = setup.what_is_asked(preflighted, &rows, &plan)?;
        // Without calls, there is nothing to agree to.
        if calls != Some(0) && !somebody.agrees(&service, &plan, what, calls)? {
            return not_started::declined(&args.output, &ledger, screen);
        }
        plan.agreed = calls;
    }
    if lock.is_none() {
        lock = setup.take_lock()?;
    }
    // After the lock is taken: until then another run may have created the ledger.
    rows.name_inputs_except(setup.own_input()?);
    let session = Session {
        lock,
        start: setup.start,
        service,
        plan,
        input: input::name(&args.rows),
        failed_format,
        feed: Feed::of_input(rows),
        output: &args.output,
        replay: again::replay(&ledger),
        ledger,
        failed_rows,
        go_on: again::run_again(&args.rows.inputs),
    };
    session::run(session, screen)
}

/// Returns how to open the ledger.
fn start(resume: bool, service: &Service) -> Start {
    match (resume, service.mock.is_some()) {
        (true, _) => Start::Resume,
        (false, true) => Start::Afresh,
        (false, false) => Start::New,
    }
}

/// Returns the operator to ask before the first call.
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
            "rows typed on this terminal can't be told apart from the answer to the question",
        )
        .hint("put the rows into a file, or add --yes"));
    }
    Ok(somebody)
}

/// The contents of the input, and the results of looking up its groups.
type Preflighted = (Census, preflight::GroupsReport);

/// The context of the stages before a run's first call.
struct Setup<'a> {
    args: &'a RunArgs,
    ledger: &'a Path,
    service: &'a Service,
    start: Start,
    screen: &'a Screen,
}

impl Setup<'_> {
    fn take_lock(&self) -> Result<Option<AppLock>> {
        let if_held = lock::if_held(&self.args.pace);
        let ledger = Some(self.ledger);
        lock::take_lock(Calls::Recall, self.service, ledger, if_held, self.screen)
    }

    /// Refuses a ledger that the run could not continue, before the operator waits for a preflight
    /// or agrees to calls.
    fn check_ledger(&self) -> Result<()> {
        let app = self.service.credentials.app;
        ledger::check(self.ledger, self.start, app, &self.service.name)
    }

    /// Tells the operator if `--resume` finds no ledger. That is allowed, for scripts that always
    /// pass it, but with a misspelled name the previous run would be ignored.
    fn tell_of_new_ledger(&self) {
        if self.args.resume && !self.ledger.exists() {
            let ledger = harmless(self.ledger);
            self.screen.line(&format!(
                "There is no ledger {ledger} yet; this run starts it."
            ));
        }
    }

    fn dry_run(&self, rows: Rows, mut plan: Plan) -> Result<u8> {
        if self.args.resume {
            self.check_ledger()?;
        }
        self.tell_of_new_ledger();
        let groups = if self.args.preflight {
            let (_, groups) = self.preflight(&rows, &mut plan)?;
            Some(groups)
        } else {
            None
        };
        let _patience = self.reading();
        let survey = self.survey()?;
        let client = Client::new(&self.service.transport, self.service.credentials.clone())?;
        let (groups, json) = (groups.as_ref(), self.args.output.json);
        dry_run::run(rows, survey, groups, &client, &plan, json, self.screen)
    }

    /// Looks up the groups, and adds those to skip to the plan.
    fn preflight(&self, rows: &Rows, plan: &mut Plan) -> Result<Preflighted> {
        if rows.size().is_none() {
            return Err(Error::usage(
                "--preflight reads the rows twice, and a pipe can be read only once",
            )
            .hint("put the rows into a file first"));
        }
        let mut survey = self.survey()?;
        let rows = input::open(&self.args.rows)?;
        let (groups, known) = groups::preflight(
            rows,
            &mut survey,
            self.service,
            plan,
            self.args.output.progress,
            self.screen,
        )
        .map_err(nothing_recalled)?;
        self.screen.line(&groups.text());
        plan.groups = Some(known);
        Ok((survey.census(), groups))
    }

    /// Returns a survey; in a resumed run, it knows the settled rows.
    fn survey(&self) -> Result<Survey> {
        let mut survey = Survey::new();
        if self.args.resume && begun(self.ledger)?.is_some() {
            survey.take_ledger(self.ledger)?;
        }
        Ok(survey)
    }

    /// Tells the operator that the rows are being read if that takes long.
    fn reading(&self) -> Patience {
        let input = input::name(&self.args.rows);
        self.screen.patience(format!("Reading {input}…"))
    }

    /// Returns the facts shown before the question, and the number of calls if it can be counted.
    fn what_is_asked(
        &self,
        preflighted: Option<Preflighted>,
        rows: &Rows,
        plan: &Plan,
    ) -> Result<(Facts, Option<u64>)> {
        if let Some((census, groups)) = preflighted {
            return Ok(what_would_go(self.args, &census, groups.rows_to_skip()));
        }
        if rows.size().is_none() {
            // Rows read from a pipe to count them would be missing in the run.
            let input = input::name(&self.args.rows) + ", through a pipe";
            return Ok((vec![("input", input)], None));
        }
        let _patience = self.reading();
        let mut survey = self.survey()?;
        // A second reader of the input.
        survey
            .take_input(input::open(&self.args.rows)?, plan.limit, |_, _| Ok(()))
            .map_err(nothing_recalled)?;
        Ok(what_would_go(self.args, &survey.census(), 0))
    }

    /// Returns the input whose rows are recorded without its name in the ledger.
    fn own_input(&self) -> Result<Option<String>> {
        let resumed = if self.args.resume {
            begun(self.ledger)?
        } else {
            None
        };
        Ok(match &resumed {
            Some(header) => header.own_input(),
            None => own_input(&input::name(&self.args.rows)),
        })
    }
}

/// Adds a hint to an error in an input that is read to the end before the first call.
fn nothing_recalled(error: Error) -> Error {
    match error.kind() {
        Kind::Input => error.or_hint("nothing was recalled; fix the input. With --yes and without --preflight, a run calls the rows before the error"),
        _ => error,
    }
}

/// Returns what a run would do, for the question, and how many calls it would make.
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
