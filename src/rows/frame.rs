//! Finds the end of a CSV record, and checks that it is well-formed.
//!
//! A record that is too long or breaks the quoting rules is not a row, and neither is any line that
//! may be inside one of its quoted fields: [`broken`](super::broken) finds its end.

use memchr::{memchr, memchr_iter, memchr2, memchr3};

use super::blocks::MAX_RECORD;
use super::excerpt::excerpt;

/// What is at the start of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A record, line end included, that any CSV reader takes for exactly one.
    Record {
        len: usize,
        lines: u64,
        /// Without quotes, its fields are simply the text between delimiters.
        quoted: bool,
    },
    /// An empty line.
    Blank { len: usize },
    /// A malformed record, to be skipped.
    Broken(Malformed),
    /// More data is needed to tell.
    Partial,
    /// The end of the input.
    End,
}

/// How a record is malformed, and the start of the field concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    TooLong { at: usize },
    QuoteInside { at: usize },
    TextAfterQuote { at: usize },
    NotClosed { at: usize },
    LoneReturn,
}

impl Malformed {
    /// Returns what is wrong.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::TooLong { .. } => "longer than 64 KiB",
            Self::QuoteInside { .. } => "a quote inside a field that does not start with one",
            Self::TextAfterQuote { .. } => "text after the closing quote of a field",
            Self::NotClosed { .. } => "a quote that is not closed",
            Self::LoneReturn => "a carriage return inside the row",
        }
    }

    /// Returns the start of the field concerned.
    fn at(self) -> usize {
        match self {
            Self::LoneReturn => 0,
            Self::TooLong { at }
            | Self::QuoteInside { at }
            | Self::TextAfterQuote { at }
            | Self::NotClosed { at } => at,
        }
    }

    /// Returns an excerpt of the first line of that field of the record.
    pub(super) fn shown(self, record: &[u8]) -> String {
        let field = record.get(self.at()..).unwrap_or(record);
        let line = memchr(b'\n', field).map_or(field, |newline| &field[..newline]);
        excerpt(without_returns(line))
    }
}

/// Frames the first record of `data`. If `ended`, the input ends after the data.
pub(super) fn frame(data: &[u8], delimiter: u8, ended: bool) -> Frame {
    let window = &data[..data.len().min(MAX_RECORD)];
    let (line, len) = match memchr(b'\n', window) {
        Some(newline) => (&window[..newline], newline + 1),
        None if window.len() == MAX_RECORD => return Frame::Broken(Malformed::TooLong { at: 0 }),
        None if !ended => return Frame::Partial,
        None if window.is_empty() => return Frame::End,
        None => (window, window.len()),
    };
    let line = without_returns(line);
    if line.is_empty() {
        return Frame::Blank { len };
    }
    match memchr2(b'"', b'\r', line) {
        None => Frame::Record {
            len,
            lines: 1,
            quoted: false,
        },
        Some(_) => match frame_fields(window, delimiter, ended) {
            // So that the excerpt does not depend on how much has been read.
            Frame::Broken(fault)
                if !ended
                    && window.len() < MAX_RECORD
                    && memchr(b'\n', &window[fault.at()..]).is_none() =>
            {
                Frame::Partial
            }
            frame => frame,
        },
    }
}

/// Frames a record with a quote or a carriage return in its first line, field by field. On
/// well-formed input, it follows the same rules as the `csv` crate.
fn frame_fields(window: &[u8], delimiter: u8, ended: bool) -> Frame {
    let full = window.len() == MAX_RECORD;
    let mut start = 0;
    loop {
        let mut at = start;
        let quoted = window.get(start) == Some(&b'"');
        if quoted {
            match closing_quote(window, start) {
                Some(quote) => at = quote + 1,
                None if full => return Frame::Broken(Malformed::TooLong { at: start }),
                None if ended => return Frame::Broken(Malformed::NotClosed { at: start }),
                None => return Frame::Partial,
            }
        }
        let found = memchr3(delimiter, b'\n', b'"', &window[at..]);
        let end = found.map_or(window.len(), |found| at + found);
        let rest = match window.get(end) {
            None | Some(b'\n') => without_returns(&window[at..end]),
            Some(_) => &window[at..end],
        };
        let stray = match memchr(b'\n', &window[start..at]) {
            _ if !quoted => Malformed::QuoteInside { at: start },
            None => Malformed::TextAfterQuote { at: start },
            Some(_) if rest.trim_ascii().is_empty() && window.get(end) != Some(&b'"') => {
                Malformed::TextAfterQuote { at: start }
            }
            // A quote that seems to close a field after several lines more likely opens another.
            Some(_) => Malformed::NotClosed { at: start },
        };
        match window.get(end) {
            None if full => return Frame::Broken(Malformed::TooLong { at: start }),
            None if !ended => return Frame::Partial,
            Some(b'"') => return Frame::Broken(stray),
            _ if quoted && !rest.is_empty() => return Frame::Broken(stray),
            _ if memchr(b'\r', rest).is_some() => return Frame::Broken(Malformed::LoneReturn),
            None => return record(window),
            Some(b'\n') => return record(&window[..=end]),
            Some(_) => start = end + 1,
        }
    }
}

fn record(text: &[u8]) -> Frame {
    let lines = memchr_iter(b'\n', text).count().max(1) as u64;
    Frame::Record {
        len: text.len(),
        lines,
        quoted: true,
    }
}

