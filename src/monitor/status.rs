//! The text of progress, for the bar and for plain lines.

use std::time::Duration;

use super::counts::of_rows;
use super::{OutageProgress, PreflightProgress, Progress, State, Total};
use crate::api::codes;
use crate::display::{count, counted, thousands, time};
use crate::run::least_time;

/// Formats the minimum time that calls take: `1:23:20 h at 200 calls/s`.
pub(crate) fn how_long(calls: u64, rate: Option<u32>) -> String {
    match rate {
        Some(rate) => format!("{} at {rate} calls/s", time(least_time(calls, rate))),
        None => "as fast as it goes".to_owned(),
    }
}

/// A part of the status, in full and as short as possible.
#[derive(Debug, Default)]
pub(super) struct Words {
    full: String,
    short: String,
}

impl Words {
    fn new(full: impl Into<String>, short: impl Into<String>) -> Self {
        Self {
            full: full.into(),
            short: short.into(),
        }
    }

    pub(super) fn full(&self) -> &str {
        &self.full
    }

    pub(super) fn short(&self) -> &str {
        &self.short
    }

    pub(super) fn in_style(&self, style: &console::Style) -> Self {
        let styled = |text: &str| style.apply_to(text).to_string();
        Self::new(styled(&self.full), styled(&self.short))
    }
}

/// Formats how far a run is: `1,234 of ~5,000 rows`, or `1,234 rows` if no total is known.
pub(super) fn position(progress: &Progress<'_>) -> Words {
    let done = thousands(progress.done());
    match progress.total {
        Some(total) => {
            let rows = counted(total.rows, "row");
            let total = format!("{}{}", about(total), thousands(rounded(total)));
            Words::new(
                format!("{done} of {total} {rows}"),
                format!("{done}/{total}"),
            )
        }
        None => Words::new(count(progress.done(), "row"), done),
    }
}

/// Formats how far a run is in percent, rounded down, if a total is known.
pub(super) fn percent(progress: &Progress<'_>) -> Option<String> {
    let total = progress.total?;
    let percent = u128::from(progress.done()) * 100 / u128::from(total.rows.max(1));
    Some(format!("{}{} %", about(total), percent.min(100)))
}

/// Rounds an estimate, which changes with every block read, to three digits. It rounds up, so that
/// no position exceeds it.
fn rounded(total: Total) -> u64 {
    let digits = total.rows.checked_ilog10().unwrap_or(0);
    let unit = 10_u64.pow(digits.saturating_sub(2));
    if total.exact {
        total.rows
    } else {
        total.rows.next_multiple_of(unit)
    }
}

fn about(total: Total) -> &'static str {
    if total.exact { "" } else { "~" }
}

/// Formats the calls per second, against the cap.
pub(super) fn calls_per_s(calls_per_s: usize, cap: Option<u32>) -> Words {
    let calls = thousands(calls_per_s as u64);
    let of = cap.map(|cap| format!("/{cap}")).unwrap_or_default();
    Words::new(format!("{calls}{of} calls/s"), format!("{calls}/s"))
}

/// Formats the pace against the cap, or why there is none.
pub(super) fn pace(progress: &Progress<'_>, cap: Option<u32>) -> Words {
    let pace = calls_per_s(progress.calls_per_s, cap);
    match progress.state {
        State::Calling | State::Finishing => pace,
        State::Slowed { to } => Words::new(
            format!("{}, lowered to {to}", pace.full),
            format!("{} lowered", pace.short),
        ),
        State::Out { lasted, .. } => out_for(lasted),
        State::Stopping => Words::new(
            format!("stopping, {} in flight", progress.in_flight),
            "stopping",
        ),
    }
}

/// Formats the time left or, if there is no estimate, something else that is known.
pub(super) fn left(progress: &Progress<'_>) -> Words {
    match (progress.state, progress.left) {
        (State::Stopping, _) => Words::default(),
        (State::Out { gives_up_in, .. }, _) => gives_up(gives_up_in),
        (State::Finishing, _) => {
            let pending = progress.tally.pending();
            let full = match pending {
                1 => "the last row".to_owned(),
                rows => format!("the last {} rows", thousands(rows)),
            };
            Words::new(full, format!("last {}", thousands(pending)))
        }
        (_, Some(left)) => {
            let left = rough_time(left);
            Words::new(format!("{left} left"), left)
        }
        (_, None) if progress.total.is_none() => so_far(progress.elapsed),
        (_, None) => Words::default(),
    }
}

/// Formats how long the service has been out.
fn out_for(lasted: Duration) -> Words {
    let short = format!("out for {}", whole(lasted));
    Words::new(format!("service {short}"), short)
}

/// Formats the time until an outage ends the run.
fn gives_up(gives_up_in: Duration) -> Words {
    let words = format!("gives up in {}", whole(gives_up_in));
    Words::new(words.clone(), words)
}

