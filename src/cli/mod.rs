//! The command line: flags and their help, and nothing else.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are help texts, which are not Markdown"
)]

mod bench;
mod caller;
mod check;
mod export;
mod input;
mod mock;
mod mock_inside;
mod output;
mod pace;
mod pages;
mod report;
mod run;
mod service;
mod usersig;

use clap::{Args, Parser, Subcommand};

pub use bench::BenchArgs;
pub use caller::{CallerArgs, FileArgs};
pub use check::CheckArgs;
pub use export::{ExportArgs, ExportFormat, OutcomeArg};
pub use input::InputArgs;
pub use mock::MockArgs;
pub use mock_inside::MockInsideArgs;
pub use output::{OutputArgs, ProgressArg};
pub use pace::PaceArgs;
pub use pages::{CompletionsArgs, ManArgs};
pub use report::ReportArgs;
pub use run::{ReplayArgs, RunArgs};
pub use service::ServiceArgs;
pub use usersig::{MintArgs, ShowArgs, UserSigCommand};

/// Recalls the messages of many senders in Tencent Cloud Chat groups: paced to the cap, resumable,
/// with a ledger of every row.
#[derive(Debug, Parser)]
#[command(name = "recall", version, max_term_width = 100)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a file of rows: its contents, its problems, how long it will take
    Check(CheckArgs),
    /// Recall the rows of a CSV or JSONL file
    Run(RunArgs),
    /// Send the failed rows of a ledger again, into the same ledger
    Replay(ReplayArgs),
    /// Write the rows of a ledger to stdout, each with its last outcome
    Export(ExportArgs),
    /// Report the outcomes in a ledger: as text, JSON or an HTML page
    Report(ReportArgs),
    /// Explain an error code, and what to do about it
    Explain(ExplainArgs),
    /// Make a UserSig from the secret key, or show what one contains
    #[command(subcommand)]
    Usersig(UserSigCommand),
    /// Measure the whole pipeline against a built-in mock: pace, lag, CPU, memory
    Bench(BenchArgs),
    /// Run a mock of the service
    Mock(MockArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print a man page
    Man(ManArgs),
}

/// `recall explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// An error code, an HTTP status, or a negative code from a ledger [default: list all]
    #[arg(allow_hyphen_values = true)]
    pub code: Option<i64>,
}
