//! What `run` and `replay` share: from checked flags to the summary and its exit code.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::interrupts::interrupts;
use super::stdout::print_json;
use crate::api::client::Client;
use crate::api::credentials::Credentials;
use crate::api::usersig;
use crate::cli::{OutputArgs, PaceArgs, ProgressArg};
use crate::config::Service;
use crate::error::{Error, Result};
use crate::exit;
use crate::ledger::{Header, LastWords, Start, write_failed_rows};
use crate::monitor::words::{how_long, thousands, time};
use crate::monitor::{Bar, Monitor, Plain, Screen, Silent};
use crate::report::Summary;
use crate::rows::{self, Format, Source};
use crate::run::{self, Feed, LedgerFile, Plan, least_time};
use crate::turn::{Turn, WhenTaken};

/// Everything that a run is made of, once flags and environment have been understood.
pub(super) struct Job<'a> {
    pub(super) service: Service,
    pub(super) plan: Plan,
    pub(super) feed: Feed,
    /// The right to call, where others could want it too.
    pub(super) turn: Option<Turn>,
    pub(super) output: &'a OutputArgs,
    /// The name of the input, for people.
    pub(super) input: String,
    pub(super) ledger: PathBuf,
    pub(super) start: Start,
    /// Whether rows that the ledger has settled are not sent again.
    pub(super) skip_settled: bool,
    pub(super) failed_rows: PathBuf,
    pub(super) failed_format: Format,
    /// The command that goes on with it, should it be stopped.
    pub(super) go_on: String,
    /// The command that sends its failed rows again.
    pub(super) replay: String,
}

/// Does a job and tells what came of it.
pub(super) fn finish(job: Job<'_>, screen: &Screen) -> Result<u8> {
    let cap = job.plan.rate.map(std::num::NonZeroU32::get);
    let mut monitor = monitor(job.output.progress, screen, cap);
    let client = Client::new(&job.service.transport, job.service.credentials)?;
    let header = Header {
        version: crate::ledger::VERSION,
        app: client.credentials().app,
        endpoint: job.service.name,
        input: job.input.clone(),
        created: Timestamp::now(),
    };
    let file = LedgerFile {
        path: job.ledger.clone(),
        header,
        start: job.start,
        skip_settled: job.skip_settled,
    };
    let finished = on_one_thread(async {
        let interrupts = interrupts()?;
        run::run(
            job.plan,
            job.feed,
            client,
            file,
            monitor.as_mut(),
            interrupts,
        )
        .await
    })?;
    // Others may call from here on.
    drop(job.turn);
    let last_words = LastWords::open(&job.ledger)?;
    let (failed, invalid) = (last_words.failed(), last_words.invalid());
    write_failed_rows(last_words, &job.failed_rows, job.failed_format)?;
    let failed_rows = (failed > 0).then(|| job.failed_rows.clone());
    let summary = Summary::new(&finished, cap, job.ledger.clone(), failed_rows);
    match summary.nothing_to_do(&job.input) {
        Some(nothing) => screen.line(&nothing),
        None => screen.line(summary.text().trim_end()),
    }
    if finished.stopped.is_some() {
        screen.line(&format!("To go on: {}", job.go_on));
    } else if failed > 0 {
        screen.line(&format!("To send them again: {}", job.replay));
    }
    if job.output.json {
        print_json(&summary)?;
    }
    // Of the whole ledger, earlier runs included; invalid rows are no part of a replay.
    let some_failed = failed > 0 || (job.skip_settled && invalid > 0);
    Ok(exit::of_run(finished.stopped.as_ref(), some_failed))
}

/// Takes the turn for the app, which two runs must not have at once. Nobody else calls the mock
/// inside.
pub(super) fn take_turn(
    service: &Service,
    ledger: &Path,
    pace: &PaceArgs,
    screen: &Screen,
) -> Result<Option<Turn>> {
    if service.mock.is_some() {
        return Ok(None);
    }
    let app = service.credentials.app;
    let who = format!(
        "process {}, ledger {}",
        std::process::id(),
        ledger.display()
    );
    let when_taken = if pace.wait {
        WhenTaken::Wait
    } else {
        WhenTaken::Refuse
    };
    Turn::take(app, &service.name, &who, when_taken, |first| {
        screen.line(&format!(
            "Waiting for another run for app {app} to end: {first}"
        ));
    })
    .map(Some)
}

pub(super) fn monitor(how: ProgressArg, screen: &Screen, cap: Option<u32>) -> Box<dyn Monitor> {
    match how {
        ProgressArg::Bar => Box::new(Bar::new(screen, cap)),
        ProgressArg::Auto if screen.can_draw() => Box::new(Bar::new(screen, cap)),
        ProgressArg::Auto | ProgressArg::Plain => Box::new(Plain::new(screen, cap)),
        ProgressArg::None => Box::new(Silent),
    }
}

/// Runs on this thread alone, which is also what the cap relies on: whoever hears that a request
/// was handed over hears it after it was written.
pub(super) fn on_one_thread<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::service("cannot start the event loop").because(error))?
        .block_on(future)
}

/// Refuses to put the failed rows in the place of a file that is something else.
pub(super) fn check_failed_rows(path: &Path) -> Result<()> {
    let holds_something = path.metadata().is_ok_and(|file| file.len() > 0);
    let source = Source::File(path.to_owned());
    let is_ours =
        || rows::open(&[source], &rows::Options::default()).is_ok_and(|rows| rows.is_failed_rows());
    if holds_something && !is_ours() {
        return Err(Error::usage(format!(
            "the failed rows would overwrite {}, which holds something else",
            path.display()
        ))
        .hint("--failed FILE puts them elsewhere"));
    }
    Ok(())
}

/// Whether somebody is asked before the first call: there must be somebody to ask.
pub(super) fn asks(service: &Service, output: &OutputArgs) -> bool {
    let somebody = io::stdin().is_terminal() && io::stderr().is_terminal();
    somebody && !output.yes && service.mock.is_none()
}

/// Asks before the first of so many calls, where that is known. `what` would go: names and what
/// they are.
pub(super) fn confirm(
    service: &Service,
    plan: &Plan,
    mut what: Vec<(&'static str, String)>,
    calls: Option<u64>,
) -> Result<bool> {
    let rate = plan.rate.map(std::num::NonZeroU32::get);
    let Credentials {
        app, identifier, ..
    } = &service.credentials;
    let counted = |calls| format!("{}, {}", thousands(calls), how_long(calls, rate));
    what.push(("calls", calls.map_or("not counted".to_owned(), counted)));
    what.push(("app", format!("{app}, as {identifier}")));
    let needed = calls.zip(rate);
    let needed = needed.map_or(Duration::ZERO, |(calls, rate)| least_time(calls, rate));
    if let Some(left) = service.credentials.falls_short(usersig::now(), needed) {
        let left = time(left);
        let why = "before the run is through; with RECALL_SECRET_KEY it would be signed anew";
        what.push(("usersig", format!("runs out in {left}, {why}")));
    }
    what.push(("service", service.endpoint.for_people()));
    let mut ask = "About to recall:\n".to_owned();
    for (name, what) in what {
        writeln!(ask, "  {name:<12}{what}").expect("a String takes every word");
    }
    ask += "This can't be undone. Go on? [y/N] ";
    let fail = |error| Error::input("cannot ask on this terminal").because(error);
    io::stderr().write_all(ask.as_bytes()).map_err(fail)?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(fail)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}
