//! `recall run`: the rows of an input.

use std::path::{Path, PathBuf};

use super::dry_run;
use super::job::{self, Job};
use crate::api::client::Client;
use crate::cli::RunArgs;
use crate::config::{self, Service, process_env};
use crate::error::{Error, Result};
use crate::exit;
use crate::ledger::{Reader, Start};
use crate::monitor::Screen;
use crate::rows::{self, Columns, Format, Source};
use crate::run::Feed;

/// Runs the rows of an input.
///
/// # Errors
/// When the flags make no sense, the input can't be read, or the ledger not be written.
pub fn run(args: &RunArgs, screen: &Screen) -> Result<u8> {
    let source = Source::from(args.rows.input.clone());
    refuse_ledger(&args.rows.input)?;
    let options = rows::Options {
        columns: args
            .rows
            .columns
            .as_deref()
            .map_or(Ok(Columns::default()), str::parse)?,
        header: !args.rows.no_header,
    };
    let rows = rows::open(&source, &options)?;
    let plan = config::plan(&args.pace, args.limit, rows.is_failed_rows())?;
    let service = Service::new(&args.service, &process_env, &args.pace, &plan, None)?;
    let files = Files::new(args, rows.format())?;
    if args.dry_run {
        let client = Client::new(&service.transport, service.credentials)?;
        let resumed = args.resume.then_some(files.ledger.as_path());
        return dry_run::run(rows, &client, &plan, resumed, args.output.json, screen);
    }
    let what = format!("the messages of the rows in {}", args.rows.input.display());
    if !job::confirm(&service, &plan, &what, &args.output)? {
        screen.line("Nothing was called.");
        return Ok(exit::OK);
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

/// A ledger looks like JSONL rows, but its rows are settled.
fn refuse_ledger(input: &Path) -> Result<()> {
    if input.is_file() && Reader::open(input).is_ok() {
        return Err(
            Error::usage(format!("{} is a ledger, not an input", input.display())).hint(format!(
                "recall replay {} sends its failed rows again",
                input.display()
            )),
        );
    }
    Ok(())
}
