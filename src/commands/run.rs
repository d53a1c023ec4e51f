//! `recall run`: the rows of an input.

use std::path::{Path, PathBuf};

use super::job::{self, Job};
use super::{dry_run, input};
use crate::api::client::Client;
use crate::cli::RunArgs;
use crate::config::{self, Service, process_env};
use crate::error::{Error, Result};
use crate::exit;
use crate::ledger::Start;
use crate::monitor::Screen;
use crate::monitor::words::thousands;
use crate::rows::Format;
use crate::run::Feed;
use crate::survey::{Found, Survey};

/// Runs the rows of an input.
///
/// # Errors
/// When the flags make no sense, the input can't be read, or the ledger not be written.
pub fn run(args: &RunArgs, screen: &Screen) -> Result<u8> {
    let rows = input::open(&args.rows)?;
    let plan = config::plan(&args.pace, args.limit, rows.is_failed_rows())?;
    let service = Service::new(&args.service, &process_env, &args.pace, &plan, None)?;
    let files = Files::new(args, rows.format())?;
    if args.dry_run {
        let client = Client::new(&service.transport, service.credentials)?;
        let survey = survey(args, &files)?;
        return dry_run::run(rows, survey, &client, &plan, args.output.json, screen);
    }
    if job::asks(&service, &args.output) {
        let mut survey = survey(args, &files)?;
        // Another reader of the input: nobody is asked where it is stdin.
        survey.take_input(input::open(&args.rows)?, plan.limit, |_, _| Ok(()))?;
        let what = what_would_go(&args.rows.input.display().to_string(), &survey.found());
        if !job::confirm(&service, &plan, what, survey.calls())? {
            screen.line("Nothing was called.");
            return Ok(exit::OK);
        }
    }
    let rehearsal = service.mock.is_some();
    let job = Job {
        turn: job::take_turn(&service, &files.ledger, &args.pace, screen)?,
        service,
        plan,
        input: args.rows.input.display().to_string(),
        failed_format: rows.format(),
        feed: Feed::of_input(rows),
        output: &args.output,
        ledger: files.ledger,
        start: match (args.resume, rehearsal) {
            (true, _) => Start::Resume,
            (false, true) => Start::Afresh,
            (false, false) => Start::New,
        },
        skip_settled: true,
        failed_rows: files.failed_rows,
        go_on: job::this_command(Some("--resume")),
    };
    job::finish(job, screen)
}

/// A survey that knows what has been settled, where a run is resumed.
fn survey(args: &RunArgs, files: &Files) -> Result<Survey> {
    let mut survey = Survey::new();
    if args.resume && files.ledger.exists() {
        survey.take_ledger(&files.ledger)?;
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

/// Where results go.
struct Files {
    ledger: PathBuf,
    failed_rows: PathBuf,
}

impl Files {
    /// Beside the input and named after it, unless flags say otherwise.
    fn new(args: &RunArgs, format: Format) -> Result<Self> {
        let stem = if args.rows.input == Path::new("-") {
            PathBuf::from("recall")
        } else {
            args.rows.input.with_extension("")
        };
        let named = |end: String| {
            let mut name = stem.clone().into_os_string();
            name.push(if args.service.mock { ".mock" } else { "" });
            name.push(end);
            PathBuf::from(name)
        };
        let failed_end = format!(".failed.{}", extension(format));
        let files = Self {
            ledger: args
                .ledger
                .clone()
                .unwrap_or_else(|| named(".ledger.jsonl".to_owned())),
            failed_rows: args
                .output
                .failed
                .clone()
                .unwrap_or_else(|| named(failed_end)),
        };
        let pairs = [
            (&files.ledger, "the ledger", &args.rows.input, "the input"),
            (
                &files.failed_rows,
                "the failed-rows file",
                &args.rows.input,
                "the input",
            ),
            (
                &files.failed_rows,
                "the failed-rows file",
                &files.ledger,
                "the ledger",
            ),
        ];
        for (file, what, other, what_else) in pairs {
            if same_file(file, other) {
                return Err(Error::usage(format!(
                    "{what} and {what_else} are both {}",
                    file.display()
                ))
                .hint("choose other names with --ledger and --failed"));
            }
        }
        job::check_failed_rows(&files.failed_rows)?;
        Ok(files)
    }
}

/// How the name of a file of this format ends.
pub(super) fn extension(format: Format) -> &'static str {
    match format {
        Format::Csv => "csv",
        Format::Tsv => "tsv",
        Format::Jsonl => "jsonl",
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    one == other
        || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
