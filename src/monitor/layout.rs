//! Fits the status to the terminal: at 200 columns everything, at 20 only what matters most.

use console::{Style, measure_text_width, truncate_str};

use super::counts::of_rows;
use super::status::{self, Words};
use super::{PreflightProgress, Progress, State};

/// The minimum width of the bar; a shorter one says nothing.
const MIN_BAR: usize = 10;

/// A status of two lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// The text before the bar.
    pub(super) before: String,
    /// Whether there is a bar. It needs room, and a total to measure against.
    pub(super) bar: bool,
    /// The text after the bar.
    pub(super) after: String,
    /// The second line.
    pub(super) below: String,
}

/// Returns the status of a run in at most `width` columns.
pub(super) fn status(progress: &Progress<'_>, cap: Option<u32>, width: usize) -> Status {
    let pace = status::pace(progress, cap);
    let pace = match progress.state {
        State::Out { .. } | State::Slowed { .. } => pace.in_style(&Style::new().yellow()),
        _ => pace,
    };
    let parts = Parts {
        position: status::position(progress),
        percent: status::percent(progress),
        pace,
        left: status::left(progress),
        below: counts(progress, width),
    };
    parts.in_columns(width)
}

/// Returns the status of a preflight in at most `width` columns.
pub(super) fn preflight(
    progress: &PreflightProgress<'_>,
    cap: Option<u32>,
    width: usize,
) -> Status {
    let pace = status::preflight_pace(progress, cap);
    let yellow = Style::new().yellow();
    let parts = Parts {
        position: status::preflight_position(progress),
        percent: progress.percent().map(|percent| format!("{percent} %")),
        pace: match progress.out {
            Some(_) => pace.in_style(&yellow),
            None => pace,
        },
        left: status::preflight_left(progress),
        below: truncate_str(&status::trouble(progress), width, "…").into_owned(),
    };
    parts.in_columns(width)
}

/// The parts of a status.
struct Parts {
    position: Words,
    /// `None` if the total is not known; then there is no bar either.
    percent: Option<String>,
    pace: Words,
    left: Words,
    below: String,
}

impl Parts {
    /// Fits the parts to a width. If columns are scarce, first the text gets shorter, then the bar is
    /// dropped, then counts, least important first. Position, pace and the time left stay longest.
    fn in_columns(self, width: usize) -> Status {
        let Self {
            position,
            percent,
            pace,
            left,
            below,
        } = self;
        let forms: [fn(&Words) -> &str; 2] = [Words::full, Words::short];
        if let Some(percent) = percent {
            for form in forms {
                let before = joined(&[form(&position), &percent]);
                let after = joined(&[form(&pace), form(&left)]);
                let taken = measure_text_width(&before) + measure_text_width(&after) + 2;
                if taken + MIN_BAR <= width {
                    return Status {
                        before,
                        bar: true,
                        after,
                        below,
                    };
                }
            }
        }
        let without_bar = |before: String, below: String| Status {
            before: truncate_str(&before, width, "").into_owned(),
            bar: false,
            after: String::new(),
            below: truncate_str(&below, width, "").into_owned(),
        };
        for form in forms {
            let line = joined(&[form(&position), form(&pace), form(&left)]);
            if measure_text_width(&line) <= width {
                return without_bar(line, below);
            }
        }
        without_bar(
            position.short().to_owned(),
            joined(&[pace.short(), left.short()]),
        )
    }
}

/// Returns as many counts as fit.
fn counts(progress: &Progress<'_>, width: usize) -> String {
    let red = Style::new().red();
    let mut line = String::new();
    for count in of_rows(progress) {
        let text = if count.is_bad() {
            red.apply_to(&count).to_string()
        } else {
            count.to_string()
        };
        let longer = joined(&[&line, &text]);
        if measure_text_width(&longer) > width {
            break;
        }
        line = longer;
    }
    line
}

