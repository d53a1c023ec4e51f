//! `recall mock`: the service, on this machine, until Ctrl-C.

use std::io::{self, Write as _};

use crate::cli::MockArgs;
use crate::error::{Error, Result};
use crate::exit;
use crate::mock::{Cap, Latency, Mock, Options};

/// Runs a mock until it is asked to stop, then prints what it saw.
///
/// # Errors
/// When it can't listen, or stdout can't be written.
pub fn run(args: &MockArgs) -> Result<u8> {
    let mock = Mock::start(Options {
        listen: args.listen,
        public: args.public,
        latency: args
            .latency
            .as_deref()
            .map_or(Ok(Latency::default()), str::parse)?,
        faults: args
            .fail
            .iter()
            .map(|fault| fault.parse())
            .collect::<Result<_>>()?,
        cap: args.cap.map(Cap::Sliding),
        seed: args.seed,
        count_rows: args.count_rows,
    })?;
    let address = mock.address();
    let mut out = io::stdout();
    let fail = |error| Error::service("cannot write to stdout").because(error);
    writeln!(
        out,
        "A mock of the service listens on http://{address}\n\
         What it saw: curl http://{address}/mock/seen\n\
         Stop it with Ctrl-C."
    )
    .map_err(fail)?;
    super::job::wait_for_interrupt()?;
    let seen = serde_json::to_string(&mock.stop()).expect("plain data");
    writeln!(out, "{seen}").map_err(fail)?;
    Ok(exit::OK)
}
