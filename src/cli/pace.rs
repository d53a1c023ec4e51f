//! The flags that bound a run. Their defaults may come from the environment or the file, so they
//! are settled in [`config`](crate::config) and only told here.

use clap::Args;

/// How fast and how long.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Pace and patience")]
pub struct PaceArgs {
    /// Most calls in any second [default: 200]
    ///
    /// 200 is the service's cap. More, or max for as fast as it goes, is for a loopback service
    /// only.
    #[arg(long, value_name = "N|max")]
    pub rate: Option<String>,
    /// Most calls in flight [default: 200]
    ///
    /// 200 are enough for the cap where answers take up to one second.
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub concurrency: Option<String>,
    /// Most attempts per row [default: 8]
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub max_attempts: Option<String>,
    /// How long a call may take [default: 10s]
    ///
    /// The service itself takes up to 3s.
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    pub timeout: Option<String>,
    /// Most rows that may fail [default: 50%]
    ///
    /// One more ends the run. It is a number of rows, a share (checked from 1,000 rows on), or none
    /// for no limit. Unless it is none, a run also ends when its first 20 rows all fail alike. Where
    /// rows have failed before, as in a replay, the default is none.
    #[arg(long, value_name = "N|P%")]
    pub max_failures: Option<String>,
    /// Queue behind another run for this app on this machine
    #[arg(long)]
    pub wait: bool,
    /// How long to wait out an outage [default: 30m]
    ///
    /// With 0, rows fail instead.
    #[arg(long, value_name = "TIME")]
    pub max_outage: Option<String>,
}
