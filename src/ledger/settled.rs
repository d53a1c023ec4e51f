//! Which row a line settles: all that a resumed run needs from millions of lines.
//!
//! Lines in exactly the form that this crate writes take a fast path, several times faster than
//! parsing JSON. All other lines (with escapes, from another version, edited by hand) are parsed as
//! JSON. The two never disagree.
//!
//! A line settles a row only if the whole line, including its end, is a valid [`Entry`]. If
//! `--resume` took a line as settled that `replay` didn't take as an entry, its row would be neither
//! called nor sent again.

use std::borrow::Cow;

use memchr::memchr2;

use crate::outcome::{Entry, Outcome};

/// The part of an entry that identifies the row it settles.
#[derive(Debug, PartialEq, Eq)]
pub struct Settled<'a> {
    /// The line of the input on which the row starts.
    pub row: u64,
    /// The input that it is in; empty for the ledger's own.
    pub input: Cow<'a, str>,
    /// `GroupId`.
    pub group: Cow<'a, str>,
    /// `Sender_Account`.
    pub sender: Cow<'a, str>,
    /// `TopicId`.
    pub topic: Cow<'a, str>,
    /// What became of the row.
    pub outcome: Outcome,
    /// The reason, for an invalid row.
    pub info: Cow<'a, str>,
}

impl<'a> Settled<'a> {
    /// Parses a line of a ledger, including its line feed. `None` if it is not an entry.
    pub(super) fn of_line(line: &'a [u8]) -> Option<Self> {
        by_shape(line).or_else(|| {
            serde_json::from_slice::<Entry<'_>>(line)
                .ok()
                .map(Self::from)
        })
    }
}

impl<'a> From<Entry<'a>> for Settled<'a> {
    fn from(entry: Entry<'a>) -> Self {
        Self {
            row: entry.row,
            input: entry.input,
            group: entry.group,
            sender: entry.sender,
            topic: entry.topic,
            outcome: entry.outcome,
            info: entry.info,
        }
    }
}

/// Parses a line that is byte for byte as this crate writes it, without escapes.
fn by_shape(line: &[u8]) -> Option<Settled<'_>> {
    let (b'\n', line) = line.split_last()? else {
        return None;
    };
    // JSON strings can't contain control characters. Checking every byte is faster than stopping at
    // the first match.
    if line
        .iter()
        .fold(0, |any, byte| any | u8::from(*byte < b' '))
        > 0
    {
        return None;
    }
    let mut line = Line(str::from_utf8(line).ok()?);
    line.pass("{\"row\":")?;
    let row = line.number()?;
    let input = match line.pass(",\"input\":\"") {
        Some(()) => line.text()?.into(),
        None => "".into(),
    };
    line.pass(",\"group\":\"")?;
    let group = line.text()?.into();
    line.pass(",\"sender\":\"")?;
    let sender = line.text()?.into();
    line.pass(",\"topic\":\"")?;
    let topic = line.text()?.into();
    line.pass(",\"outcome\":\"")?;
    let outcome = match line.text()? {
        "recalled" => Outcome::Recalled,
        "failed" => Outcome::Failed,
        "invalid" => Outcome::Invalid,
        "skipped" => Outcome::Skipped,
        _ => return None,
    };
    line.pass(",\"code\":")?;
    line.code()?;
    line.pass(",\"info\":\"")?;
    let info = line.text()?.into();
    line.pass(",\"attempts\":")?;
    u32::try_from(line.number()?).ok()?;
    if line.pass(",\"sent_at\":\"").is_some() && !is_plainly_a_time(line.text()?) {
        return None;
    }
    if line.pass(",\"ms\":").is_some() {
        line.number()?;
    }
    (line.0 == "}").then_some(Settled {
        row,
        input,
        group,
        sender,
        topic,
        outcome,
        info,
    })
}

