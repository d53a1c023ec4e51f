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

/// The outcome of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutcomeArg {
    /// The service reported success
    Recalled,
    /// The service refused the row, or gave no answer
    Failed,
    /// The row could not be sent
    Invalid,
    /// Not sent: a recall would have done nothing
    Skipped,
}

/// Formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Comma-separated, with a header
    Csv,
    /// One JSON object per line
    Jsonl,
}
