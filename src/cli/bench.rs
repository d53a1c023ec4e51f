//! The flags of `recall bench`.

use std::num::{NonZeroU64, NonZeroUsize};

use clap::Args;

use super::ProgressArg;

/// `recall bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --rows and --rate it measures ten seconds at the cap of 200 calls/s, against answers that
take 20 to 80 ms, and up to six at full speed, against answers that come at once. Rows are made
up; the ledger lies in a temporary folder (TMPDIR) and is removed.")]
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
    /// How long the mock takes to answer [default: none at all]
    #[arg(long, value_name = "20ms..80ms")]
    pub mock_latency: Option<String>,
    /// How often the mock answers with an error code; may be repeated
    #[arg(long, value_name = "CODE=P%")]
    pub mock_fail: Vec<String>,
    /// Most calls in any second that the mock lets through [default: any number]
    #[arg(long, value_name = "N")]
    pub mock_cap: Option<u32>,
    /// The seed of the mock's chances
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub mock_seed: u64,
    /// Print the figures as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// How to show progress
    #[arg(long, value_enum, value_name = "HOW", default_value_t = ProgressArg::Auto)]
    pub progress: ProgressArg,
}
