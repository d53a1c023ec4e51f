//! What stands between the input and the csv crate, which takes any bytes for CSV and a record of
//! any length for a record: after a stray quote it would read the rest of the file as one field.
//!
//! A [`Screen`] passes whole, well-formed records through untouched, leaves blank lines out, and
//! puts a stand-in where a record is too long or breaks the rules of quoting. Only the first line
//! of such a record is taken out: the next line is read anew, so a stray quote costs one row.

use std::collections::VecDeque;
use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memchr2, memchr3};

use super::blocks::{Blocks, MAX_RECORD};
use super::check::excerpt;

/// Records that are passed on at once: what bounds the queue of places.
const AHEAD: usize = 1024;

/// The record that stands in for a broken one, so that the reader gets one record per place.
const STAND_IN: &[u8] = b"-\n";

/// Where a record stood in the input. There is one for each record that is passed on.
#[derive(Debug)]
pub(super) struct Place {
    /// The line on which it starts, from 1.
    pub(super) line: u64,
    /// How many lines it covers.
    pub(super) lines: u64,
    /// Why this is a stand-in for a record that was taken out.
    pub(super) broken: Option<String>,
}

/// A reader of well-formed records only.
pub(super) struct Screen<R> {
    blocks: Blocks<R>,
    delimiter: u8,
    /// The line on which the next record starts.
    line: u64,
    /// Places of the records that were passed on and not asked for yet.
    places: VecDeque<Place>,
    /// How much of the data at hand may pass.
    ready: usize,
    /// What is left of a stand-in to pass on.
    stand_in: &'static [u8],
    passed: u64,
}

impl<R: Read> Screen<R> {
    pub(super) fn new(blocks: Blocks<R>, delimiter: u8) -> Self {
        Self {
            blocks,
            delimiter,
            line: 1,
            places: VecDeque::with_capacity(AHEAD),
            ready: 0,
            stand_in: b"",
            passed: 0,
        }
    }

    /// The place of the next record; to be called once for each record that the csv reader yields.
    pub(super) fn place(&mut self) -> Option<Place> {
        self.places.pop_front()
    }

    /// Bytes of the input that are done with when the csv reader has used `used` of those that it
    /// was passed.
    pub(super) fn consumed(&self, used: u64) -> u64 {
        let waiting = self.passed.saturating_sub(used);
        self.blocks.consumed().saturating_sub(waiting)
    }

    /// Finds what may pass next; `false` at the end of the input.
    fn advance(&mut self) -> io::Result<bool> {
        for _ in 0..AHEAD {
            let data = &self.blocks.data()[self.ready..];
            match frame(data, self.delimiter, self.blocks.ended()) {
                Frame::Record { len, lines } => {
                    self.places.push_back(Place {
                        line: self.line,
                        lines,
                        broken: None,
                    });
                    self.line += lines;
                    self.ready += len;
                }
                // What isn't a record moves the start of the data: first pass on what is before it.
                _ if self.ready > 0 => break,
                Frame::Blank { len } => {
                    self.line += 1;
                    self.blocks.consume(len);
                }
                Frame::Broken(fault) => {
                    self.places.push_back(Place {
                        line: self.line,
                        lines: 1,
                        broken: Some(fault.reason(data)),
                    });
                    self.line += 1;
                    self.stand_in = STAND_IN;
                    self.blocks.skip_line()?;
                    break;
                }
                Frame::Partial => self.blocks.fill()?,
                Frame::End => return Ok(false),
            }
        }
        Ok(true)
    }
}

impl<R: Read> Read for Screen<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.ready == 0 && self.stand_in.is_empty() {
            if !self.advance()? {
                return Ok(0);
            }
        }
        let count;
        if self.ready > 0 {
            count = self.ready.min(out.len());
            out[..count].copy_from_slice(&self.blocks.data()[..count]);
            self.blocks.consume(count);
            self.ready -= count;
        } else {
            count = self.stand_in.len().min(out.len());
            out[..count].copy_from_slice(&self.stand_in[..count]);
            self.stand_in = &self.stand_in[count..];
        }
        self.passed += count as u64;
        Ok(count)
    }
}

/// What the data starts with.
enum Frame {
    /// A record that csv reads as exactly one record; with its line end.
    Record { len: usize, lines: u64 },
    /// A line without anything in it.
    Blank { len: usize },
    /// Something that is no record: its first line must go.
    Broken(Fault),
    /// More data must be read to tell.
    Partial,
    /// Nothing, and nothing follows.
    End,
}

/// How a record is broken; where it shows, if not at its start.
#[derive(Clone, Copy)]
enum Fault {
    TooLong,
    QuoteInside { at: usize },
    TextAfterQuote { at: usize },
    NotClosed { at: usize },
    LoneReturn,
}

impl Fault {
    fn reason(self, record: &[u8]) -> String {
        let (what, at) = match self {
            Self::TooLong => ("longer than 64 KiB", 0),
            Self::QuoteInside { at } => ("a quote inside a field that does not start with one", at),
            Self::TextAfterQuote { at } => ("text after the closing quote of a field", at),
            Self::NotClosed { at } => ("a quote that is not closed", at),
            Self::LoneReturn => ("a carriage return inside the row", 0),
        };
        // Shown is what is taken out, the first line, even where it takes later ones to see the fault.
        let line = memchr(b'\n', record).map_or(record, |newline| &record[..newline]);
        let line = line.get(at..).unwrap_or(line);
        format!("{what}: {}", excerpt(without_returns(line)))
    }
}

