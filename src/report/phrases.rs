//! What a report says in sentences, the same in text and page.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::failures::Unsent;
use super::fold::{Report, Span};
use crate::display::{thousands, time};
use crate::harmless::harmless;
use crate::shell::quoted_file;

/// What calls per second count, and what they leave out.
pub(super) const WHAT_THE_RATE_COUNTS: &str = "Of each row its last call is counted, when it was sent; the ledger dates no earlier one, so those come on top.";

/// What a reader could take for more than it is.
pub(super) const WHAT_A_LEDGER_HOLDS: &str =
    "Only settled rows are in a ledger; if any are left, --resume calls them.";

/// What lines that could not be sent are counted: a row that was mended on another line can't be
/// told from any other.
const WHAT_INVALID_COUNTS: &str = "Lines that could not be sent are those of all runs, less those from which a later run settled a row.";

/// The same, where there are such lines.
pub(super) fn what_invalid_counts(report: &Report) -> Option<&'static str> {
    (report.invalid > 0).then_some(WHAT_INVALID_COUNTS)
}

/// What happened, in a sentence.
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
        // A String takes every word.
        let _ = write!(sentence, ": {}", rest.join(", "));
    }
    sentence + "."
}

/// What the reader must know before anything else, where there is such a thing.
pub(super) fn caution(report: &Report) -> Option<&'static str> {
    report
        .is_rehearsal()
        .then_some("This was a rehearsal against the mock: no message was touched.")
}

/// The command that sends the failed rows again, with the ledger where it is for whoever reads it.
pub(super) fn replay(report: &Report, ledger: impl AsRef<Path>) -> String {
    let mock = if report.is_rehearsal() { " --mock" } else { "" };
    format!("recall replay {}{mock}", quoted_file(ledger.as_ref()))
}

/// When calls were made.
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

/// A moment to the second, in UTC.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `3` or `16 or more`.
pub(super) fn attempts(count: usize, or_more: bool) -> String {
    if or_more {
        format!("{count} or more")
    } else {
        count.to_string()
    }
}

/// A share of a whole: `4.7 %`, never rounded to nothing or to all.
pub(super) fn share(part: u64, whole: u64) -> String {
    percent(part as f64 / whole.max(1) as f64)
}

/// The same of a share that was measured: from 0.0 to 1.0.
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

/// Damaged lines, behind how many there are and before the place that their rows are not in.
pub(super) fn are_damaged(lines: u64) -> &'static str {
    match lines {
        1 => "line of the ledger is damaged; its row is not",
        _ => "lines of the ledger are damaged; their rows are not",
    }
}

/// How many of some calls were retries.
pub(super) fn retries(calls: u64, retries: u64) -> String {
    match (calls, retries) {
        (1, 0) => "no retry".to_owned(),
        (_, 1) => "1 of them a retry".to_owned(),
        _ => format!("{} of them retries", thousands(retries)),
    }
}

/// A line of an input: `1,234`, or `b.csv:1234` where there were several.
pub(super) fn line(input: &str, line: u64) -> String {
    match input {
        "" => thousands(line),
        _ => format!("{}:{line}", shown(input)),
    }
}

/// The lines that are named, and that there are more.
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

/// A value of the ledger, harmless where it is shown: nothing in it controls a terminal or turns
/// the direction of writing, and it is not endless.
pub(super) fn shown(value: &str) -> String {
    const LONGEST: usize = 200;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => harmless(&value[..end]) + "…",
        None => harmless(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_never_rounded_to_nothing_or_to_all() {
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
    fn one_retry_is_told_as_one() {
        let told = [(1, 0), (2, 1), (5, 0), (5, 1_234)].map(|(calls, of)| retries(calls, of));
        assert_eq!(
            told,
            [
                "no retry",
                "1 of them a retry",
                "0 of them retries",
                "1,234 of them retries"
            ]
        );
    }

    #[test]
    fn what_is_shown_controls_no_terminal() {
        assert_eq!(shown("a\u{1b}[2J\u{202e}用户"), "a\\u{1b}[2J\\u{202e}用户");
        assert_eq!(
            shown("\u{61c}\u{2028}\u{2029}"),
            "\\u{61c}\\u{2028}\\u{2029}"
        );
        assert_eq!(shown(&"x".repeat(1_000)).chars().count(), 201);
    }
}
