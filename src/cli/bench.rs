//! The flags of `recall bench`.

use std::num::{NonZeroU64, NonZeroUsize};

use clap::Args;

use super::{MockInsideArgs, ProgressArg};

/// `recall bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --rows and --rate it measures for ten seconds at the cap of 200 calls/s, against answers
that take 20 to 80 ms, and for up to six at full speed, against answers that come at once. Rows
are made up; the ledger lies in a temporary folder (TMPDIR) and is removed.")]
pub struct BenchArgs {
    /// How many rows [default: ten seconds of the rate, or 200000 at full speed]
    #[arg(long, value_name = "N")]
    pub rows: Option<NonZeroU64>,
    /// Most calls in any second, or max [default: max]
    #[arg(long, value_name = "N|max")]
    pub rate: Option<String>,
    /// Most calls in flight
    #[arg(long, value_name = "N", default_value = "200")]
    pub concurrency: NonZeroUsize,
    /// What the mock does.
    #[command(flatten)]
    pub mock: MockInsideArgs,
    /// Print the figures as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// How to show progress
    #[arg(long, value_enum, value_name = "HOW", default_value_t = ProgressArg::Auto)]
    pub progress: ProgressArg,
}
