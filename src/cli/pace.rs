//! The flags that bound a run.

use clap::Args;

/// How fast and how long.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pace and patience")]
pub struct PaceArgs {
    /// Most calls in any second, 1 to 200; more, or max, for a loopback service only
    #[arg(long, value_name = "N|max", default_value = "200")]
    pub rate: String,
    /// Most calls in flight [default: 200, which keeps the cap up to answers of one second]
    #[arg(
        long,
        value_name = "N",
        default_value_t = 200,
        hide_default_value = true
    )]
    pub concurrency: usize,
    /// Most attempts a row
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub max_attempts: u32,
    /// How long a call may take; the service itself takes up to 3s
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub timeout: String,
    /// End the run when so many rows have failed, N or P%, or none to let them [default: 50% of
    /// at least 1,000 rows, or the first 20 all alike; none for rows that failed before]
    #[arg(long, value_name = "N|P%|none")]
    pub max_failures: Option<String>,
    /// Queue behind another run for the same app and endpoint on this machine
    #[arg(long)]
    pub wait: bool,
    /// How long to wait for a service that is out; 0 lets rows fail instead
    #[arg(long, value_name = "TIME", default_value = "30m")]
    pub max_outage: String,
}
