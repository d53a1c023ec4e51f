//! Reads the records of CSV and TSV, well-formed or not.

use std::fmt::Write as _;
use std::io::{self, Read};

use memchr::memchr;

use super::blocks::Blocks;
use super::broken;
use super::fields::{Fields, Splitter};
use super::frame::{Frame, Malformed, frame, without_returns};

/// The records of an input. The next one can be examined any number of times before it is passed.
pub(super) struct Records<R> {
    blocks: Blocks<R>,
    delimiter: u8,
    /// The line on which the next record starts, counted from 1.
    line: u64,
    /// The number of bytes passed last; 0 after a broken record.
    passed: usize,
    splitter: Splitter,
}

/// The record at the start of the data.
pub(super) enum Record {
    Whole {
        len: usize,
        lines: u64,
        quoted: bool,
    },
    Broken(Malformed),
}

impl<R: Read> Records<R> {
    /// Reads an input with this delimiter, unless its first line names another.
    pub(super) fn new(mut blocks: Blocks<R>, delimiter: u8) -> Self {
        let (delimiter, line) = match named_delimiter(blocks.data()) {
            Some((named, len)) => {
                blocks.consume(len);
                (named, 2)
            }
            None => (delimiter, 1),
        };
        Self {
            blocks,
            delimiter,
            line,
            passed: 0,
            splitter: Splitter::new(delimiter),
        }
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Returns the line on which the next record starts, counted from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Returns the number of bytes passed so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.blocks.consumed()
    }

    /// See [`Blocks::may_read`].
    pub(super) fn may_read(&mut self, may_read: bool) {
        self.blocks.may_read(may_read);
    }

    /// Finds the next record; returns `None` at the end.
    pub(super) fn find(&mut self) -> io::Result<Option<Record>> {
        loop {
            while self.blocks.skip_mark() {}
            let data = self.blocks.data();
            match frame(data, self.delimiter, self.blocks.ended()) {
                Frame::Record { len, lines, quoted } => {
                    return Ok(Some(Record::Whole { len, lines, quoted }));
                }
                Frame::Broken(fault) => return Ok(Some(Record::Broken(fault))),
                Frame::Blank { len } => {
                    self.line += 1;
                    self.blocks.consume(len);
                }
                Frame::Partial => self.blocks.fill()?,
                Frame::End => return Ok(None),
            }
        }
    }

    /// Splits the record found into its fields.
    pub(super) fn fields(&mut self, len: usize, quoted: bool) -> io::Result<Fields<'_>> {
        self.splitter.split(&self.blocks.data()[..len], quoted)
    }

    /// Returns why the record found is broken.
    pub(super) fn reason(&self, fault: Malformed) -> String {
        format!("{}: {}", fault.what(), fault.shown(self.blocks.data()))
    }

    /// Moves past a broken record, and returns why it is broken.
    pub(super) fn pass_broken(&mut self, fault: Malformed) -> io::Result<String> {
        self.blocks.check_may_read()?;
        let shown = fault.shown(self.blocks.data());
        let extent = broken::pass(&mut self.blocks, self.delimiter)?;
        let what = match fault {
            // Only the end of the record shows whether its quote is closed.
            Malformed::TooLong { at } if !extent.closed => Malformed::NotClosed { at }.what(),
            _ => fault.what(),
        };
        let mut reason = format!("{what}: {shown}");
        if extent.lines > 1 {
            let (first, lines) = (self.line, extent.lines);
            let last = first + lines - 1;
            // Otherwise the operator would not know that rows are missing.
            let _ = write!(
                reason,
                " (the row covers lines {first} to {last}, so {lines} lines are not read as rows)"
            );
        }
        self.line += extent.lines;
        self.passed = 0;
        Ok(reason)
    }

    /// Returns the data, and about how much of it to check for plain rows. That grows while plain
    /// rows follow each other, and stays small otherwise, so that little is checked for nothing.
    pub(super) fn at_hand(&self) -> (&[u8], usize) {
        (self.blocks.data(), 4 * self.passed)
    }

    /// Moves past the first `len` bytes of the data, which are `lines` lines.
    pub(super) fn pass_lines(&mut self, len: usize, lines: u64) {
        self.line += lines;
        self.passed = len;
        self.blocks.consume(len);
    }
}

/// Returns the delimiter that a first line like `sep=;` names, as in Excel, and the length of that
/// line. A tool that writes it as a row of one field puts it in quotes.
fn named_delimiter(start: &[u8]) -> Option<(u8, usize)> {
    let (line, len) = match memchr(b'\n', start) {
        Some(newline) => (&start[..newline], newline + 1),
        None => (start, start.len()),
    };
    let line = without_returns(line);
    let unquoted = line.strip_prefix(b"\"");
    let unquoted = unquoted.and_then(|line| line.strip_suffix(b"\""));
    let (key, delimiter) = unquoted.unwrap_or(line).split_at_checked(4)?;
    match delimiter {
        [named @ (b',' | b';' | b'|' | b'\t')] if key.eq_ignore_ascii_case(b"sep=") => {
            Some((*named, len))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::rows::tests::{bad, csv, row, without_header};

    #[test]
    fn crlf_blank_lines_quotes_and_a_missing_last_line_end_are_accepted() {
        assert_eq!(
            csv(
                "group,sender,note\r\n\r\n\"g,1\",\" u \"\"x\"\"\",\"two\r\nlines\"\r\n\n\ng2,u2,\r\r\ng3,u3,end"
            ),
            [
                row(3, "g,1", " u \"x\"", ""),
                row(7, "g2", "u2", ""),
                row(8, "g3", "u3", ""),
            ]
        );
    }

    #[test]
    fn a_first_line_can_name_the_delimiter_as_in_excel() {
        for (first, delimiter) in [
            ("sep=,\n", ","),
            ("sep=;\r\n", ";"),
            ("SEP=|\n", "|"),
            ("sep=\t\n", "\t"),
            ("\"sep=;\"\r\n", ";"),
            ("\u{feff}sep=;\n", ";"),
        ] {
            let rows = "group~sender\ng1~u1\n\"g,2\"~u2\n".replace('~', delimiter);
            assert_eq!(
                csv(&(first.to_owned() + &rows)),
                [row(3, "g1", "u1", ""), row(4, "g,2", "u2", "")],
                "{first:?}"
            );
        }
        assert_eq!(
            without_header("sep=;\ng1;u1\n", ""),
            [row(2, "g1", "u1", "")]
        );
        assert_eq!(without_header("sep=,x\n", ""), [row(1, "sep=", "x", "")]);
        assert_eq!(
            csv("sep=;\ngroup;sender\ng;1;u\n"),
            [bad(
                3,
                "3 fields instead of 2 (is there a semicolon that should be in quotes?): `g;1;u`"
            )]
        );
    }
}
