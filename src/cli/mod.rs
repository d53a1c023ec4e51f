//! The command line: flags and their help, and nothing else.

mod bench;
mod report;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use bench::BenchArgs;
pub use report::ReportArgs;

/// Recalls what many senders wrote in Tencent Cloud Chat groups: paced to the cap, resumable,
/// with a ledger of every row.
#[derive(Debug, Parser)]
#[command(name = "recall", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Recall the rows of a CSV or JSONL file
    Run(RunArgs),
    /// Send the failed rows of a ledger again, into the same ledger
    Replay(ReplayArgs),
    /// Write the rows of a ledger to stdout, each with its last outcome
    Export(ExportArgs),
    /// Tell what became of the rows of a ledger: as text, JSON or a page to send on
    Report(ReportArgs),
    /// Tell what an error code means and what to do about it
    Explain(ExplainArgs),
    /// Measure the whole pipeline against a mock inside: pace, lag, CPU, memory
    Bench(BenchArgs),
    /// Run a mock of the service on this machine
    Mock(MockArgs),
}

/// `recall run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  recall run rows.csv --mock                      rehearse against a mock inside
  recall run rows.csv --region singapore          the real thing
  recall run rows.csv --region singapore --resume go on after an interruption
  zcat rows.csv.gz | recall run - --limit 10      the first ten rows from a pipe

Who calls comes from the environment, never from arguments: RECALL_SDKAPPID, RECALL_IDENTIFIER
(administrator), RECALL_SECRET_KEY or RECALL_USERSIG, RECALL_REGION or RECALL_ENDPOINT.

Exit codes: 0 all recalled, 1 could not run, 2 usage, 3 some rows failed or are invalid,
4 stopped by the service, an outage or the guard, 130 interrupted; after 4 and 130 --resume
goes on.")]
pub struct RunArgs {
    /// The rows: .csv, .tsv, .jsonl, .ndjson, or - for stdin
    pub input: PathBuf,
    /// Where the service is and who calls.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// How fast and how long.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// Where results go.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Go on with the ledger of an interrupted run
    #[arg(long, help_heading = "Results")]
    pub resume: bool,
    /// The file of results [default: INPUT's name with .ledger.jsonl]
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub ledger: Option<PathBuf>,
    /// Take the first N rows that are left, as a canary
    #[arg(long, value_name = "N", help_heading = "Rows")]
    pub limit: Option<u64>,
    /// Read everything and show the first calls, but make none
    #[arg(long, help_heading = "Rows")]
    pub dry_run: bool,
    /// Columns by other names than group, sender, topic and their usual variants
    #[arg(long, value_name = "group=NAME,sender=NAME", help_heading = "Rows")]
    pub columns: Option<String>,
    /// The first line is a row already: group, sender, topic unless --columns gives positions
    #[arg(long, help_heading = "Rows")]
    pub no_header: bool,
}

/// `recall replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The ledger whose failed rows are sent again
    pub ledger: PathBuf,
    /// Where the service is and who calls.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// How fast and how long.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// Where results go.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Where the service is and who calls.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub struct ServiceArgs {
    /// The app's region: china, singapore, seoul, frankfurt, silicon-valley, jakarta, tokyo, riyadh
    #[arg(long, value_name = "NAME", conflicts_with_all = ["endpoint", "mock"])]
    pub region: Option<String>,
    /// Any other address of the service, https://… (http:// on loopback only)
    #[arg(long, value_name = "URL", conflicts_with = "mock")]
    pub endpoint: Option<String>,
    /// The app, an integer
    #[arg(long, value_name = "N")]
    pub sdkappid: Option<u64>,
    /// The account that calls, an admin of the app [default: administrator]
    #[arg(long, value_name = "ID")]
    pub identifier: Option<String>,
    /// A TOML file with what the environment could say, for several apps
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A profile of the file
    #[arg(long, value_name = "NAME", requires = "config")]
    pub profile: Option<String>,
    /// A private certificate authority (PEM) to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Rehearse: call a mock of the service inside this process
    #[arg(long)]
    pub mock: bool,
    /// How long the mock inside takes to answer
    #[arg(long, value_name = "20ms..80ms", requires = "mock", conflicts_with_all = ["region", "endpoint"])]
    pub mock_latency: Option<String>,
    /// How often the mock inside answers with an error code; may be repeated
    #[arg(long, value_name = "CODE=P%", requires = "mock", conflicts_with_all = ["region", "endpoint"])]
    pub mock_fail: Vec<String>,
    /// Most calls in any second that the mock inside lets through [default: any number]
    #[arg(long, value_name = "N", requires = "mock", conflicts_with_all = ["region", "endpoint"])]
    pub mock_cap: Option<u32>,
    /// The seed of the mock's chances
    #[arg(long, value_name = "N", requires = "mock", conflicts_with_all = ["region", "endpoint"], default_value_t = 0)]
    pub mock_seed: u64,
}

