//! The flags of `recall check`.

use clap::Args;

use super::InputArgs;

/// `recall check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  recall check rows.csv                           what is in it, what is wrong with it
  recall check rows.csv --strict && recall run rows.csv --strict

Nothing is called. Exit codes: 0 every row can be sent, 1 it can't be read, 2 usage, 3 some rows
are invalid (with --strict also the suspicious ones).")]
pub struct CheckArgs {
    /// What the rows are.
    #[command(flatten)]
    pub rows: InputArgs,
    /// Print what was found as one JSON object
    #[arg(long, help_heading = "Results")]
    pub json: bool,
}
