//! The flags of the built-in mock that rehearsals and benchmarks run against.

use clap::Args;

/// How the built-in mock behaves.
#[derive(Debug, Args)]
pub struct MockInsideArgs {
    /// Time the mock takes to answer [default: none]
    #[arg(long, value_name = "20ms..80ms")]
    pub mock_latency: Option<String>,
    /// A fault and its share, as in recall mock --fail: 10002=5% for 5% of the calls, 70107=10%/row
    /// for every call of 10% of the rows; may be repeated
    #[arg(long, value_name = "WHAT=P%")]
    pub mock_fail: Vec<String>,
    /// Maximum calls in any second that the mock accepts [default: no limit]
    #[arg(long, value_name = "N")]
    pub mock_cap: Option<u32>,
    /// Seed of the mock's random choices
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub mock_seed: u64,
}
