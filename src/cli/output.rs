//! The flags for results and progress.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

/// Results and progress.
#[derive(Debug, Args)]
#[command(next_help_heading = "Results")]
pub struct OutputArgs {
    /// The file of failed rows, itself an input [default: the ledger's name with .failed]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true)]
    pub failed: Option<PathBuf>,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,
    /// How to show progress
    #[arg(long, value_enum, value_name = "HOW", default_value_t = ProgressArg::Auto)]
    pub progress: ProgressArg,
    /// Don't ask before the first call
    #[arg(long, short)]
    pub yes: bool,
}

/// How to show progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProgressArg {
    /// A bar on a terminal that can show one, plain lines elsewhere
    Auto,
    /// A bar
    Bar,
    /// Timestamped lines: every 5s in the first minute, once a minute in a run of hours
    Plain,
    /// Nothing
    None,
}
