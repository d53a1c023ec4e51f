//! JSON objects that are not one per line: in an array, or each over several lines.
//!
//! After a missing or extra bracket or quote, what looks like an object may be part of another one.
//! So reading ends where the JSON is broken, just as where a file is cut off: only objects that are
//! certain to be rows are called.

use std::io::{self, ErrorKind, Read as Input};

use memchr::memchr_iter;
use serde::de::IgnoredAny;

use super::batch::Batch;
use super::blocks::{Blocks, MARK, MAX_RECORD};
use super::check::reason_of_object;
use super::columns::Columns;
use super::encoding::Encoding;
use super::errors::{empty, unreadable};
use super::excerpt::excerpt;
use super::input::{Ahead, Reader};
use super::object::{check_keys, ids, without_place};
use crate::error::Result;

/// The objects of a text. The next one can be examined any number of times before it is passed.
pub(super) struct Objects<R> {
    blocks: Blocks<R>,
    /// The line on which the data starts, counted from 1.
    line: u64,
    /// The number of objects found on that line so far.
    on_line: u64,
    in_array: bool,
}

/// What comes next.
pub(super) enum NextObject {
    /// An object, at the start of the data.
    Object {
        len: usize,
    },
    End,
    /// Invalid JSON, or JSON other than objects; says where and how.
    Broken(String),
}

impl<R: Input> Objects<R> {
    /// Reads the objects of a text that starts on this line.
    pub(super) fn new(blocks: Blocks<R>, line: u64) -> Self {
        Self {
            blocks,
            line,
            on_line: 0,
            in_array: false,
        }
    }

    pub(super) fn data(&self) -> &[u8] {
        self.blocks.data()
    }

    /// Returns the rest of the input.
    pub(super) fn into_blocks(self) -> Blocks<R> {
        self.blocks
    }

    /// Moves to the next object. Concatenated files are accepted: an array may follow another, and
    /// a comma may follow the last object.
    pub(super) fn find(&mut self) -> io::Result<NextObject> {
        loop {
            match self.blocks.data() {
                // It may be the start of a byte order mark.
                start if MARK.starts_with(start) && !self.blocks.ended() => {
                    self.blocks.fill()?;
                    continue;
                }
                [0xef, 0xbb, 0xbf, ..] => {
                    self.blocks.skip_mark();
                    continue;
                }
                [] if self.in_array => {
                    return Ok(NextObject::Broken(
                        "its JSON array is not closed".to_owned(),
                    ));
                }
                [] => return Ok(NextObject::End),
                [b'{', ..] => return self.measure(),
                [b'[', ..] if !self.in_array => self.in_array = true,
                [b']', ..] if self.in_array => self.in_array = false,
                [b',', ..] if self.in_array => {}
                [b' ' | b'\t' | b'\r' | b'\n', ..] => {}
                other => {
                    let line = self.line;
                    let other = excerpt(other);
                    return Ok(NextObject::Broken(format!(
                        "line {line} has something other than a JSON object: {other}"
                    )));
                }
            }
            self.pass(1);
        }
    }

    /// Returns the length of the object at the start of the data.
    fn measure(&mut self) -> io::Result<NextObject> {
        loop {
            let data = self.blocks.data();
            let window = &data[..data.len().min(MAX_RECORD)];
            let mut values = serde_json::Deserializer::from_slice(window).into_iter::<IgnoredAny>();
            let Some(Err(error)) = values.next() else {
                let len = values.byte_offset();
                return Ok(NextObject::Object { len });
            };
            let line = self.line;
            if error.is_eof() && window.len() == MAX_RECORD {
                return Ok(NextObject::Broken(format!(
                    "the JSON object on line {line} is longer than 64 KiB"
                )));
            }
            if !error.is_eof() || self.blocks.ended() {
                let what = without_place(&error);
                let line = line + error.line() as u64 - 1;
                return Ok(NextObject::Broken(format!(
                    "broken JSON on line {line}, {what}"
                )));
            }
            self.blocks.fill()?;
        }
    }

