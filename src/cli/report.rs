//! The flags of `recall report`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `recall report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  recall report rows.ledger.jsonl                      on the terminal
  recall report rows.ledger.jsonl --html report.html   a self-contained page to share
  recall report rows.ledger.jsonl --json               for scripts

Only the ledger is read; the last outcome of each row counts.")]
pub struct ReportArgs {
    /// The ledger
    #[arg(value_hint = ValueHint::FilePath)]
    pub ledger: PathBuf,
    /// Write an HTML page to this file instead of text to stdout
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// Print the report as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}
