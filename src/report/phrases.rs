//! The sentences of a report, shared by text and page.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::failures::Unsent;
use super::fold::{Report, Span};
use crate::display::{thousands, time};
use crate::harmless::harmless;
use crate::shell::quoted_file;

/// What the calls per second include and leave out.
pub(super) const WHAT_THE_RATE_COUNTS: &str = "Only the last call of each row is counted, at the time it was sent. The ledger has no times for earlier calls, so those come on top.";

/// Reminds the reader that rows not yet settled are not in a ledger.
pub(super) const WHAT_A_LEDGER_HOLDS: &str =
    "A ledger holds only settled rows; if any other rows are left, --resume calls them.";

/// Which invalid lines are counted. A row that was fixed on another line can't be recognized.
const WHAT_INVALID_COUNTS: &str = "Lines that could not be sent are counted over all runs, except those from which a later run settled a row.";

/// Returns the sentence about invalid lines if there are any.
pub(super) fn what_invalid_counts(report: &Report) -> Option<&'static str> {
    (report.invalid > 0).then_some(WHAT_INVALID_COUNTS)
}

/// Returns what happened, in a sentence.
pub(super) fn headline(report: &Report) -> String {
    if report.rows == 0 {
        return "No row has been settled yet.".to_owned();
    }
    let mut sentence = match (report.recalled, report.rows) {
        (1, 1) => "The only row of this ledger was recalled".to_owned(),
        (all, rows) if all == rows => {
            format!("All {} rows of this ledger were recalled", thousands(rows))
        }
        (0, 1) => "The only row of this ledger was not recalled".to_owned(),
        (0, rows) => format!(
            "None of the {} rows of this ledger was recalled",
            thousands(rows)
        ),
        (recalled, rows) => format!(
            "{} of {} rows of this ledger {} recalled",
            thousands(recalled),
            thousands(rows),
            if recalled == 1 { "was" } else { "were" },
        ),
    };
    let rest: Vec<_> = [
        (report.failed, "failed"),
        (report.invalid, "could not be sent"),
        (report.skipped, "skipped"),
    ]
    .into_iter()
    .filter(|(rows, _)| *rows > 0)
    .map(|(rows, what)| format!("{} {what}", thousands(rows)))
    .collect();
    if !rest.is_empty() {
        write!(sentence, ": {}", rest.join(", ")).expect("writing to a String can't fail");
    }
    sentence + "."
}

/// Returns what the reader must know before anything else, if there is such a thing.
pub(super) fn caution(report: &Report) -> Option<&'static str> {
    report
        .is_rehearsal()
        .then_some("This was a rehearsal against the mock: no message was touched.")
}

/// Returns the command that sends the failed rows again, given the path of the ledger to show.
pub(super) fn replay(report: &Report, ledger: impl AsRef<Path>) -> String {
    let mock = if report.is_rehearsal() { " --mock" } else { "" };
    format!("recall replay {}{mock}", quoted_file(ledger.as_ref()))
}

/// Formats the time in which calls were made.
pub(super) fn span(span: &Span) -> String {
    let same_day = span.first.strftime("%F").to_string() == span.last.strftime("%F").to_string();
    let last = if same_day {
        span.last.strftime("%H:%M:%S").to_string()
    } else {
        moment(span.last)
    };
    format!(
        "{} to {last} UTC ({})",
        moment(span.first),
        time(Duration::from_secs_f64(span.seconds.max(0.0)))
    )
}

/// Formats a moment to the second, in UTC.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Returns `3` or `16 or more`.
pub(super) fn attempts(count: usize, or_more: bool) -> String {
    if or_more {
        format!("{count} or more")
    } else {
        count.to_string()
    }
}

/// Formats a share of a whole: `4.7 %`. Only exact values become `0 %` or `100 %`.
pub(super) fn share(part: u64, whole: u64) -> String {
    percent(part as f64 / whole.max(1) as f64)
}

/// Formats a share from 0.0 to 1.0 in the same way.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        ..=0.0 => "0 %".to_owned(),
        ..0.1 => "< 0.1 %".to_owned(),
        100.0.. => "100 %".to_owned(),
        99.9.. => "> 99.9 %".to_owned(),
        _ => format!("{percent:.1} %"),
    }
}

/// Returns the words between the number of damaged lines and the place that their rows are not in.
pub(super) fn are_damaged(lines: u64) -> &'static str {
    match lines {
        1 => "line of the ledger is damaged; its row is not",
        _ => "lines of the ledger are damaged; their rows are not",
    }
}

/// Returns how many of the calls were retries.
pub(super) fn retries(calls: u64, retries: u64) -> String {
    match (calls, retries) {
        (1, 0) => "no retry".to_owned(),
        (_, 1) => "1 of them a retry".to_owned(),
        _ => format!("{} of them retries", thousands(retries)),
    }
}

/// Formats a line of an input: `1,234`, or `b.csv:1234` if there were several inputs.
pub(super) fn line(input: &str, line: u64) -> String {
    match input {
        "" => thousands(line),
        _ => format!("{}:{line}", shown(input)),
    }
}

/// Formats the listed lines, with an ellipsis if there are more.
pub(super) fn lines(unsent: &Unsent) -> String {
    let places = unsent.inputs.iter().zip(&unsent.lines);
    let named: Vec<_> = places.map(|(input, at)| line(input, *at)).collect();
    let more = if unsent.rows > named.len() as u64 {
        " …"
    } else {
        ""
    };
    format!("{}{more}", named.join(", "))
}

/// Makes a value of the ledger safe to show: no terminal controls, no characters that change the
/// direction of text, limited length.
pub(super) fn shown(value: &str) -> String {
    const MAX_CHARS: usize = 200;
    match value.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => harmless(&value[..end]) + "…",
        None => harmless(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_never_rounded_to_zero_or_to_100_percent() {
        let shares = [
            (0, 9),
            (1, 9_999),
            (47, 1_000),
            (996, 1_000),
            (9_999, 10_000),
            (9, 9),
            (0, 0),
        ];
        assert_eq!(
            shares.map(|(part, whole)| share(part, whole)),
            [
                "0 %", "< 0.1 %", "4.7 %", "99.6 %", "> 99.9 %", "100 %", "0 %"
            ]
        );
    }

    #[test]
    fn one_retry_is_singular() {
        let phrases = [(1, 0), (2, 1), (5, 0), (5, 1_234)].map(|(calls, of)| retries(calls, of));
        assert_eq!(
            phrases,
            [
                "no retry",
                "1 of them a retry",
                "0 of them retries",
                "1,234 of them retries"
            ]
        );
    }

    #[test]
    fn shown_values_can_not_control_the_terminal() {
        assert_eq!(shown("a\u{1b}[2J\u{202e}用户"), "a\\u{1b}[2J\\u{202e}用户");
        assert_eq!(
            shown("\u{61c}\u{2028}\u{2029}"),
            "\\u{61c}\\u{2028}\\u{2029}"
        );
        assert_eq!(shown(&"x".repeat(1_000)).chars().count(), 201);
    }
}
