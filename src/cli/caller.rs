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
    /// The admin of the app who calls [default: administrator]
    #[arg(long, value_name = "ID")]
    pub identifier: Option<String>,
    /// A TOML file with all of this, for one app or several
    ///
    /// Without it RECALL_CONFIG names the file, if there is one.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A profile of the file, such as game for [profile.game]
    ///
    /// Without it RECALL_PROFILE names the profile.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}