/// Frames the first record of `data`, after which nothing follows if it is `ended`.
fn frame(data: &[u8], delimiter: u8, ended: bool) -> Frame {
    let window = &data[..data.len().min(MAX_RECORD)];
    let (line, len) = match memchr(b'\n', window) {
        Some(newline) => (&window[..newline], newline + 1),
        None if window.len() == MAX_RECORD => return Frame::Broken(Fault::TooLong),
        None if !ended => return Frame::Partial,
        None if window.is_empty() => return Frame::End,
        None => (window, window.len()),
    };
    let line = without_returns(line);
    if line.is_empty() {
        return Frame::Blank { len };
    }
    match memchr2(b'"', b'\r', line) {
        None => Frame::Record { len, lines: 1 },
        Some(_) => frame_fields(window, delimiter, ended),
    }
}

/// Frames a record with a quote or a carriage return in its first line, field by field, by the
/// rules that csv follows where its input is well-formed.
fn frame_fields(window: &[u8], delimiter: u8, ended: bool) -> Frame {
    let full = window.len() == MAX_RECORD;
    let mut start = 0;
    loop {
        let mut at = start;
        let quoted = window.get(start) == Some(&b'"');
        if quoted {
            match closing_quote(window, start) {
                Some(quote) => at = quote + 1,
                None if full || ended => return Frame::Broken(Fault::NotClosed { at: start }),
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
            _ if !quoted => Fault::QuoteInside { at: start },
            None => Fault::TextAfterQuote { at: start },
            // What seems to close a field over several lines more likely opens another.
            Some(_) => Fault::NotClosed { at: start },
        };
        match window.get(end) {
            None if full => return Frame::Broken(Fault::TooLong),
            None if !ended => return Frame::Partial,
            Some(b'"') => return Frame::Broken(stray),
            _ if quoted && !rest.is_empty() => return Frame::Broken(stray),
            _ if memchr(b'\r', rest).is_some() => return Frame::Broken(Fault::LoneReturn),
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
    }
}

/// The quote that closes the field that is opened at `open`: the first that is not doubled.
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

/// A line without its carriage returns at the end: one is half a line end, more come from tools
/// that add their own.
fn without_returns(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b'\r'] = line {
        line = rest;
    }
    line
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    /// What passes, and the lines that were taken out with their reasons.
    fn screen(input: impl Read) -> (String, Vec<(u64, String)>) {
        let mut screen = Screen::new(Blocks::new(input), b',');
        let mut passed = String::new();
        screen.read_to_string(&mut passed).unwrap();
        let broken = std::iter::from_fn(|| screen.place())
            .filter_map(|place| Some((place.line, place.broken?)))
            .collect();
        (passed, broken)
    }

    #[test]
    fn well_formed_records_pass_untouched_but_blank_lines() {
        let text = "a,b\r\n\r\n\"a\"\"\",\"b\nc\",\n\n,\"\"\r\nlast";
        let (passed, broken) = screen(text.as_bytes());
        assert_eq!(passed, "a,b\r\n\"a\"\"\",\"b\nc\",\n,\"\"\r\nlast");
        assert_eq!(broken, []);
    }

    #[test]
    fn each_way_to_break_the_quoting_costs_one_line() {
        for (line, reason) in [
            (
                "a\"b,c",
                "a quote inside a field that does not start with one: `a\"b,c`",
            ),
            (
                "a, \"b\"",
                "a quote inside a field that does not start with one: ` \"b\"`",
            ),
            (
                "a,\"b\"c",
                "text after the closing quote of a field: `\"b\"c`",
            ),
            ("\"a\"\"\"\"", "a quote that is not closed: `\"a\"\"\"\"`"),
            ("a,\"b", "a quote that is not closed: `\"b`"),
            ("a\rb,c", r"a carriage return inside the row: `a\rb,c`"),
            (
                "\"a\"\rb",
                r#"text after the closing quote of a field: `"a"\rb`"#,
            ),
        ] {
            let (passed, broken) = screen(format!("1,1\n{line}\n3,3\n").as_bytes());
            assert_eq!(passed, "1,1\n-\n3,3\n");
            assert_eq!(broken, [(2, reason.to_owned())]);
            let (passed, broken) = screen(line.as_bytes());
            assert_eq!(passed, "-\n");
            assert_eq!(broken, [(1, reason.to_owned())]);
        }
    }

    #[test]
    fn a_record_may_have_64_kib_with_its_line_end_and_no_more() {
        for (length, is_fine) in [(MAX_RECORD - 1, true), (MAX_RECORD, false)] {
            for record in [
                "x".repeat(length),
                format!("\"{}\"", "x".repeat(length - 2)),
                format!("\"{}\"", "\n".repeat(length - 2)),
            ] {
                let text = format!("{record}\nnext\n");
                let (passed, broken) = screen(text.as_bytes());
                assert_eq!(broken.is_empty(), is_fine);
                assert_eq!(passed == text, is_fine);
                assert!(passed.ends_with("\nnext\n"));
            }
        }
    }

    #[test]
    fn a_line_of_any_length_costs_one_row() {
        let huge = io::repeat(b'x').take(64 << 20);
        let (passed, broken) = screen(b"1\n".chain(huge).chain(&b"\n3\n"[..]));
        assert_eq!(passed, "1\n-\n3\n");
        let reason = format!("longer than 64 KiB: `{}…`", "x".repeat(48));
        assert_eq!(broken, [(2, reason)]);
    }

    #[test]
    fn the_queue_of_places_stays_short_however_short_the_records_are() {
        let text = "x\n\"\n\n".repeat(200_000);
        let mut screen = Screen::new(Blocks::new(text.as_bytes()), b',');
        let mut out = vec![0; 1 << 20];
        while screen.read(&mut out).unwrap() > 0 {
            assert!(screen.places.len() <= AHEAD);
            screen.places.clear();
        }
        assert_eq!(screen.places.capacity(), AHEAD);
        assert_eq!(screen.line, 600_001);
    }
}