    fn pass(&mut self, len: usize) {
        let lines = memchr_iter(b'\n', &self.blocks.data()[..len]).count();
        if lines > 0 {
            self.line += lines as u64;
            self.on_line = 0;
        }
        self.blocks.consume(len);
    }
}

/// Reads objects as rows.
pub(super) struct ObjectRows<R> {
    objects: Objects<R>,
    columns: Columns,
    encoding: Encoding,
    failed_rows: bool,
}

impl<R: Input> ObjectRows<R> {
    /// Checks that the first object has the keys needed, without passing it.
    pub(super) fn open(
        mut objects: Objects<R>,
        encoding: Encoding,
        columns: &Columns,
        input: &str,
    ) -> Result<Self> {
        let fail = |error| unreadable(input, error);
        let failed_rows = match objects.find().map_err(fail)? {
            NextObject::Object { len } => check_keys(&objects.data()[..len], columns, input)?,
            NextObject::End => return Err(empty(input)),
            NextObject::Broken(how) => return Err(fail(broken(how))),
        };
        Ok(Self {
            objects,
            columns: columns.clone(),
            encoding,
            failed_rows,
        })
    }

    /// Adds the object at the start of the data.
    fn add(&mut self, len: usize, batch: &mut Batch) {
        let objects = &mut self.objects;
        let line = objects.line;
        objects.on_line += 1;
        match ids(&objects.data()[..len], &self.columns, self.encoding) {
            Ok([group, sender, topic]) => batch.push(None, line, [&group, &sender, &topic]),
            Err(reason) => {
                batch.refuse(line, reason_of_object(reason, objects.on_line));
            }
        }
        self.objects.pass(len);
    }
}

fn broken(how: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, how)
}

impl<R: Input> Reader for ObjectRows<R> {
    fn bytes_read(&self) -> u64 {
        self.objects.blocks.consumed()
    }

    fn is_failed_rows(&self) -> bool {
        self.failed_rows
    }

