//! JSON lines: an object a line.

use std::io::{self, Read as Input};

use super::BadRow;
use super::batch::Batch;
use super::blocks::Blocks;
use super::check::excerpt;
use super::columns::{Columns, are_failed_rows};
use super::encoding::Encoding;
use super::input::Reader;
use super::object::{Keys, ids};
use super::open::{empty, unreadable};
use crate::error::{Error, Result};

/// The rows of a JSONL input.
pub(super) struct Jsonl<R> {
    blocks: Blocks<R>,
    columns: Columns,
    encoding: Encoding,
    /// The line that is read next, from 1.
    line: u64,
    failed_rows: bool,
}

impl<R: Input> Jsonl<R> {
    /// Looks at the first object, without reading past it, for the keys that are needed.
    pub(super) fn open(
        blocks: Blocks<R>,
        encoding: Encoding,
        columns: &Columns,
        input: &str,
    ) -> Result<Self> {
        let mut rows = Self {
            blocks,
            columns: columns.clone(),
            encoding,
            line: 1,
            failed_rows: false,
        };
        let first = rows.find_line().map_err(|error| unreadable(input, error))?;
        match first {
            Some(0) => return Err(empty(input)),
            Some(len) => rows.look_at_first(len, input)?,
            // Too long for a row, but a whole array is often one line.
            None => refuse_array(rows.blocks.data(), input)?,
        }
        Ok(rows)
    }

    fn look_at_first(&mut self, len: usize, input: &str) -> Result<()> {
        let text = self.blocks.data()[..len].trim_ascii();
        refuse_array(text, input)?;
        if text == b"{" {
            return Err(
                Error::input(format!("{input}: its JSON objects go over several lines"))
                    .hint("put each on one line on the way: jq -c . FILE | recall run -"),
            );
        }
        // If the first object is broken that is one bad row; it says nothing about the others.
        if let Ok(Keys(keys)) = serde_json::from_slice(text) {
            self.columns.locate_required(&keys, input)?;
            self.failed_rows = are_failed_rows(&keys);
        }
        Ok(())
    }

    /// Moves to the next line that is not blank; see [`Blocks::line`].
    fn find_line(&mut self) -> io::Result<Option<usize>> {
        loop {
            let found = self.blocks.line()?;
            let Some(len @ 1..) = found else {
                return Ok(found);
            };
            if !self.blocks.data()[..len].trim_ascii().is_empty() {
                return Ok(found);
            }
            self.blocks.consume(len);
            self.line += 1;
        }
    }

    /// Adds the next row; false at the end.
    fn add_next(&mut self, batch: &mut Batch) -> io::Result<bool> {
        let found = self.find_line()?;
        let line = self.line;
        let mut push_bad = |reason| {
            let input = None;
            batch.push_bad(BadRow {
                input,
                line,
                reason,
            });
        };
        match found {
            Some(0) => return Ok(false),
            Some(len) => {
                let text = self.blocks.data()[..len].trim_ascii_end();
                match ids(text, &self.columns, self.encoding) {
                    Ok([group, sender, topic]) => {
                        batch.push(None, line, [&group, &sender, &topic]);
                    }
                    Err(reason) => push_bad(reason),
                }
                self.blocks.consume(len);
            }
            None => {
                push_bad(format!(
                    "longer than 64 KiB: {}",
                    excerpt(self.blocks.data())
                ));
                self.blocks.skip_line()?;
            }
        }
        self.line += 1;
        Ok(true)
    }
}

fn refuse_array(start: &[u8], input: &str) -> Result<()> {
    if start.trim_ascii_start().starts_with(b"[") {
        return Err(
            Error::input(format!("{input}: is one JSON array, not an object a line"))
                .hint("turn it into lines on the way: jq -c '.[]' FILE | recall run -"),
        );
    }
    Ok(())
}

impl<R: Input> Reader for Jsonl<R> {
    fn bytes_read(&self) -> u64 {
        self.blocks.consumed()
    }

    fn is_failed_rows(&self) -> bool {
        self.failed_rows
    }

    fn read(&mut self, batch: &mut Batch, most: usize) -> io::Result<bool> {
        while batch.len() < most {
            if !self.add_next(batch)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use crate::rows::tests::{bad, error, read, row};
    use crate::rows::{Format, Options};

    #[test]
    fn each_line_is_a_row_and_blank_lines_are_none() {
        let text =
            b"\n{\"group_id\":\"g1\",\"user\":1}\r\n \t\r\n{oops\n{\"group_id\":\"g2\",\"user\":2}";
        assert_eq!(
            read(text, Format::Jsonl, &Options::default()),
            [
                row(2, "g1", "1", ""),
                bad(4, "broken JSON, key must be a string: `{oops` (column 2)"),
                row(5, "g2", "2", ""),
            ]
        );
    }

    #[test]
    fn a_line_over_64_kib_is_one_bad_row() {
        let text = format!(
            "{{\"group\":\"{}\"}}\n{{\"group\":\"g\",\"sender\":\"u\"}}\n",
            "x".repeat(1 << 20)
        );
        let reads = read(text.as_bytes(), Format::Jsonl, &Options::default());
        let reason = format!("longer than 64 KiB: `{{\"group\":\"{}…`", "x".repeat(38));
        assert_eq!(reads, [bad(1, &reason), row(2, "g", "u", "")]);
    }

    #[test]
    fn what_is_no_object_a_line_is_an_error_with_the_way_out() {
        for (text, message) in [
            (
                "[{\"group\":1}]",
                "rows: is one JSON array, not an object a line\n  hint: turn it into lines on the way: jq -c '.[]' FILE | recall run -",
            ),
            (
                "{\n\"group\":1}",
                "rows: its JSON objects go over several lines\n  hint: put each on one line on the way: jq -c . FILE | recall run -",
            ),
            (
                "{\"room\":1,\"user\":2}",
                "rows: no column for the group; its columns are `room`, `user`\n  hint: say which they are: --columns group=NAME,sender=NAME",
            ),
            (" \n\n", "rows: is empty: 0 rows and no header"),
        ] {
            assert_eq!(
                error(text.as_bytes(), Format::Jsonl, &Options::default()),
                message
            );
        }
    }
}
