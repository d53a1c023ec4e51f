//! The flags that say who calls.

use std::path::PathBuf;

use clap::Args;

/// Who calls. The secrets are never flags: others could read them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub struct CallerArgs {
    /// The app, an integer
    #[arg(long, value_name = "N")]
    pub sdkappid: Option<String>,
    /// The account that calls, an admin of the app [default: administrator]
    #[arg(long, value_name = "ID")]
    pub identifier: Option<String>,
    /// A TOML file with what the environment could say, for several apps [default: RECALL_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A profile of the file [default: RECALL_PROFILE]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}
