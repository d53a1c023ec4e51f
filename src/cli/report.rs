//! The flags of `recall report`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `recall report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  recall report rows.ledger.jsonl                      on the terminal
  recall report rows.ledger.jsonl --html report.html   a page to send on: one file, no network
  recall report rows.ledger.jsonl --json               for machines

It reads the ledger and nothing else; each row counts with its last outcome.")]
pub struct ReportArgs {
    /// The ledger
    #[arg(value_hint = ValueHint::FilePath)]
    pub ledger: PathBuf,
    /// Write the report as a page to this file, instead of text to stdout
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// Print it as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}
