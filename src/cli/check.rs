//! The flags of `recall check`.

use clap::Args;

use super::{InputArgs, ProgressArg, ServiceArgs};

/// `recall check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  recall check rows.csv                           its contents and problems
  recall check rows.csv --strict && recall run rows.csv --strict
  recall check rows.csv --online --region tokyo   and which groups exist

Nothing is recalled. Without --online, the service is not contacted; of the environment and the
configuration file, only the rate is used, to estimate how long a run will take. With --online, the
service and credentials are those of a run. An outage is waited out for up to 30m, or
RECALL_MAX_OUTAGE, or max_outage in the file.

Exit codes: 0 every row can be sent, 1 the input can't be read, 2 usage, 3 some rows are invalid
(with --strict also suspicious ones, with --online also rows of groups where a recall does
nothing), 4 the service refuses or does not answer, 130 interrupted.")]
pub struct CheckArgs {
    /// The input.
    #[command(flatten)]
    pub rows: InputArgs,
    /// Look up the groups and list those where a recall does nothing
    #[arg(long)]
    pub online: bool,
    /// The service and the caller.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// How to show progress
    #[arg(long, value_enum, value_name = "HOW", default_value_t = ProgressArg::Auto, requires = "online", help_heading = "Results")]
    pub progress: ProgressArg,
    /// Print the findings as one JSON object
    #[arg(long, help_heading = "Results")]
    pub json: bool,
}