    fn read(&mut self, batch: &mut Batch, most: usize, ahead: Ahead) -> io::Result<bool> {
        while batch.len() < most {
            self.objects.blocks.may_read(ahead.may_read(batch));
            match self.objects.find()? {
                NextObject::Object { len } => self.add(len, batch),
                NextObject::End => return Ok(false),
                NextObject::Broken(how) => return Err(broken(how)),
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use crate::rows::tests::{all, bad, error, read, row};
    use crate::rows::{Batch, Format, Options, Rows, kind_of_fault};

    /// Returns the number of rows before the error, and the error.
    fn read_until_it_breaks(text: &'static str) -> (usize, String) {
        let options = Options::default();
        let mut rows =
            Rows::new(text.as_bytes(), "rows", Some(Format::Jsonl), &options).expect("an input");
        let mut batch = Batch::default();
        let error = rows.read(&mut batch, 100).expect_err("broken JSON");
        (batch.len(), error.to_string())
    }

    #[test]
    fn each_object_of_an_array_is_a_row_with_the_line_on_which_it_starts() {
        let text = b"\n[\n  {\n    \"group\": \"g1\",\n    \"user\": 1294030472427835393\n  }, {\"group\":\n \"g2\", \"user\": 2},\n  {\"group\": \"g3\", \"user\": \"}]\\\"\"}\n]\n";
        let reads = read(text, Format::Jsonl, &Options::default());
        let rows = [
            row(3, "g1", "1294030472427835393", ""),
            row(6, "g2", "2", ""),
            row(8, "g3", "}]\"", ""),
        ];
        assert_eq!(reads, rows);
    }

    #[test]
    fn objects_may_span_several_lines_and_arrays_may_follow_each_other() {
        for text in [
            "{\n\"group\":\"g\",\n\"user\":1}\n{\"group\":\"h\",\"user\":2}",
            "{\"group\":\"g\",\n\n\"user\":1}{\"group\":\"h\",\"user\":2}\n",
            "[{\"group\":\"g\",\"user\":1}]\r\n\n[{\"group\":\"h\",\"user\":2},\n]",
        ] {
            let reads = read(text.as_bytes(), Format::Jsonl, &Options::default());
            let second = if text.contains("}{") || text.contains("]\r") {
                3
            } else {
                4
            };
            assert_eq!(reads, [row(1, "g", "1", ""), row(second, "h", "2", "")]);
        }
    }

    #[test]
    fn bad_rows_on_one_line_are_distinct_but_of_one_kind() {
        let text = br#"[{"group":"g","user":""},{"group":"g","user":""},{"user":1}]"#;
        let reads = read(text, Format::Jsonl, &Options::default());
        let reasons = [
            "the sender is empty",
            "the sender is empty (object 2 of the line)",
            "no group: `{\"user\":1}` (object 3 of the line)",
        ];
        assert_eq!(reads, reasons.map(|reason| bad(1, reason)));
        let kinds = ["the sender is empty", "the sender is empty", "no group"];
        assert_eq!(reasons.map(kind_of_fault), kinds);
    }

    #[test]
    fn reading_ends_at_broken_json() {
        for (text, rows, how) in [
            (
                "[{\"group\":\"g\",\"user\":1},\n {\"group\":\"g\",\n  \"user\":\"2},\n {\"group\":\"g\",\"user\":3}]",
                1,
                "rows (after line 1): cannot be read: broken JSON on line 3, control character (\\u0000-\\u001F) found while parsing a string",
            ),
            (
                "[{\"group\":\"g\",\"user\":1},\n{\"group\":\"g\",\"us",
                1,
                "rows (after line 1): cannot be read: broken JSON on line 2, EOF while parsing a string",
            ),
            (
                "[{\"group\":\"g\",\"user\":1},\n",
                1,
                "rows (after line 1): cannot be read: its JSON array is not closed",
            ),
            (
                // A missing bracket: what follows is not a row, but part of another.
                "[{\"group\":\"g\",\"user\":1}},\"y\":[{\"group\":\"g\",\"user\":2}]}]",
                1,
                "rows (after line 1): cannot be read: line 1 has something other than a JSON object: `},\"y\":[{\"group\":\"g\",\"user\":2}]}]`",
            ),
            (
                "[{\"group\":\"g\",\"user\":1}]\n]",
                1,
                "rows (after line 1): cannot be read: line 2 has something other than a JSON object: `]`",
            ),
        ] {
            let (found, error) = read_until_it_breaks(text);
            assert_eq!((found, &*error), (rows, how));
        }
    }

    #[test]
    fn an_object_over_64_kib_ends_reading_too() {
        let long = format!(
            "[{{\"group\":\"g\",\"user\":1,\"x\":\"{}\"}}]",
            "x".repeat(1 << 16)
        );
        let message = "rows: cannot be read: the JSON object on line 1 is longer than 64 KiB";
        let found = error(long.as_bytes(), Format::Jsonl, &Options::default());
        assert_eq!(found, message);
    }

    #[test]
    fn an_input_without_rows_is_refused_when_it_is_opened() {
        for (text, message) in [
            ("[]", "rows: is empty: 0 rows and no header"),
            (
                "[[\"g\",\"u\"]]",
                "rows: cannot be read: line 1 has something other than a JSON object: `[\"g\",\"u\"]]`",
            ),
            (
                "{\n\"group\":",
                "rows: cannot be read: broken JSON on line 2, EOF while parsing a value",
            ),
            (
                "{\"data\":\n[{\"group\":1,\"user\":2}]}",
                "rows: no columns for the group and the sender; its columns are `data`\n  hint: say which they are: --columns group=NAME,sender=NAME",
            ),
        ] {
            let found = error(text.as_bytes(), Format::Jsonl, &Options::default());
            assert_eq!(found, message);
        }
    }

    #[test]
    fn lines_are_read_as_lines_even_if_the_first_is_broken() {
        let text = "{\"group\":\"g\",\n{\"group\":\"h\",\"user\":2}\n";
        let rows = Rows::new(text.as_bytes(), "rows", None, &Options::default());
        let reads: Vec<_> = all(rows.expect("an input")).collect();
        assert_eq!(reads[1..], [row(2, "h", "2", "")]);
    }
}
