//! The flags of `recall mock`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `recall mock`.
#[derive(Debug, Args)]
#[command(after_help = "\
It reports over HTTP, in JSON; all but the first as JSON lines:
  /mock/seen         its figures
  /mock/apps         calls and those over the cap, by app and command
  /mock/rows         calls of each row, with --count-rows
  /mock/connections  calls over each of the last 10,000
  /mock/world        messages by sender, of ?group=…&sender=…&topic=… or all
  /mock/messages     the last 1,000 of ?group=…&topic=…
In a query # is written %23: ?group=@TGS%232C5SZEAEF")]
pub struct MockArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8086")]
    pub listen: std::net::SocketAddr,
    /// Listen where other machines can reach it
    #[arg(long)]
    pub public: bool,
    /// The app, its groups and their messages (TOML or JSON lines), such as samples/world.toml
    /// [default: made up from the seed, and whatever a row names is there]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub world: Option<PathBuf>,
    /// New messages that arrive in the world each second
    #[arg(long, value_name = "N", default_value_t = 0.0, requires = "world")]
    pub traffic: f64,
    /// How long an answer takes: also lognormal:40ms,400ms or spikes:20ms..80ms,2s..3s,1% [default: no time]
    #[arg(long, value_name = "20ms..80ms")]
    pub latency: Option<String>,
    /// What goes wrong and how often: an error code, an HTTP status, or reset, half, endless, slow,
    /// html, wrong, hang; for a share of the calls (5%), or every time for a share of the rows,
    /// groups or senders (5%/row, 5%/group, 5%/sender). refuse=5% refuses new connections 5% of the
    /// time. May be repeated
    #[arg(long, value_name = "WHAT=P%")]
    pub fail: Vec<String>,
    /// Faults, latencies and outages by time (TOML), such as samples/incident.toml, for all rows or
    /// some. Its clock starts with the first call
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub script: Option<PathBuf>,
    /// An outage between two moments after the first call: open connections are cut and new ones
    /// refused. May be repeated
    #[arg(long, value_name = "10s..20s")]
    pub away: Vec<String>,
    /// Most calls a second per app and command, the rest get the frequency error: 200 in any
    /// second, fixed:200 in each second of the clock, or bucket:200,50 with a burst of 50
    #[arg(long, value_name = "N")]
    pub cap: Option<String>,
    /// How long a connection may be idle before it is closed
    #[arg(long, value_name = "90s", default_value = "90s")]
    pub idle: String,
    /// The seed of all random choices
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// At the end also list each app, row (with --count-rows), connection and sender in the world
    #[arg(long)]
    pub details: bool,
    /// Remember each row that was called, for /mock/rows, and without a world for /mock/world;
    /// costs memory
    #[arg(long)]
    pub count_rows: bool,
}