/// Returns whether this is a time as this crate writes it, `2026-11-22T10:00:00.123Z`. Leap days and
/// the year 9999 need more checks, so they are left to the JSON path.
fn is_plainly_a_time(text: &str) -> bool {
    const LAST_DAYS: [u8; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let Ok(text) = <&[u8; 24]>::try_from(text.as_bytes()) else {
        return false;
    };
    // Checking all of them is faster than stopping at the first mismatch.
    let digits = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 22];
    let marks = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'.'),
        (23, b'Z'),
    ];
    let is_shaped = digits
        .iter()
        .fold(true, |all, at| all & text[*at].is_ascii_digit())
        & (marks
            .iter()
            .fold(0, |wrong, (at, mark)| wrong | (text[*at] ^ mark))
            == 0);
    if !is_shaped {
        return false;
    }
    let number = |at: usize| (text[at] - b'0') * 10 + (text[at + 1] - b'0');
    let (month, day) = (number(5), number(8));
    (1..=12).contains(&month)
        && (1..=LAST_DAYS[usize::from(month) - 1]).contains(&day)
        && number(11) <= 23
        && number(14) <= 59
        && number(17) <= 59
        && !text.starts_with(b"9999")
}

/// The rest of a line.
struct Line<'a>(&'a str);

impl<'a> Line<'a> {
    fn pass(&mut self, literal: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    /// Parses a number without sign, fraction or leading zero.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        let mut digits = 0;
        for digit in self.0.bytes().take_while(u8::is_ascii_digit) {
            number = number
                .checked_mul(10)?
                .checked_add(u64::from(digit - b'0'))?;
            digits += 1;
        }
        if digits == 0 || digits > 1 && self.0.starts_with('0') {
            return None;
        }
        self.0 = &self.0[digits..];
        Some(number)
    }

    /// Skips a number that fits an `i64`.
    fn code(&mut self) -> Option<()> {
        let negative = self.pass("-").is_some();
        let number = self.number()?;
        // serde_json parses `-0` as a float.
        let holds = if negative {
            (1..=i64::MIN.unsigned_abs()).contains(&number)
        } else {
            i64::try_from(number).is_ok()
        };
        holds.then_some(())
    }

    /// Parses a string up to and including its closing quote. `None` if it has an escape.
    fn text(&mut self) -> Option<&'a str> {
        let end = memchr2(b'"', b'\\', self.0.as_bytes())?;
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.strip_prefix('"')?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Entry;
    use proptest::prelude::*;