fn joined(parts: &[&str]) -> String {
    let parts: Vec<_> = parts
        .iter()
        .copied()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::monitor::{OutageProgress, Total};
    use crate::run::Tally;

    fn tally() -> Tally {
        Tally {
            rows: 12_857,
            duplicates: 40,
            taken: 12_817,
            recalled: 12_300,
            failed: 5,
            ..Tally::default()
        }
    }

    fn progress(tally: &Tally) -> Progress<'_> {
        Progress {
            tally,
            total: Some(Total {
                rows: 60_000,
                exact: false,
            }),
            state: State::Calling,
            left: Some(Duration::from_secs(238)),
            in_flight: 9,
            retrying: 3,
            calls_per_s: 198,
            elapsed: Duration::from_secs(62),
        }
    }

    fn out() -> State {
        State::Out {
            lasted: Duration::from_secs(65),
            gives_up_in: Duration::from_secs(1_735),
        }
    }

    /// Returns both lines without styles.
    fn lines(progress: &Progress<'_>, width: usize) -> [String; 2] {
        let status = status(progress, Some(200), width);
        let bar = if status.bar { " ━━ " } else { "" };
        let top = status.before + bar + &status.after;
        [top, status.below].map(|line| console::strip_ansi_codes(&line).into_owned())
    }

    #[test]
    fn a_narrow_terminal_shows_less_but_keeps_position_pace_and_time() {
        let tally = tally();
        let progress = progress(&tally);
        let counts = "12,300 recalled, 5 failed, 3 retrying, 40 duplicates";
        assert_eq!(
            lines(&progress, 79),
            [
                "12,345 of ~60,000 rows, ~20 % ━━ 198/200 calls/s, 3:59 min left",
                counts,
            ]
        );
        assert_eq!(
            lines(&progress, 59),
            ["12,345/~60,000, ~20 % ━━ 198/s, 3:59 min", counts]
        );
        assert_eq!(
            lines(&progress, 39),
            [
                "12,345/~60,000, 198/s, 3:59 min",
                "12,300 recalled, 5 failed, 3 retrying"
            ]
        );
        assert_eq!(lines(&progress, 19), ["12,345/~60,000", "198/s, 3:59 min"]);
        assert_eq!(lines(&progress, 7), ["12,345/", "198/s, "]);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_in_any_state() {
        let big = Tally {
            rows: 88_888_888,
            taken: 77_777_777,
            resumed: 11_111_111,
            recalled: 66_666_666,
            failed: 1_111_111,
            invalid: 222_222,
            ..tally()
        };
        let states = [
            State::Calling,
            State::Slowed { to: 100 },
            out(),
            State::Finishing,
            State::Stopping,
        ];
        for width in 1..=130 {
            for state in states {
                for total in [None, progress(&big).total] {
                    let progress = Progress {
                        total,
                        state,
                        ..progress(&big)
                    };
                    let shown = status(&progress, Some(200), width);
                    let bar = if shown.bar { 2 + MIN_BAR } else { 0 };
                    let top = measure_text_width(&(shown.before + &shown.after)) + bar;
                    assert!(top <= width, "{width}: {:?}", lines(&progress, width));
                    assert!(measure_text_width(&shown.below) <= width);
                }
            }
        }
    }

    #[test]
    fn in_an_outage_the_status_shows_its_duration_instead_of_a_time_left() {
        let tally = tally();
        let progress = Progress {
            state: out(),
            left: None,
            ..progress(&tally)
        };
        let [top, _] = lines(&progress, 100);
        assert_eq!(
            top,
            "12,345 of ~60,000 rows, ~20 % ━━ service out for 1:05 min, gives up in 28:55 min"
        );
        let [top, _] = lines(&progress, 79);
        assert!(
            top.ends_with("out for 1:05 min, gives up in 28:55 min"),
            "{top}"
        );
    }

    #[test]
    fn without_a_total_there_is_neither_a_bar_nor_a_percentage() {
        let tally = tally();
        let progress = Progress {
            total: None,
            left: None,
            ..progress(&tally)
        };
        let [top, _] = lines(&progress, 100);
        assert_eq!(top, "12,345 rows, 198/200 calls/s, for 1:02 min");
    }

    #[test]
    fn while_finishing_the_status_shows_the_rows_left_instead_of_a_time() {
        let tally = Tally {
            rows: 12_312,
            taken: 12_312,
            duplicates: 0,
            ..tally()
        };
        let progress = Progress {
            state: State::Finishing,
            total: Some(Total {
                rows: 12_312,
                exact: true,
            }),
            calls_per_s: 4,
            ..progress(&tally)
        };
        let [top, _] = lines(&progress, 100);
        assert_eq!(
            top,
            "12,305 of 12,312 rows, 99 % ━━ 4/200 calls/s, the last 7 rows"
        );
    }

    /// A preflight of an input of 1,000,000 bytes, after a minute.
    fn preflight_progress(done: u64) -> PreflightProgress<'static> {
        PreflightProgress {
            groups: done / 100,
            done,
            size: Some(1_000_000),
            calls_per_s: 4,
            elapsed: Duration::from_secs(60),
            held: Duration::ZERO,
            out: None,
        }
    }

    fn preflight_lines(progress: &PreflightProgress<'_>, width: usize) -> [String; 2] {
        let status = preflight(progress, Some(200), width);
        let bar = if status.bar { " ━━ " } else { "" };
        let top = status.before + bar + &status.after;
        [top, status.below].map(|line| console::strip_ansi_codes(&line).into_owned())
    }

    #[test]
    fn a_preflight_shows_the_time_left_or_before_the_first_answer_the_time_so_far() {
        let [top, below] = preflight_lines(&preflight_progress(250_000), 100);
        let expected = "2,500 groups looked up, 25 % ━━ 4/200 calls/s, 3:01 min left";
        assert_eq!((&*top, &*below), (expected, ""));
        let [top, _] = preflight_lines(&preflight_progress(0), 100);
        assert_eq!(
            top,
            "0 groups looked up, 0 % ━━ 4/200 calls/s, for 1:00 min"
        );
        let held = PreflightProgress {
            held: Duration::from_secs(30),
            ..preflight_progress(250_000)
        };
        let [top, _] = preflight_lines(&held, 100);
        assert!(top.ends_with("1:31 min left"), "{top}");
    }

    #[test]
    fn a_preflight_in_an_outage_shows_its_duration_and_cause() {
        let out = PreflightProgress {
            out: Some(OutageProgress {
                lasted: Duration::from_secs(65),
                gives_up_in: Duration::from_secs(1_735),
                code: -2,
                info: "connection refused",
            }),
            ..preflight_progress(0)
        };
        let status = "0 groups looked up, 0 % ━━ service out for 1:05 min, gives up in 28:55 min";
        let wrong = "no connection to the service: connection refused";
        assert_eq!(preflight_lines(&out, 100), [status, wrong]);
        let [top, _] = preflight_lines(&out, 25);
        assert_eq!(top, "0 groups");
        let line =
            format!("0 groups looked up, service out for 1:05 min, {wrong}, gives up in 28:55 min");
        assert_eq!(status::preflight(&out, Some(200)), line);
        for width in 1..120 {
            let status = preflight(&out, Some(200), width);
            assert!(measure_text_width(&status.below) <= width, "{width}");
        }
    }
}
