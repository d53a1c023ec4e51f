//! `recall mock`: runs a mock of the service until Ctrl-C.

use std::net::SocketAddr;
use std::str::FromStr;

use super::stdout::print;
use crate::cli::MockArgs;
use crate::config::{flag, time};
use crate::error::{Error, Result};
use crate::exit;
use crate::mock::{KeyFilter, List, Mock, Options, Script, World};

/// Runs a mock until Ctrl-C, then prints its totals.
///
/// # Errors
/// If a file or flag is invalid, the address can't be listened on, or stdout can't be written.
pub fn run(args: &MockArgs) -> Result<u8> {
    let mock = Mock::start(options(args)?)?;
    let address = mock.address();
    super::interrupts::wait_for_interrupt(|| print(&greeting(args, address)))?;
    let world = List::World(KeyFilter::default());
    let lists = [List::Apps, List::Rows, List::Connections, world];
    let details = args.details.then(|| lists.map(|list| mock.list(list)));
    let seen = serde_json::to_string(&mock.stop()).expect("it serializes");
    let details = details.into_iter().flatten().collect::<String>();
    print(&format!("{seen}\n{details}"))?;
    Ok(exit::OK)
}

fn greeting(args: &MockArgs, address: SocketAddr) -> String {
    let mut lines = vec![
        format!("A mock of the service listens on http://{address}"),
        format!("What it saw: curl http://{address}/mock/seen"),
    ];
    if args.world.is_some() || args.count_rows {
        lines.push(format!("Its world: curl http://{address}/mock/world"));
    }
    if args.script.is_some() || !args.away.is_empty() {
        lines.push("Its script starts with the first call.".to_owned());
    }
    lines.push("Stop it with Ctrl-C.\n".to_owned());
    lines.join("\n")
}

fn options(args: &MockArgs) -> Result<Options> {
    Ok(Options {
        listen: args.listen,
        public: args.public,
        latency: parse("--latency", args.latency.as_deref())?.unwrap_or_default(),
        faults: args
            .fail
            .iter()
            .map(|fault| flag("--fail", fault))
            .collect::<Result<_>>()?,
        script: script(args)?,
        cap: parse("--cap", args.cap.as_deref())?,
        idle: time("--idle", &args.idle)?,
        seed: args.seed,
        count_rows: args.count_rows,
        world: args.world.as_deref().map(World::load).transpose()?,
        traffic: args.traffic,
        hook: None,
    })
}

/// Returns the script, with the outages from flags.
fn script(args: &MockArgs) -> Result<Script> {
    let mut script = match &args.script {
        Some(path) => Script::load(path)
            .map_err(|error| error.or_hint("see samples/incident.toml for an example"))?,
        None => Script::default(),
    };
    for outage in &args.away {
        script.add_outage(outage)?;
    }
    Ok(script)
}

fn parse<T: FromStr<Err = Error>>(name: &str, text: Option<&str>) -> Result<Option<T>> {
    text.map(|text| flag(name, text)).transpose()
}
