//! The flags that set the service and the caller.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command, ValueHint};

use super::{CallerArgs, MockInsideArgs};
use crate::api::endpoint::REGIONS;

/// The service and the caller.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service", mut_args(only_with_mock))]
pub struct ServiceArgs {
    /// The app's region: china, singapore, seoul, frankfurt, silicon-valley, jakarta, tokyo, riyadh
    #[arg(long, value_name = "NAME", value_parser = Region, hide_possible_values = true, conflicts_with_all = ["endpoint", "mock"])]
    pub region: Option<String>,
    /// Another address, https://… (http:// on loopback only)
    #[arg(long, value_name = "URL", conflicts_with = "mock")]
    pub endpoint: Option<String>,
    /// The caller.
    #[command(flatten)]
    pub caller: CallerArgs,
    /// A CA certificate (PEM) to trust in addition to the system's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true)]
    pub cacert: Option<PathBuf>,
    /// Rehearse against the built-in mock of the service
    #[arg(long)]
    pub mock: bool,
    /// How the mock behaves.
    #[command(flatten)]
    pub mock_inside: MockInsideArgs,
}

/// Requires `--mock` for the mock's flags: an operator who asks for faults expects a rehearsal, not
/// real calls.
fn only_with_mock(arg: Arg) -> Arg {
    if !arg.get_id().as_str().starts_with("mock_") {
        return arg;
    }
    arg.requires("mock")
        .conflicts_with_all(["region", "endpoint"])
        .hide_short_help(true)
}

/// Offers the names of the regions for completion, and takes any text: the value is checked
/// together with those of the environment and the file.
#[derive(Clone)]
struct Region;

impl TypedValueParser for Region {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(
            REGIONS.iter().map(|(name, ..)| PossibleValue::new(*name)),
        ))
    }
}
