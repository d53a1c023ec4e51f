//! The limits of a run. Defaults may come from the environment or the configuration file, so
//! [`config`](crate::config) resolves them; the help only names them.

use clap::Args;

/// The pace and the limits.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Pace and patience")]
pub struct PaceArgs {
    /// Maximum calls in any second [default: 200]
    ///
    /// 200 is the service's cap. A higher rate, or max for no limit, is allowed only for a loopback
    /// service.
    #[arg(long, value_name = "N|max")]
    pub rate: Option<String>,
    /// Maximum calls in flight [default: 200]
    ///
    /// 200 reach the cap as long as answers take no more than a second.
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub concurrency: Option<String>,
    /// Maximum attempts per row [default: 8]
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub max_attempts: Option<String>,
    /// Time limit of a call [default: 10s]
    ///
    /// The service itself takes up to 3s.
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    pub timeout: Option<String>,
    /// Maximum rows that may fail [default: 50%]
    ///
    /// If more fail, the run stops. A number of rows, a share (checked from 1,000 rows on), or none
    /// for no limit. Unless it is none, the run also stops if its first 20 rows all fail in the
    /// same way. For rows that have failed before, as in a replay, the default is none.
    #[arg(long, value_name = "N|P%")]
    pub max_failures: Option<String>,
    /// Wait for another run of the app on this machine
    #[arg(long)]
    pub wait: bool,
    /// Maximum time to wait out an outage [default: 30m]
    ///
    /// With 0, rows fail instead.
    #[arg(long, value_name = "TIME")]
    pub max_outage: Option<String>,
}