    /// Parses the line as JSON.
    fn by_json(line: &[u8]) -> Option<Settled<'_>> {
        serde_json::from_slice::<Entry<'_>>(line)
            .ok()
            .map(Settled::from)
    }

    fn line(entry: &Entry<'_>) -> Vec<u8> {
        let mut line = serde_json::to_vec(entry).expect("an entry serializes");
        line.push(b'\n');
        line
    }

    prop_compose! {
        fn any_entry()(
            row: u64,
            input in prop_oneof![Just(""), Just("b.csv"), Just("\"é\".csv")],
            ids in prop::array::uniform4("[ -~é\\n]{0,6}"),
            outcome in prop::sample::select(vec![Outcome::Recalled, Outcome::Failed, Outcome::Invalid, Outcome::Skipped]),
            code: i64,
            attempts: u32,
            at in prop::option::of(0i64..4_000_000_000),
            ms: Option<u64>,
        ) -> Entry<'static> {
            let [group, sender, topic, info] = ids.map(Cow::Owned);
            let sent_at = at.map(|at| jiff::Timestamp::from_second(at).expect("in range"));
            Entry { row, input: input.into(), group, sender, topic, outcome, code, info, attempts, sent_at, ms }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn lines_of_this_crate_take_the_fast_path_unless_they_have_escapes(entry in any_entry()) {
            let line = line(&entry);
            let escapes = line.contains(&b'\\');
            // Leap days are left to the JSON path.
            let leap_day = entry.sent_at_text().contains("-02-29T");
            prop_assert_eq!(by_shape(&line).is_some(), !escapes && !leap_day);
            prop_assert_eq!(Settled::of_line(&line), by_json(&line));
        }

        #[test]
        fn a_damaged_line_settles_the_same_row_on_both_paths(
            entry in any_entry(),
            at: prop::sample::Index,
            near_end: bool,
            with in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..3),
                // The characters of numbers and times.
                prop::collection::vec(prop::sample::select(&b"0123456789-+.:TZe \""[..]), 0..3),
            ],
            cut in 0usize..3,
        ) {
            let mut line = line(&entry);
            // The numbers come after the strings, which are longer.
            let from = if near_end { line.len() - line.len().min(60) } else { 0 };
            let at = from + at.index(line.len() - from);
            let end = (at + cut).min(line.len());
            line.splice(at..end, with);
            prop_assert_eq!(Settled::of_line(&line), by_json(&line));
            if let Some(settled) = by_shape(&line) {
                prop_assert_eq!(Some(settled), by_json(&line));
            }
        }
    }

    #[test]
    fn a_line_with_an_invalid_number_or_time_settles_nothing() {
        let line = |code: &str, attempts: &str, rest: &str| {
            format!(
                "{{\"row\":1,\"group\":\"g\",\"sender\":\"s\",\"topic\":\"\",\"outcome\":\"failed\",\
                 \"code\":{code},\"info\":\"\",\"attempts\":{attempts}{rest}}}\n"
            )
        };
        let at = |time: &str| format!(",\"sent_at\":\"{time}\",\"ms\":41");
        for (code, attempts, rest, is_entry) in [
            ("-1", "8", at("2024-02-29T23:59:59.999Z"), true),
            ("0", "1", at("2026-12-31T00:00:00.000Z"), true),
            ("0", "1", at("9999-12-30T22:00:00.000Z"), true),
            ("0", "1", at("9999-12-31T00:00:00.000Z"), false),
            ("0", "1", at("2026-02-29T00:00:00.000Z"), false),
            ("0", "1", at("2026-04-31T00:00:00.000Z"), false),
            ("0", "1", at("2026-00-01T00:00:00.000Z"), false),
            ("0", "1", at("2026-13-01T00:00:00.000Z"), false),
            ("0", "1", at("2026-01-00T00:00:00.000Z"), false),
            ("0", "1", at("2026-01-32T00:00:00.000Z"), false),
            ("0", "1", at("2026-01-01T25:00:00.000Z"), false),
            ("0", "1", at("2026-01-01T00:60:00.000Z"), false),
            ("0", "1", at("2X26-01-01T00:00:00.000Z"), false),
            ("0", "1", at("2026-01-01T00:00:00.000 "), false),
            ("0", "1", at(""), false),
            ("-0", "1", String::new(), false),
            ("-9223372036854775808", "1", String::new(), true),
            ("-9223372036854775809", "1", String::new(), false),
            ("9223372036854775808", "1", String::new(), false),
            ("0", "4294967295", String::new(), true),
            ("0", "4294967296", String::new(), false),
            ("0", "1", ",\"ms\":18446744073709551616".to_owned(), false),
        ] {
            let line = line(code, attempts, &rest);
            assert_eq!(by_json(line.as_bytes()).is_some(), is_entry, "{line}");
            assert_eq!(
                Settled::of_line(line.as_bytes()),
                by_json(line.as_bytes()),
                "{line}"
            );
        }
    }

    #[test]
    fn a_line_formatted_differently_is_an_entry_too() {
        let spaced = br#" { "outcome":"failed", "row" : 7, "group":"g\u0041","sender":"s","topic":"","code":0, "info":"", "attempts":1, "more":[1] }
"#;
        let settled = Settled::of_line(spaced).expect("it is valid JSON");
        assert_eq!((settled.row, &*settled.group), (7, "gA"));
    }
}
