//! `recall check`: the contents of an input, its problems, and how long it will take.

use std::fmt::Write as _;

use serde::Serialize;

use super::stdout::{print, print_json};
use super::{groups, input, open_files};
use crate::cli::{CheckArgs, PaceArgs, ServiceArgs};
use crate::config::{self, Service, Settings, process_env};
use crate::display::thousands;
use crate::error::{Error, Result};
use crate::exit;
use crate::monitor::Screen;
use crate::monitor::status::how_long;
use crate::preflight;
use crate::survey::{Census, FaultyRows, Survey};

/// Checks an input.
///
/// # Errors
/// If the input can't be read, its groups can't be looked up, or stdout can't be written.
pub fn run(args: &CheckArgs, screen: &Screen) -> Result<u8> {
    if !args.online {
        refuse_service(&args.service)?;
    }
    input::tell_of_keyboard(&args.rows, screen);
    let mut survey = Survey::new();
    let rows = input::open(&args.rows)?;
    // The same as for a run without flags.
    let pace = PaceArgs::default();
    let settings = Settings::of_run(&args.service, &pace, &process_env()?)?;
    let mut plan = config::plan(&settings, None, false)?;
    let rate = plan.cap();
    let groups = if args.online {
        plan.concurrency = open_files::calls_that_fit(plan.concurrency, args.service.mock, screen)?;
        let service = Service::new(&args.service, &settings, &plan, None)?;
        let progress = args.progress;
        let (groups, _) = groups::preflight(rows, &mut survey, &service, &plan, progress, screen)?;
        Some(groups)
    } else {
        let _patience = screen.patience(format!("Reading {}…", input::name(&args.rows)));
        survey.take_input(rows, None, |_, _| Ok(()))?;
        None
    };
    let census = survey.census();
    if args.json {
        print_json(&Checked::new(&census, groups.as_ref(), rate))?;
    } else {
        print(&text(&input::name(&args.rows), &census, rate))?;
        if let Some(groups) = &groups {
            print(&format!("\n{}\n", groups.text()))?;
        }
    }
    let to_skip = groups.map_or(0, |groups| groups.rows_to_skip());
    Ok(if census.invalid + to_skip > 0 {
        exit::ROWS_FAILED
    } else {
        exit::OK
    })
}

/// Refuses flags for the service and the caller: an operator who passes one expects the service to
/// be contacted. Offline, only the pace matters, which may come from `--config`.
fn refuse_service(args: &ServiceArgs) -> Result<()> {
    let flags = [
        ("--region", args.region.is_some()),
        ("--endpoint", args.endpoint.is_some()),
        ("--sdkappid", args.caller.sdkappid.is_some()),
        ("--identifier", args.caller.identifier.is_some()),
        ("--cacert", args.cacert.is_some()),
        ("--mock", args.mock),
    ];
    match flags.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => Err(
            Error::usage(format!("{flag} has no effect without --online"))
                .hint(format!("add --online, or leave {flag} out")),
        ),
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Checked<'a> {
    #[serde(flatten)]
    census: &'a Census,
    /// The results of looking up the groups, with `--online`.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups_online: Option<&'a preflight::GroupsReport>,
    /// Calls that a run would make, without retries.
    calls: u64,
    /// How long the calls take at the configured rate, rounded up; `None` if the rate is not
    /// limited.
    seconds_at_cap: Option<u64>,
}

impl<'a> Checked<'a> {
    fn new(
        census: &'a Census,
        groups_online: Option<&'a preflight::GroupsReport>,
        rate: Option<u32>,
    ) -> Self {
        Self {
            census,
            groups_online,
            calls: census.calls(),
            seconds_at_cap: rate.map(|rate| census.calls().div_ceil(u64::from(rate))),
        }
    }
}

fn text(input: &str, census: &Census, rate: Option<u32>) -> String {
    let mut text = String::new();
    write(&mut text, input, census, rate).expect("writing to a String can't fail");
    text
}

fn write(to: &mut String, input: &str, census: &Census, rate: Option<u32>) -> std::fmt::Result {
    writeln!(to, "{input}\n")?;
    let counts = [
        ("rows", thousands(census.rows), String::new()),
        (
            "duplicates",
            thousands(census.duplicates),
            "not called again".to_owned(),
        ),
        (
            "invalid",
            thousands(census.invalid),
            "can't be sent as they stand".to_owned(),
        ),
        (
            "suspicious",
            thousands(census.suspicious),
            "probably a mistake".to_owned(),
        ),
        ("groups", census.groups.to_string(), String::new()),
        ("senders", census.senders.to_string(), String::new()),
        ("topics", census.topics.to_string(), String::new()),
        (
            "calls",
            thousands(census.calls()),
            how_long(census.calls(), rate),
        ),
    ];
    for (name, count, words) in counts {
        writeln!(
            to,
            "{}",
            format!("{name:<10} {count:>14}  {words}").trim_end()
        )?;
    }
    faulty(to, "Invalid", census.invalid, &census.invalid_rows)?;
    faulty(to, "Suspicious", census.suspicious, &census.suspicious_rows)?;
    if census.suspicious > 0 {
        writeln!(
            to,
            "\nSuspicious rows are sent as they stand; with --strict they are invalid."
        )?;
    }
    Ok(())
}

/// Writes the first few faulty rows and, if there are more, a count by kind.
fn faulty(to: &mut String, title: &str, rows: u64, faulty: &FaultyRows) -> std::fmt::Result {
    if rows == 0 {
        return Ok(());
    }
    writeln!(to, "\n{title}")?;
    for fault in &faulty.first {
        match &fault.input {
            None => writeln!(to, "  line {}: {}", fault.line, fault.reason)?,
            Some(input) => writeln!(to, "  {input}:{}: {}", fault.line, fault.reason)?,
        }
    }
    let more = rows - faulty.first.len() as u64;
    if more == 0 {
        return Ok(());
    }
    writeln!(to, "  and {} more; all by kind:", thousands(more))?;
    for kind in &faulty.kinds {
        writeln!(to, "{:>12}  {}", thousands(kind.rows), kind.kind)?;
    }
    Ok(())
}
