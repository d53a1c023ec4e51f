//! The flags that set the caller.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// The caller. Secrets are never flags: other users could read them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub struct CallerArgs {
    /// The SDKAppID of the app
    #[arg(long, value_name = "N")]
    pub sdkappid: Option<String>,
    /// The calling admin account [default: administrator]
    #[arg(long, value_name = "ID")]
    pub identifier: Option<String>,
    /// The file that can set it too.
    #[command(flatten)]
    pub file: FileArgs,
}

/// The configuration file.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub struct FileArgs {
    /// A TOML file with these settings, for one app or several
    ///
    /// Without it, RECALL_CONFIG may name the file.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// A profile in the file, such as game for [profile.game]
    ///
    /// Without it, RECALL_PROFILE may name the profile.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}
