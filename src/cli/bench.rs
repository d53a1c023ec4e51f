//! The flags of `recall bench`.

use std::num::{NonZeroU64, NonZeroUsize};

use clap::Args;

use super::{MockInsideArgs, ProgressArg};

/// `recall bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --rows and --rate, measures ten seconds at the cap of 200 calls/s with answers that take
20 to 80 ms, then up to six seconds at full speed with immediate answers. Rows are generated; the
ledger is in a temporary folder (TMPDIR) and is removed at the end.")]
pub struct BenchArgs {
    /// Number of rows [default: ten seconds at the rate, or 200000 at full speed]
    #[arg(long, value_name = "N")]
    pub rows: Option<NonZeroU64>,
    /// Maximum calls in any second, or max [default: max]
    #[arg(long, value_name = "N|max")]
    pub rate: Option<String>,
    /// Maximum calls in flight
    #[arg(long, value_name = "N", default_value = "200")]
    pub concurrency: NonZeroUsize,
    /// How the mock behaves.
    #[command(flatten)]
    pub mock: MockInsideArgs,
    /// Print the figures as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// How to show progress
    #[arg(long, value_enum, value_name = "HOW", default_value_t = ProgressArg::Auto)]
    pub progress: ProgressArg,
}
