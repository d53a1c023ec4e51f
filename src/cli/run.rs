//! The flags of `recall run` and `recall replay`.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::Args;

use super::{InputArgs, OutputArgs, PaceArgs, ServiceArgs};

/// `recall run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  recall run rows.csv --mock                      rehearse against a mock inside
  recall run rows.csv --region singapore          the real thing
  recall run rows.csv --region singapore --resume go on after an interruption
  zcat rows.csv.gz | recall run - --limit 10      the first ten rows from a pipe
  recall run a.csv b.jsonl --ledger wave.jsonl    several inputs, one ledger

Who calls comes from the environment, never from arguments: RECALL_SDKAPPID, RECALL_IDENTIFIER
(administrator), RECALL_SECRET_KEY or RECALL_USERSIG, RECALL_REGION or RECALL_ENDPOINT.

Exit codes: 0 all recalled, 1 could not run, 2 usage, 3 some rows failed or are invalid,
4 stopped by the service, an outage or the guard, 130 interrupted; after 4 and 130 --resume
goes on.")]
pub struct RunArgs {
    /// What the rows are.
    #[command(flatten)]
    pub rows: InputArgs,
    /// Where the service is and who calls.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// How fast and how long.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// Where results go.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Go on with the ledger of an interrupted run
    #[arg(long, help_heading = "Results")]
    pub resume: bool,
    /// The file of results [default: INPUT's name with .ledger.jsonl]
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub ledger: Option<PathBuf>,
    /// Take the first N rows that are left, as a canary
    #[arg(long, value_name = "N", help_heading = "Rows")]
    pub limit: Option<NonZeroU64>,
    /// Read everything and show the first calls, but make none
    #[arg(long, help_heading = "Rows")]
    pub dry_run: bool,
}

/// `recall replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The ledger whose failed rows are sent again
    pub ledger: PathBuf,
    /// Where the service is and who calls.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// How fast and how long.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// Where results go.
    #[command(flatten)]
    pub output: OutputArgs,
}