/// Returns the closing quote of the field that starts at `open`: the first one that isn't doubled.
fn closing_quote(window: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        let quote = at + memchr(b'"', window.get(at..)?)?;
        if window.get(quote + 1) != Some(&b'"') {
            return Some(quote);
        }
        at = quote + 2;
    }
}

/// Strips all carriage returns at the end of a line: some tools add their own to one that is there.
pub(super) fn without_returns(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b'\r'] = line {
        line = rest;
    }
    line
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::io::{self, Read};

    use super::*;
    use crate::rows::blocks::Blocks;
    use crate::rows::broken::pass;

    /// Returns the well-formed records, and the line, the reason and the number of lines of each
    /// broken one.
    fn frames(input: impl Read) -> (String, Vec<(u64, String, u64)>) {
        let mut blocks = Blocks::new(input);
        let (mut records, mut broken, mut line) = (String::new(), Vec::new(), 1);
        loop {
            let data = blocks.data();
            match frame(data, b',', blocks.ended()) {
                Frame::Record { len, lines, quoted } => {
                    let record = str::from_utf8(&data[..len]).unwrap();
                    assert_eq!(quoted, record.contains('"'));
                    records += record;
                    line += lines;
                    blocks.consume(len);
                }
                Frame::Blank { len } => {
                    line += 1;
                    blocks.consume(len);
                }
                Frame::Broken(fault) => {
                    let reason = format!("{}: {}", fault.what(), fault.shown(data));
                    let lines = pass(&mut blocks, b',').unwrap().lines;
                    broken.push((line, reason, lines));
                    line += lines;
                }
                Frame::Partial => blocks.fill().unwrap(),
                Frame::End => return (records, broken),
            }
        }
    }

    #[test]
    fn well_formed_records_are_unchanged() {
        let text = "a,b\r\n\r\n\"a\"\"\",\"b\nc\",\n\n,\"\"\r\nlast";
        let (records, broken) = frames(text.as_bytes());
        assert_eq!(records, "a,b\r\n\"a\"\"\",\"b\nc\",\n,\"\"\r\nlast");
        assert_eq!(broken, []);
    }

    #[test]
    fn a_quoting_error_costs_every_line_that_may_be_in_the_field() {
        for (line, reason, lines) in [
            (
                "a\"b,c",
                "a quote inside a field that does not start with one: `a\"b,c`",
                1,
            ),
            (
                "a, \"b\"",
                "a quote inside a field that does not start with one: ` \"b\"`",
                1,
            ),
            (
                "a,\"b\" ",
                "text after the closing quote of a field: `\"b\" `",
                1,
            ),
            (
                "a,\"b\"c\"",
                "text after the closing quote of a field: `\"b\"c\"`",
                1,
            ),
            (
                "a,\"b\nc\" ,d",
                "text after the closing quote of a field: `\"b`",
                2,
            ),
            ("a\rb,c", r"a carriage return inside the row: `a\rb,c`", 1),
            (
                "a,\"b\"c",
                "text after the closing quote of a field: `\"b\"c`",
                9,
            ),
            (
                "\"a\"\rb",
                r#"text after the closing quote of a field: `"a"\rb`"#,
                9,
            ),
            ("\"a\nb\"c", "a quote that is not closed: `\"a`", 9),
            (
                "\"a\"\"\"\"",
                "a quote that is not closed: `\"a\"\"\"\"`",
                9,
            ),
            ("a,\"b", "a quote that is not closed: `\"b`", 9),
        ] {
            let (records, broken) = frames(format!("1,1\n{line}\n3,3\n").as_bytes());
            let to_the_end = line.lines().count() as u64 + 1;
            assert_eq!(broken, [(2, reason.to_owned(), lines.min(to_the_end))]);
            let rest = if lines == 9 { "" } else { "3,3\n" };
            assert_eq!(records, format!("1,1\n{rest}"), "{line:?}");
            let (records, broken) = frames(line.as_bytes());
            assert_eq!(records, "");
            assert_eq!(broken.len(), 1);
            assert_eq!((broken[0].0, &*broken[0].1), (1, reason));
        }
    }

    #[test]
    fn a_record_may_have_at_most_64_kib_with_its_line_end() {
        for (length, is_fine) in [(MAX_RECORD - 1, true), (MAX_RECORD, false)] {
            for record in [
                "x".repeat(length),
                format!("\"{}\"", "x".repeat(length - 2)),
                format!("\"{}\"", "\n".repeat(length - 2)),
            ] {
                let text = format!("{record}\nnext\n");
                let (records, broken) = frames(text.as_bytes());
                assert_eq!(broken.is_empty(), is_fine);
                assert_eq!(records == text, is_fine);
                assert!(records.ends_with("next\n"));
                assert!(broken.len() <= 1);
            }
        }
    }

    #[test]
    fn a_line_of_any_length_is_one_bad_row() {
        let huge = io::repeat(b'x').take(64 << 20);
        let (records, broken) = frames(b"1\n".chain(huge).chain(&b"\n3\n"[..]));
        assert_eq!(records, "1\n3\n");
        let reason = format!("longer than 64 KiB: `{}…`", "x".repeat(48));
        assert_eq!(broken, [(2, reason, 1)]);
    }
}
