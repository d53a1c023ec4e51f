//! The flags of `recall mock`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `recall mock`.
#[derive(Debug, Args)]
#[command(after_help = "\
It reports over HTTP: /mock/seen as a JSON object, the others as JSON lines:
  /mock/seen         totals
  /mock/apps         calls, and calls over the cap, by app and command
  /mock/rows         calls per row, with --count-rows
  /mock/connections  calls per connection, for the last 10,000
  /mock/world        messages per sender; filter: ?group=…&sender=…&topic=…
  /mock/messages     the last 1,000 messages of ?group=…&topic=…
In a query, write # as %23: ?group=@TGS%232C5SZEAEF")]
pub struct MockArgs {
    /// Address to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8086")]
    pub listen: std::net::SocketAddr,
    /// Allow an address that other machines can reach
    #[arg(long)]
    pub public: bool,
    /// The app, its groups and their messages (TOML or JSON lines), such as samples/world.toml
    /// [default: generated from the seed; every group and sender exists]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub world: Option<PathBuf>,
    /// New messages per second in the world
    #[arg(long, value_name = "N", default_value_t = 0.0, requires = "world")]
    pub traffic: f64,
    /// Time to answer; or lognormal:40ms,400ms or spikes:20ms..80ms,2s..3s,1% [default: none]
    #[arg(long, value_name = "20ms..80ms")]
    pub latency: Option<String>,
    /// A fault and its share: an error code, an HTTP status, or reset, half, endless, slow, html,
    /// wrong, hang; for a share of the calls (5%), or for every call of a share of the rows, groups
    /// or senders (5%/row, 5%/group, 5%/sender). refuse=5% refuses 5% of new connections. May be
    /// repeated
    #[arg(long, value_name = "WHAT=P%")]
    pub fail: Vec<String>,
    /// Timed faults, latencies and outages (TOML), for all or some rows; see samples/incident.toml.
    /// The clock starts at the first call
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub script: Option<PathBuf>,
    /// An outage, timed from the first call: open connections are cut and new ones refused. May be
    /// repeated
    #[arg(long, value_name = "10s..20s")]
    pub away: Vec<String>,
    /// Maximum calls per second for each app and command; calls over it get the frequency error:
    /// 200 in any second, fixed:200 per clock second, or bucket:200,50 for a burst of 50
    #[arg(long, value_name = "N")]
    pub cap: Option<String>,
    /// Close connections that are idle this long
    #[arg(long, value_name = "90s", default_value = "90s")]
    pub idle: String,
    /// Seed of all random choices
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// At the end, also list apps, rows (with --count-rows), connections and senders in the world
    #[arg(long)]
    pub details: bool,
    /// Remember each called row, for /mock/rows and, without --world, for /mock/world; uses memory
    #[arg(long)]
    pub count_rows: bool,
}
