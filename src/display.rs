//! Formats numbers, times and lines for display; parses times and shares as typed by operators.

use std::time::Duration;

/// Formats `1234567` as `1,234,567`.
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

/// Formats a count with its noun: `1 row`, `1,234 rows`.
pub(crate) fn count(number: u64, what: &str) -> String {
    format!("{} {}", thousands(number), counted(number, what))
}

/// Returns the noun in singular or plural: `row` or `rows`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{what}{s}")
}

/// Formats a time for display: `0.4 s`, `12 s`, `3:05 min`, `1:23:20 h`.
pub(crate) fn time(duration: Duration) -> String {
    /// From here on, one decimal would round up to ten seconds.
    const NEARLY_TEN: Duration = Duration::from_millis(9_950);
    let seconds = duration.as_secs();
    match seconds {
        _ if duration < NEARLY_TEN => format!("{:.1} s", duration.as_secs_f64()),
        0..60 => format!("{} s", seconds.max(10)),
        60..3_600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!(
            "{}:{:02}:{:02} h",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        ),
    }
}

/// Parses a typed time: `10s`, `500ms`, `1.5h` or `0`.
pub(crate) fn typed_time(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let signed = text.parse::<jiff::SignedDuration>().ok()?;
    Duration::try_from(signed).ok()
}

/// Parses a typed share: `20%` is 20.
pub(crate) fn typed_percent(text: &str) -> Option<f64> {
    let percent = text.strip_suffix('%')?.parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some(percent)
}

/// Wraps words into lines of at most `width` columns; all but the first are indented by `indent`
/// spaces. Longer words stay whole.
pub(crate) fn wrapped(words: &str, indent: usize, width: usize) -> String {
    let mut lines = String::new();
    let mut column = indent;
    for word in words.split_whitespace() {
        let columns = console::measure_text_width(word);
        if column == indent {
            column += columns;
        } else if column + 1 + columns > width {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            column = indent + columns;
        } else {
            lines.push(' ');
            column += 1 + columns;
        }
        lines.push_str(word);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("one two three", 2, 9), "one two\n  three");
        assert_eq!(wrapped("endless-word one", 0, 5), "endless-word\none");
        assert_eq!(wrapped("", 2, 9), "");
    }

    #[test]
    fn numbers_and_times_are_formatted_for_display() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
        let times = [0.44, 12.9, 185.0, 5_000.0].map(|s| time(Duration::from_secs_f64(s)));
        assert_eq!(times, ["0.4 s", "12 s", "3:05 min", "1:23:20 h"]);
        let about_ten = [9.94, 9.96, 10.04].map(|s| time(Duration::from_secs_f64(s)));
        assert_eq!(about_ten, ["9.9 s", "10 s", "10 s"]);
        let rows = [0, 1, 1_234].map(|rows| count(rows, "row"));
        assert_eq!(rows, ["0 rows", "1 row", "1,234 rows"]);
    }
}