/// Formats the time so far, for when there is no estimate of the time left.
fn so_far(elapsed: Duration) -> Words {
    let words = format!("for {}", whole(elapsed));
    Words::new(words.clone(), words)
}

/// Formats what went wrong with a call: the meaning of its code, and the accompanying message if it
/// says more.
pub(super) fn fault(code: i64, info: &str) -> String {
    let meaning = codes::look_up(code).meaning;
    if meaning.contains(info) {
        meaning.to_owned()
    } else {
        format!("{meaning}: {info}")
    }
}

/// Formats a time in whole seconds, because tenths would change with every tick.
fn whole(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..10 => format!("{seconds} s"),
        _ => time(duration),
    }
}

/// Formats a time that is not known to the second.
fn rough_time(duration: Duration) -> String {
    let minutes = duration.as_secs().div_ceil(60);
    match duration.as_secs() {
        seconds @ 0..600 => whole(Duration::from_secs(seconds + 1)),
        600..3_600 => format!("{minutes} min"),
        _ => format!("{}:{:02} h", minutes / 60, minutes % 60),
    }
}

/// Formats the progress of a run on one line.
pub(super) fn line(progress: &Progress<'_>, cap: Option<u32>) -> String {
    let percent = percent(progress).map(|percent| format!(" ({percent})"));
    let position = position(progress).full + &percent.unwrap_or_default();
    let parts = [position, pace(progress, cap).full, left(progress).full];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    let counts = of_rows(progress).map(|count| count.to_string());
    parts.chain(counts).collect::<Vec<_>>().join(", ")
}

/// Formats how far a preflight is.
pub(super) fn preflight_position(progress: &PreflightProgress<'_>) -> Words {
    let groups = count(progress.groups, "group");
    Words::new(format!("{groups} looked up"), groups)
}

/// Formats the pace of a preflight, or why there is none.
pub(super) fn preflight_pace(progress: &PreflightProgress<'_>, cap: Option<u32>) -> Words {
    match &progress.out {
        Some(out) => out_for(out.lasted),
        None => calls_per_s(progress.calls_per_s, cap),
    }
}

/// Formats the time left in a preflight or, if there is no estimate, something else that is known.
pub(super) fn preflight_left(progress: &PreflightProgress<'_>) -> Words {
    match (&progress.out, progress.time_left()) {
        (Some(out), _) => gives_up(out.gives_up_in),
        (None, Some(left)) => {
            let left = rough_time(left);
            Words::new(format!("{left} left"), left)
        }
        (None, None) => so_far(progress.elapsed),
    }
}

/// Returns what holds up a preflight, or an empty string.
pub(super) fn trouble(progress: &PreflightProgress<'_>) -> String {
    let fault = |out: &OutageProgress<'_>| fault(out.code, out.info);
    progress.out.as_ref().map_or_else(String::new, fault)
}

/// Formats the progress of a preflight on one line.
pub(super) fn preflight(progress: &PreflightProgress<'_>, cap: Option<u32>) -> String {
    let parts = [
        preflight_position(progress).full,
        preflight_pace(progress, cap).full,
        trouble(progress),
        preflight_left(progress).full,
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Tally;

    #[test]
    fn an_estimate_is_rounded_up() {
        let total = |rows, exact| rounded(Total { rows, exact });
        let estimates = [7, 432, 21_413, 1_000_000].map(|rows| total(rows, false));
        assert_eq!(estimates, [7, 432, 21_500, 1_000_000]);
        assert_eq!(total(21_413, true), 21_413);
    }

    #[test]
    fn a_longer_time_left_is_shown_less_precisely() {
        let rough = [4.2, 58.9, 238.9, 1_201.0, 5_000.0, 360_000.0]
            .map(|s| rough_time(Duration::from_secs_f64(s)));
        let read = ["5 s", "59 s", "3:59 min", "21 min", "1:24 h", "100:00 h"];
        assert_eq!(rough, read);
    }

    #[test]
    fn one_row_is_singular() {
        let tally = Tally {
            rows: 2,
            duplicates: 1,
            taken: 1,
            ..Tally::default()
        };
        let progress = |total| Progress {
            tally: &tally,
            total,
            state: State::Finishing,
            left: None,
            in_flight: 1,
            retrying: 0,
            calls_per_s: 1,
            elapsed: Duration::from_secs(5),
        };
        let all =
            "1 row, 1/200 calls/s, the last row, 0 recalled, 0 failed, 0 retrying, 1 duplicate";
        assert_eq!(line(&progress(None), Some(200)), all);
        let total = Some(Total {
            rows: 1,
            exact: true,
        });
        assert_eq!(position(&progress(total)).full(), "1 of 1 row");
    }
}
