//! `recall bench`: measures the whole pipeline against the built-in mock.
//!
//! Rows are generated on the fly; loop, client, ledger and syncs are those of a run. The mock uses
//! a thread of this process, so at full speed the figures are a lower bound on machines with few
//! cores; its CPU time is reported separately.

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

/// By default, a part with a rate has enough rows for this many seconds.
const SECONDS: u64 = 10;
/// By default, a part at full speed has this many rows, or as many as can be read in [`MAX_TIME`].
const MAX_ROWS: u64 = 200_000;
const MAX_TIME: Duration = Duration::from_secs(6);
/// The default latency of answers in the part at the cap.
const DEFAULT_LATENCY: &str = "20ms..80ms";

/// Measures, and prints the figures.
///
/// # Errors
/// If a flag is invalid, or the mock, the ledger or stdout fails.
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
            screen.line("Stopped early; the figures cover the calls made so far.");
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
            None => format!("{pace}, immediate answers"),
        }
    }
}

/// Returns the requested parts; without `--rate` and `--rows`, one at the cap and one at full
/// speed.
fn parts_of(args: &BenchArgs) -> Result<Vec<Part>> {
    let part = |rate: Option<NonZeroU32>, latency: Option<&str>| {
        let (rows, at_most) = match (args.rows, rate) {
            (Some(rows), _) => (rows.get(), Duration::MAX),
            (None, Some(rate)) => (SECONDS * u64::from(rate.get()), Duration::MAX),
            (None, None) => (MAX_ROWS, MAX_TIME),
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
            part(NonZeroU32::new(CAP), latency.or(Some(DEFAULT_LATENCY)))?,
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
    let mut pace_meter = PaceMeter::new(monitor(progress, screen, cap));
    let before = Usage::now("mock");
    let finished = on_one_thread(async {
        let feed = Feed::of_rows(made_up::rows(part.rows, part.at_most), part.rows);
        run::run(
            plan,
            feed,
            client,
            file,
            &mut pace_meter,
            interrupts::interrupts,
        )
        .await
    })?;
    let used = Usage::now("mock").since(&before);
    let figures = Figures::new(
        cap,
        concurrency.get(),
        &finished,
        pace_meter.pace(),
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
        let parts = parts_of(&args).expect("valid flags");
        let what = |part: &Part| (part.rate.map(NonZeroU32::get), part.rows, part.at_most);
        parts.iter().map(what).collect()
    }

    #[test]
    fn without_flags_the_cap_and_full_speed_are_measured_in_less_than_twenty_seconds() {
        let parts = parts("");
        assert_eq!(
            parts,
            [
                (Some(200), 2_000, Duration::MAX),
                (None, MAX_ROWS, MAX_TIME)
            ]
        );
        assert!(Duration::from_secs(SECONDS) + MAX_TIME < Duration::from_secs(20));
    }

    #[test]
    fn flags_choose_the_part() {
        assert_eq!(parts("--rows 500"), [(None, 500, Duration::MAX)]);
        assert_eq!(parts("--rate 50"), [(Some(50), 500, Duration::MAX)]);
        assert_eq!(parts("--rate max --rows 7"), [(None, 7, Duration::MAX)]);
    }
}
