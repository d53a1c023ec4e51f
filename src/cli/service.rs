//! The flags that say where the service is and who calls.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command, ValueHint};

use super::{CallerArgs, MockInsideArgs};
use crate::api::endpoint::REGIONS;

/// Where the service is and who calls.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service", mut_args(only_with_mock))]
pub struct ServiceArgs {
    /// The app's region: china, singapore, seoul, frankfurt, silicon-valley, jakarta, tokyo, riyadh
    #[arg(long, value_name = "NAME", value_parser = Region, hide_possible_values = true, conflicts_with_all = ["endpoint", "mock"])]
    pub region: Option<String>,
    /// Any other address, https://… (http:// on loopback only)
    #[arg(long, value_name = "URL", conflicts_with = "mock")]
    pub endpoint: Option<String>,
    /// Who calls.
    #[command(flatten)]
    pub caller: CallerArgs,
    /// A private CA certificate (PEM) to trust besides the system's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true)]
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

/// Offers the names of the regions for completion, and takes any text: the value is checked together
/// with those of the environment and the file.
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
