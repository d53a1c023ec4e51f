//! The flags that bound a run. Their defaults may come from the environment or the file, so they
//! are settled in [`config`](crate::config) and only told here.

use clap::Args;

/// How fast and how long.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pace and patience")]
pub struct PaceArgs {
    /// Most calls in any second, 1 to 200; more, or max, on loopback only [default: 200]
    #[arg(long, value_name = "N|max")]
    pub rate: Option<String>,
    /// Most calls in flight; 200 keep the cap up to answers of one second [default: 200]
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub concurrency: Option<String>,
    /// Most attempts a row [default: 8]
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub max_attempts: Option<String>,
    /// How long a call may take; the service itself takes up to 3s [default: 10s]
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    pub timeout: Option<String>,
    /// End the run when so many rows have failed, N or P%, or none to let them
    ///
    /// [default: 50% of at least 1,000 rows, or the first 20 all alike; none for rows that failed
    /// before]
    #[arg(long, value_name = "N|P%|none")]
    pub max_failures: Option<String>,
    /// Queue behind another run for the same app and endpoint on this machine
    #[arg(long)]
    pub wait: bool,
    /// How long to wait for a service that is out; 0 lets rows fail instead [default: 30m]
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    pub max_outage: Option<String>,
}
