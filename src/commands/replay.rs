//! `recall replay`: the failed rows of a ledger, again, into the same ledger.

use std::path::{Path, PathBuf};

use super::job::{self, Job};
use super::run::extension;
use crate::cli::ReplayArgs;
use crate::config::{self, Service, process_env};
use crate::error::Result;
use crate::exit;
use crate::ledger::{LastWords, Reader, Start, failed_rows};
use crate::monitor::Screen;
use crate::monitor::words::thousands;
use crate::rows::Format;
use crate::run::Feed;

/// Sends the failed rows of a ledger again.
///
/// # Errors
/// When the flags make no sense, or the ledger can't be read or written.
pub fn run(args: &ReplayArgs, screen: &Screen) -> Result<u8> {
    let header = Reader::open(&args.ledger)?.header().clone();
    let plan = config::plan(&args.pace, None, true)?;
    let service = Service::new(
        &args.service,
        &process_env,
        &args.pace,
        &plan,
        Some(&header.endpoint),
    )?;
    let format = format_of(Path::new(&header.input));
    let failed_rows_file = args.output.failed.clone();
    let failed_rows_file = failed_rows_file.unwrap_or_else(|| beside(&args.ledger, format));
    job::check_failed_rows(&failed_rows_file)?;
    // Before the ledger is read: the run before this one may be writing it.
    let turn = job::take_turn(&service, &args.ledger, &args.pace, screen)?;
    let failed = LastWords::open(&args.ledger)?.failed();
    if failed == 0 {
        screen.line(&format!(
            "No row of {} has failed: nothing to do.",
            args.ledger.display()
        ));
        return Ok(exit::OK);
    }
    if job::asks(&service, &args.output) {
        let what = vec![
            ("ledger", args.ledger.display().to_string()),
            ("rows", format!("the {} that failed", thousands(failed))),
        ];
        if !job::confirm(&service, &plan, what, failed)? {
            screen.line("Nothing was called.");
            return Ok(exit::OK);
        }
    }
    let job = Job {
        turn,
        service,
        plan,
        feed: Feed::of_rows(failed_rows(&args.ledger)?, failed),
        output: &args.output,
        input: header.input,
        ledger: args.ledger.clone(),
        start: Start::Resume,
        skip_settled: false,
        failed_rows: failed_rows_file,
        failed_format: format,
        go_on: job::this_command(None),
    };
    job::finish(job, screen)
}

/// The format of the input that the ledger names; CSV where the name tells nothing.
fn format_of(input: &Path) -> Format {
    let extension = input.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("tsv") => Format::Tsv,
        Some("jsonl" | "ndjson") => Format::Jsonl,
        _ => Format::Csv,
    }
}

/// `x/rows.ledger.jsonl` has its failed rows in `x/rows.failed.csv`.
fn beside(ledger: &Path, format: Format) -> PathBuf {
    let name = ledger.to_string_lossy();
    let stem = name
        .strip_suffix(".ledger.jsonl")
        .or_else(|| name.strip_suffix(".jsonl"))
        .unwrap_or(&name);
    PathBuf::from(format!("{stem}.failed.{}", extension(format)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failed_rows_stay_where_the_run_put_them() {
        let beside = |ledger: &str| beside(Path::new(ledger), Format::Csv);
        assert_eq!(
            beside("x/rows.ledger.jsonl"),
            Path::new("x/rows.failed.csv")
        );
        assert_eq!(
            beside("x/rows.mock.ledger.jsonl"),
            Path::new("x/rows.mock.failed.csv")
        );
        assert_eq!(beside("x/other"), Path::new("x/other.failed.csv"));
    }
}
