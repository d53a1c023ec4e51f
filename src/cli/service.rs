//! The flags that say where the service is and who calls.

use std::path::PathBuf;

use clap::Args;

use super::CallerArgs;

/// Where the service is and who calls.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub struct ServiceArgs {
    /// The app's region: china, singapore, seoul, frankfurt, silicon-valley, jakarta, tokyo, riyadh
    #[arg(long, value_name = "NAME", conflicts_with_all = ["endpoint", "mock"])]
    pub region: Option<String>,
    /// Any other address, https://… (http:// on loopback only)
    #[arg(long, value_name = "URL", conflicts_with = "mock")]
    pub endpoint: Option<String>,
    /// Who calls.
    #[command(flatten)]
    pub caller: CallerArgs,
    /// A private certificate authority (PEM) to trust besides the system's
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub cacert: Option<PathBuf>,
    /// Rehearse against a mock of the service, inside
    #[arg(long)]
    pub mock: bool,
    /// How long the mock inside takes to answer
    #[arg(long, value_name = "20ms..80ms", hide_short_help = true, requires = "mock", conflicts_with_all = ["region", "endpoint"])]
    pub mock_latency: Option<String>,
    /// How often the mock inside answers with an error code; may be repeated
    #[arg(long, value_name = "CODE=P%", hide_short_help = true, requires = "mock", conflicts_with_all = ["region", "endpoint"])]
    pub mock_fail: Vec<String>,
    /// Most calls in any second that the mock inside lets through [default: any number]
    #[arg(long, value_name = "N", hide_short_help = true, requires = "mock", conflicts_with_all = ["region", "endpoint"])]
    pub mock_cap: Option<u32>,
    /// The seed of the mock's chances
    #[arg(long, value_name = "N", hide_short_help = true, requires = "mock", conflicts_with_all = ["region", "endpoint"], default_value_t = 0)]
    pub mock_seed: u64,
}
