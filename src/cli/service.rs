//! The flags that say where the service is and who calls.

use std::path::PathBuf;

use clap::{Arg, Args};

use super::{CallerArgs, MockInsideArgs};

/// Where the service is and who calls.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service", mut_args(only_with_mock))]
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
    /// A private CA certificate (PEM) to trust besides the system's
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub cacert: Option<PathBuf>,
    /// Rehearse against a built-in mock of the service
    #[arg(long)]
    pub mock: bool,
    /// What it does then.
    #[command(flatten)]
    pub mock_inside: MockInsideArgs,
}

/// Whoever asks for faults believes that it is a rehearsal.
fn only_with_mock(arg: Arg) -> Arg {
    if !arg.get_id().as_str().starts_with("mock_") {
        return arg;
    }
    arg.requires("mock")
        .conflicts_with_all(["region", "endpoint"])
        .hide_short_help(true)
}
