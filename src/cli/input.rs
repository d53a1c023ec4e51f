//! The flags that say what the rows are.

use std::path::PathBuf;

use clap::Args;

/// What the rows are and how to read them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rows")]
pub struct InputArgs {
    /// The rows: .csv, .tsv, .jsonl, .ndjson, or - for stdin; several need --ledger
    #[arg(required = true, value_name = "INPUT", help_heading = None)]
    pub inputs: Vec<PathBuf>,
    /// Columns by other names: group=room,sender=uid
    ///
    /// Without it they are group, sender, topic and their usual variants.
    #[arg(long, value_name = "NAMES")]
    pub columns: Option<String>,
    /// The first line is a row already
    ///
    /// Its columns are group, sender, topic, unless --columns gives positions: group=2,sender=1.
    #[arg(long)]
    pub no_header: bool,
    /// Take suspicious rows for invalid ones
    ///
    /// Suspicious are IDs that are too long, cut or rounded, topics of other groups, swapped
    /// columns.
    #[arg(long)]
    pub strict: bool,
}
