//! The flags of `recall run` and `recall replay`.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{InputArgs, OutputArgs, PaceArgs, ServiceArgs};

/// Points from the short help to the long one.
const MORE: &str = "recall run --help has every flag, the environment and the exit codes.";
const EXAMPLES: &str = "\
Examples:
  recall run rows.csv --mock                  rehearse against the built-in mock
  recall run rows.csv --dry-run               show the first calls, make none
  recall run rows.csv --preflight --limit 10  a canary: the first ten rows
  recall run rows.csv --preflight --resume    the rest, or after an interruption
  xzcat rows.csv.xz | recall run -            rows from a pipe
  recall run a.csv b.jsonl --ledger wave      several inputs, one ledger";
const ENVIRONMENT_AND_EXIT: &str = "\
Environment:
  RECALL_SDKAPPID, RECALL_IDENTIFIER      who calls
  RECALL_SECRET_KEY or RECALL_USERSIG     never as flags: others could read them
  RECALL_REGION or RECALL_ENDPOINT        where the service is
  RECALL_RATE, RECALL_CONCURRENCY, RECALL_MAX_ATTEMPTS, RECALL_TIMEOUT,
  RECALL_MAX_FAILURES, RECALL_MAX_OUTAGE  the pace
  RECALL_CONFIG, RECALL_PROFILE           a TOML file with the same settings,
                                          as keys such as sdkappid, max_outage
Flags override the environment; the environment overrides the file.

Exit codes:
  0  every row was recalled   3  finished; some rows failed or are invalid
  1  it could not run         4  stopped by the service, an outage, the guard
  2  flags or environment   130  interrupted, or not agreed to
After 4 and 130, the same command with --resume continues.";

/// `recall run`.
#[derive(Debug, Args)]
#[command(
    after_help = format!("{EXAMPLES}\n\n{MORE}"),
    after_long_help = format!("{EXAMPLES}\n\n{ENVIRONMENT_AND_EXIT}")
)]
pub struct RunArgs {
    /// The input.
    #[command(flatten)]
    pub rows: InputArgs,
    /// The service and the caller.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// The pace and the limits.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// Continue an interrupted run from its ledger
    #[arg(long, help_heading = "Results")]
    pub resume: bool,
    /// The ledger [default: INPUT's name with .ledger.jsonl]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Results")]
    pub ledger: Option<PathBuf>,
    /// Results and progress.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Call only the first N remaining rows, as a canary
    #[arg(long, value_name = "N", help_heading = "Rows", value_parser = rows)]
    pub limit: Option<NonZeroU64>,
    /// Look up groups first; skip AVChatRooms and missing ones
    ///
    /// In an AVChatRoom a recall does nothing, although the service reports success. The input is
    /// read twice, so it must be a file.
    #[arg(long, help_heading = "Rows")]
    pub preflight: bool,
    /// Read the input and show the first calls, but make none
    #[arg(long, help_heading = "Rows")]
    pub dry_run: bool,
}

/// `recall replay`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  recall replay rows.ledger.jsonl               send the failed rows again
  recall replay rows.mock.ledger.jsonl --mock   those of a rehearsal

Rows go to the service that the ledger names unless you name another.
For the environment and exit codes, see recall run --help.")]
pub struct ReplayArgs {
    /// The ledger whose failed rows are sent again
    #[arg(value_hint = ValueHint::FilePath)]
    pub ledger: PathBuf,
    /// The service and the caller.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// The pace and the limits.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// Results and progress.
    #[command(flatten)]
    pub output: OutputArgs,
}

fn rows(text: &str) -> Result<NonZeroU64, &'static str> {
    text.parse()
        .map_err(|_| "must be a number of rows, 1 or more")
}
