//! `recall bench`: the whole pipeline against a mock inside, and what it costs.
//!
//! Rows are made up while they are called; loop, client, ledger and its syncs are those of a run.
//! The mock takes a thread of this process, so at full speed the figures are a lower bound where
//! cores are few; its share of the CPU time is told apart.

mod figures;
mod figures_text;
mod folder;
mod made_up;
mod pace_meter;

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use jiff::Timestamp;

use super::one_thread::on_one_thread;
use super::progress::monitor;
use super::stdout::{print, print_json};
use super::{interrupts, open_files};
use crate::api::CAP;
use crate::api::client::{Client, Transport};
use crate::api::usersig;
use crate::cli::{BenchArgs, ProgressArg};
use crate::config;
use crate::error::Result;
use crate::exit;
use crate::ledger::{Header, MOCK, Start, VERSION};
use crate::mock::{self, Mock};
use crate::monitor::Screen;
use crate::run::{self, End, Feed, LedgerFile, MaxFailures, Plan, Stop};
use crate::usage::Usage;
use figures::{Bench, Figures};
use folder::Folder;
use pace_meter::PaceMeter;

/// Unless flags say otherwise, a part at a rate has the rows of so many seconds.
const SECONDS: u64 = 10;
/// And one at full speed has so many rows, or as many as can be read in this time.
const MANY: u64 = 200_000;
const LONG: Duration = Duration::from_secs(6);
/// How long the service takes to answer in the part at the cap, unless flags say otherwise.
const USUAL_LATENCY: &str = "20ms..80ms";

/// Measures, and prints the figures.
///
/// # Errors
/// When the flags make no sense, or mock, ledger or stdout fail.
pub fn run(args: &BenchArgs, screen: &Screen) -> Result<u8> {
    let concurrency = open_files::calls_that_fit(args.concurrency, true, screen)?;
    let mut parts = Vec::new();
    let mut stopped = None;
    for part in parts_of(args)? {
        if !args.json {
            print(&format!("{}\n", part.title()))?;
        }
        let (figures, stop) = measure(&part, concurrency, args.progress, screen)?;
        if !args.json {
            print(&figures.text())?;
        }
        parts.push(figures);
        if let Some(stop) = stop {
            screen.line("It was stopped before its end; the figures are of what was done.");
            stopped = Some(stop);
            break;
        }
    }
    if args.json {
        print_json(&Bench::new(parts))?;
    }
    Ok(stopped.as_ref().map_or(exit::OK, exit::of_stop))
}

/// One thing to measure.
struct Part {
    rate: Option<NonZeroU32>,
    rows: u64,
    at_most: Duration,
    mock: mock::Options,
    latency: Option<String>,
}

impl Part {
    fn title(&self) -> String {
        let pace = match self.rate {
            Some(rate) => format!("At {rate} calls/s"),
            None => "At full speed".to_owned(),
        };
        match &self.latency {
            Some(latency) => format!("{pace}, answers after {latency}"),
            None => format!("{pace}, answers at once"),
        }
    }
}

/// What was asked for; without `--rate` and `--rows` both what the cap and what the machine allow.
fn parts_of(args: &BenchArgs) -> Result<Vec<Part>> {
    let part = |rate: Option<NonZeroU32>, latency: Option<&str>| {
        let (rows, at_most) = match (args.rows, rate) {
            (Some(rows), _) => (rows.get(), Duration::MAX),
            (None, Some(rate)) => (SECONDS * u64::from(rate.get()), Duration::MAX),
            (None, None) => (MANY, LONG),
        };
        Ok(Part {
            rate,
            rows,
            at_most,
            mock: config::mock_options(&args.mock, latency)?,
            latency: latency.map(ToOwned::to_owned),
        })
    };
    let latency = args.mock.mock_latency.as_deref();
    match (args.rate.as_deref(), args.rows) {
        (None, None) => Ok(vec![
            part(NonZeroU32::new(CAP), latency.or(Some(USUAL_LATENCY)))?,
            part(None, latency)?,
        ]),
        (None, Some(_)) => Ok(vec![part(None, latency)?]),
        (Some(rate), _) => Ok(vec![part(config::rate("--rate", rate)?, latency)?]),
    }
}

fn measure(
    part: &Part,
    concurrency: NonZeroUsize,
    progress: ProgressArg,
    screen: &Screen,
) -> Result<(Figures, Option<Stop>)> {
    let folder = Folder::new()?;
    let mock = Mock::start(part.mock.clone())?;
    let transport = Transport {
        endpoint: format!("http://{}", mock.address()).parse()?,
        timeout: Duration::from_secs(10),
        connections: concurrency.get(),
        cacert: None,
    };
    let client = Client::new(&transport, config::mock_credentials(usersig::now()))?;
    let file = LedgerFile {
        path: folder.path().join("bench.ledger.jsonl"),
        header: Header {
            version: VERSION,
            app: client.credentials().app,
            endpoint: MOCK.to_owned(),
            input: "bench".to_owned(),
            created: Timestamp::now(),
        },
        start: Start::New,
    };
    let plan = Plan {
        rate: part.rate,
        concurrency,
        max_outage: Duration::from_secs(10),
        max_failures: MaxFailures::Any,
        ..Plan::default()
    };
    let cap = plan.cap();
    let mut watch = PaceMeter::new(monitor(progress, screen, cap));
    let before = Usage::now("mock");
    let finished = on_one_thread(async {
        let feed = Feed::of_rows(made_up::rows(part.rows, part.at_most), part.rows);
        run::run(plan, feed, client, file, &mut watch, interrupts::interrupts).await
    })?;
    let used = Usage::now("mock").since(&before);
    let figures = Figures::new(
        cap,
        concurrency.get(),
        &finished,
        watch.pace(),
        &mock.stop(),
        &used,
    );
    match finished.end {
        End::Input(error) | End::Ledger(error) => Err(error),
        End::Stopped(stop) => Ok((figures, Some(stop))),
        End::Done => Ok((figures, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    fn parts(line: &str) -> Vec<(Option<u32>, u64, Duration)> {
        let words = ["recall", "bench"]
            .into_iter()
            .chain(line.split_whitespace());
        let Command::Bench(args) = Cli::try_parse_from(words).expect("flags").command else {
            panic!("another command");
        };
        let parts = parts_of(&args).expect("they make sense");
        let what = |part: &Part| (part.rate.map(NonZeroU32::get), part.rows, part.at_most);
        parts.iter().map(what).collect()
    }

    #[test]
    fn without_flags_both_cap_and_machine_are_measured_in_less_than_twenty_seconds() {
        let parts = parts("");
        assert_eq!(
            parts,
            [(Some(200), 2_000, Duration::MAX), (None, MANY, LONG)]
        );
        assert!(Duration::from_secs(SECONDS) + LONG < Duration::from_secs(20));
    }

    #[test]
    fn with_flags_it_is_what_they_say() {
        assert_eq!(parts("--rows 500"), [(None, 500, Duration::MAX)]);
        assert_eq!(parts("--rate 50"), [(Some(50), 500, Duration::MAX)]);
        assert_eq!(parts("--rate max --rows 7"), [(None, 7, Duration::MAX)]);
    }
}