/// How fast and how long.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pace and patience")]
pub struct PaceArgs {
    /// Most calls in any second, 1 to 200; more, or max, for a loopback service only
    #[arg(long, value_name = "N|max", default_value = "200")]
    pub rate: String,
    /// Most calls in flight [default: 200, which keeps the cap up to answers of one second]
    #[arg(
        long,
        value_name = "N",
        default_value_t = 200,
        hide_default_value = true
    )]
    pub concurrency: usize,
    /// Most attempts a row
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub max_attempts: u32,
    /// How long a call may take; the service itself takes up to 3s
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub timeout: String,
    /// End the run when so many rows have failed, N or P%, or none to let them [default: 50% of
    /// at least 1,000 rows, or the first 20 all alike; none for rows that failed before]
    #[arg(long, value_name = "N|P%|none")]
    pub max_failures: Option<String>,
    /// Queue behind another run for the same app and endpoint on this machine
    #[arg(long)]
    pub wait: bool,
    /// How long to wait for a service that is out; 0 lets rows fail instead
    #[arg(long, value_name = "TIME", default_value = "30m")]
    pub max_outage: String,
}

/// Where results go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Results")]
pub struct OutputArgs {
    /// The file of failed rows, itself an input [default: INPUT's name with .failed]
    #[arg(long, value_name = "FILE")]
    pub failed: Option<PathBuf>,
    /// Print the summary as one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// How to show progress
    #[arg(long, value_enum, value_name = "HOW", default_value_t = ProgressArg::Auto)]
    pub progress: ProgressArg,
    /// Do not ask before the first call
    #[arg(long, short)]
    pub yes: bool,
}

/// How to show progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProgressArg {
    /// A bar on a terminal, plain lines elsewhere
    Auto,
    /// A bar
    Bar,
    /// A line every five seconds
    Plain,
    /// Nothing
    None,
}

/// `recall export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The ledger
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

/// `recall explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// An error code, an HTTP status, or a negative code of the ledger; without one, all
    #[arg(allow_hyphen_values = true)]
    pub code: Option<i64>,
}

/// `recall mock`.
#[derive(Debug, Args)]
pub struct MockArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8086")]
    pub listen: std::net::SocketAddr,
    /// Listen where other machines can reach it
    #[arg(long)]
    pub public: bool,
    /// The app, its groups and their messages (TOML or JSON lines) [default: whatever is asked for is there]
    #[arg(long, value_name = "FILE")]
    pub world: Option<PathBuf>,
    /// Messages that arrive in the world, in a second
    #[arg(long, value_name = "N", default_value_t = 0.0, requires = "world")]
    pub traffic: f64,
    /// How long an answer takes: also lognormal:40ms,400ms or spikes:20ms..80ms,2s..3s,1% [default: no time]
    #[arg(long, value_name = "20ms..80ms")]
    pub latency: Option<String>,
    /// What goes wrong and how often: a code, an HTTP status, or refuse, reset, half, endless, slow,
    /// html, wrong, hang; a share of the calls (5%) or of the rows (5%/row); may be repeated
    #[arg(long, value_name = "WHAT=P%")]
    pub fail: Vec<String>,
    /// What happens when (TOML)
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    /// Most calls a second of each app and command, the rest get the frequency error: 200 in any
    /// second, fixed:200 in each second of the clock, or bucket:200,50 with a burst of 50
    #[arg(long, value_name = "N")]
    pub cap: Option<String>,
    /// How long a connection may be idle before it is closed
    #[arg(long, value_name = "90s", default_value = "90s")]
    pub idle: String,
    /// The seed of all chances
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// At the end also tell of each row (with --count-rows), connection and sender in the world
    #[arg(long)]
    pub details: bool,
    /// Count the calls of each row, for /mock/rows; costs memory
    #[arg(long)]
    pub count_rows: bool,
}
