//! The flags of the mock that runs inside this process: in a rehearsal, and in a benchmark.

use clap::Args;

/// What the mock inside does.
#[derive(Debug, Args)]
pub struct MockInsideArgs {
    /// How long the mock takes to answer [default: no time]
    #[arg(long, value_name = "20ms..80ms")]
    pub mock_latency: Option<String>,
    /// What goes wrong and how often, as `recall mock --fail` has it: 10002=5% of the calls,
    /// 70107=10%/row for every call of a tenth of the rows; may be repeated
    #[arg(long, value_name = "WHAT=P%")]
    pub mock_fail: Vec<String>,
    /// Most calls in any second that the mock lets through [default: any number]
    #[arg(long, value_name = "N")]
    pub mock_cap: Option<u32>,
    /// The seed of the mock's random choices
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub mock_seed: u64,
}
