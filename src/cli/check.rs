//! The flags of `recall check`.

use clap::Args;

use super::{InputArgs, ProgressArg, ServiceArgs};

/// `recall check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  recall check rows.csv                           what is in it, what is wrong with it
  recall check rows.csv --strict && recall run rows.csv --strict
  recall check rows.csv --online --region tokyo   and which groups are there

Nothing is recalled; with --online who calls comes from the environment, as for a run. Exit codes:
0 every row can be sent, 1 it can't be read, 2 usage, 3 some rows are invalid (with --strict also
the suspicious ones, with --online also those of groups in which a recall does nothing), 4 the
service refuses to tell or does not answer, 130 interrupted. A service that is out is waited for as
long as in a run: 30m, or what RECALL_MAX_OUTAGE or max_outage in the file say.")]
pub struct CheckArgs {
    /// What the rows are.
    #[command(flatten)]
    pub rows: InputArgs,
    /// Ask the service for the groups, and name those in which a recall does nothing
    #[arg(long)]
    pub online: bool,
    /// Where the service is and who asks.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// How to show progress
    #[arg(long, value_enum, value_name = "HOW", default_value_t = ProgressArg::Auto, requires = "online", help_heading = "Results")]
    pub progress: ProgressArg,
    /// Print what was found as one JSON object
    #[arg(long, help_heading = "Results")]
    pub json: bool,
}
