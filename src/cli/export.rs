//! The flags of `recall export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

/// `recall export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The ledger
    #[arg(value_hint = ValueHint::FilePath)]
    pub ledger: PathBuf,
    /// Only rows with this outcome
    #[arg(long, value_name = "OUTCOME")]
    pub outcome: Option<OutcomeArg>,
    /// The format
    #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
    pub format: ExportFormat,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutcomeArg {
    /// The service answered that it was done
    Recalled,
    /// The service refused the row, or gave no answer
    Failed,
    /// The row could not be sent
    Invalid,
    /// A call would have done nothing
    Skipped,
}

/// Formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Comma-separated, with a header
    Csv,
    /// A JSON object a line
    Jsonl,
}
