//! How progress and notices read, on the bar and in plain lines.

use std::time::Duration;

use super::{Notice, Progress};
use crate::api::codes;
use crate::run::least_time;

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A time as a person says it: `0.4 s`, `12 s`, `3:05 min`, `1:23:20 h`.
pub(crate) fn time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!(
            "{}:{:02}:{:02} h",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        ),
    }
}

/// How long so many calls take at least: `1:23:20 h at 200 calls/s`.
pub(crate) fn how_long(calls: u64, rate: Option<u32>) -> String {
    match rate {
        Some(rate) => format!("{} at {rate} calls/s", time(least_time(calls, rate))),
        None => "as fast as it goes".to_owned(),
    }
}

/// How far it is: `1,234 of 5,000 rows`, without a total where none is known.
pub(super) fn position(progress: &Progress<'_>) -> String {
    let done = thousands(progress.done());
    match progress.total {
        Some(total) => format!("{done} of {} rows", thousands(total)),
        None => format!("{done} rows"),
    }
}

/// What it is doing: pace against the cap, outcomes, and the time that is left.
pub(super) fn state(progress: &Progress<'_>, cap: Option<u32>) -> String {
    let tally = progress.tally;
    let pace = match cap {
        Some(cap) => format!("{}/{cap} calls/s", progress.calls_per_s),
        None => format!("{} calls/s", thousands(progress.calls_per_s as u64)),
    };
    let left = progress
        .time_left()
        .map(|left| format!("{} left", time(left)));
    let counts = [
        ("recalled", tally.recalled, true),
        ("failed", tally.failed, true),
        ("retrying", progress.retrying as u64, true),
        ("invalid", tally.invalid, false),
        ("duplicates", tally.duplicates, false),
        ("done before", tally.resumed, false),
    ];
    let counts = counts
        .into_iter()
        .filter(|(_, count, always)| *always || *count > 0)
        .map(|(what, count, _)| format!("{} {what}", thousands(count)));
    let parts: Vec<_> = [pace].into_iter().chain(left).chain(counts).collect();
    parts.join(", ")
}

/// A notice as a line.
pub(super) fn notice(notice: &Notice) -> String {
    match notice {
        Notice::Outage { code, info } => format!(
            "The service is out ({}: {}). Every row is held; one call at a time asks whether it is back.",
            codes::look_up(*code).meaning,
            info
        ),
        Notice::OutageOver => "The service is back; going on.".to_owned(),
        Notice::PaceLowered { to } => {
            format!("The service says that it is called too often; going on at {to} calls/s.")
        }
        Notice::PaceRecovered => "The pace is what it was again.".to_owned(),
        Notice::Renewed => "The UserSig had expired and was signed anew.".to_owned(),
        Notice::RenewedInTime => "The UserSig was signed anew, before it runs out.".to_owned(),
        Notice::UserSigEnds { left, needed } => format!(
            "The UserSig runs out in {}, and the rows that are left take about {}: the run will \
             stop then. Go on with --resume and a new one, or set RECALL_SECRET_KEY, and they are \
             signed anew in time.",
            time(*left),
            time(*needed)
        ),
        Notice::Stopping { in_flight } => format!(
            "Stopping: no new calls, waiting for {in_flight} in flight. Once more to leave at once."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_as_a_person_writes_them() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
        let times = [0.44, 12.9, 185.0, 5_000.0].map(|s| time(Duration::from_secs_f64(s)));
        assert_eq!(times, ["0.4 s", "12 s", "3:05 min", "1:23:20 h"]);
    }
}
