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

Nothing is recalled. Without --online no service is asked, and only the rate of the environment or
the file counts, for how long a run will take. With --online the service and the credentials are
those of a run; while the service is out it waits for 30m, or for RECALL_MAX_OUTAGE, or for
max_outage in the file.

Exit codes: 0 every row can be sent, 1 the input can't be read, 2 usage, 3 some rows are invalid
(with --strict also the suspicious ones, with --online also those of groups where a recall does
nothing), 4 the service refuses or does not answer, 130 interrupted.")]
pub struct CheckArgs {
    /// What the rows are.
    #[command(flatten)]
    pub rows: InputArgs,
    /// Look up the groups at the service, and name those where a recall does nothing
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
