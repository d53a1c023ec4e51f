//! `recall report`.

use std::path::PathBuf;

use clap::Args;

/// `recall report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  recall report rows.ledger.jsonl                      on the terminal
  recall report rows.ledger.jsonl --json               for machines

It reads the ledger and nothing else; each row counts with its last outcome.")]
pub struct ReportArgs {
    /// The ledger
    pub ledger: PathBuf,
    /// Print it as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}
