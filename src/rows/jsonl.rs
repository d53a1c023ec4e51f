//! JSON lines, one object on each, and how to tell them from other JSON.

use std::io::{self, Read as Input};

use memchr::memchr;

use super::batch::Batch;
use super::blocks::{Blocks, MAX_RECORD};
use super::columns::Columns;
use super::encoding::Encoding;
use super::errors::{empty, unreadable};
use super::excerpt::excerpt;
use super::input::{Ahead, Reader};
use super::object::{check_keys, ids};
use super::objects::{NextObject, ObjectRows, Objects};
use crate::error::{Error, Result};

/// The rows of a JSONL input.
struct Jsonl<R> {
    blocks: Blocks<R>,
    columns: Columns,
    encoding: Encoding,
    /// The next line, counted from 1.
    line: u64,
    failed_rows: bool,
}

/// Opens JSON. It has an object per line, unless it is an array or its first object spans several
/// lines.
pub(super) fn open<R: Input + Send + 'static>(
    blocks: Blocks<R>,
    encoding: Encoding,
    columns: &Columns,
    input: &str,
) -> Result<Box<dyn Reader + Send>> {
    let fail = |error| unreadable(input, error);
    let mut rows = Jsonl {
        blocks,
        columns: columns.clone(),
        encoding,
        line: 1,
        failed_rows: false,
    };
    let found = rows.find_line().map_err(fail)?;
    let start = &rows.blocks.data()[..found.unwrap_or(MAX_RECORD)];
    let start = start.trim_ascii();
    let (is_array, is_brace) = (start.starts_with(b"["), start == b"{");
    if !is_array && !start.starts_with(b"{") {
        return Err(match start {
            [] => empty(input),
            _ => not_json(start, input),
        });
    }
    let mut objects = Objects::new(rows.blocks, rows.line);
    let are_lines = !is_array
        && match objects.find().map_err(fail)? {
            NextObject::Object { len } => memchr(b'\n', &objects.data()[..len]).is_none(),
            // A broken first object is just one bad row, and says nothing about the others.
            _ => !is_brace,
        };
    if !are_lines {
        let rows = ObjectRows::open(objects, encoding, columns, input)?;
        return Ok(Box::new(rows));
    }
    rows.blocks = objects.into_blocks();
    rows.check_first(input)?;
    Ok(Box::new(rows))
}

impl<R: Input> Jsonl<R> {
    /// Checks that the first object has the keys needed, without consuming it.
    fn check_first(&mut self, input: &str) -> Result<()> {
        let found = self.find_line().map_err(|error| unreadable(input, error))?;
        let text = &self.blocks.data()[..found.unwrap_or_default()];
        self.failed_rows = check_keys(text, &self.columns, input)?;
        Ok(())
    }

    /// Moves to the next line that is not blank, and returns its length; see [`Blocks::line`].
    fn find_line(&mut self) -> io::Result<Option<usize>> {
        loop {
            let found = self.blocks.line()?;
            if self.blocks.skip_mark() {
                continue;
            }
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

    /// Adds the next row; returns false at the end.
    fn add_next(&mut self, batch: &mut Batch) -> io::Result<bool> {
        let found = self.find_line()?;
        let line = self.line;
        match found {
            Some(0) => return Ok(false),
            Some(len) => {
                let text = self.blocks.data()[..len].trim_ascii_end();
                match ids(text, &self.columns, self.encoding) {
                    Ok([group, sender, topic]) => {
                        batch.push(None, line, [&group, &sender, &topic]);
                    }
                    Err(reason) => batch.refuse(line, reason),
                }
                self.blocks.consume(len);
            }
            None => {
                self.blocks.check_may_read()?;
                let start = excerpt(self.blocks.data());
                batch.refuse(line, format!("longer than 64 KiB: {start}"));
                self.blocks.skip_line()?;
            }
        }
        self.line += 1;
        Ok(true)
    }
}

fn not_json(start: &[u8], input: &str) -> Error {
    let start = excerpt(start);
    Error::input(format!("{input}: is not JSON: it starts with {start}")).hint(
        "if it is CSV, its name must end in .csv; if its fields are separated by tabs, in .tsv",
    )
}

impl<R: Input> Reader for Jsonl<R> {
    fn bytes_read(&self) -> u64 {
        self.blocks.consumed()
    }

    fn is_failed_rows(&self) -> bool {
        self.failed_rows
    }

    fn read(&mut self, batch: &mut Batch, most: usize, ahead: Ahead) -> io::Result<bool> {
        while batch.len() < most {
            self.blocks.may_read(ahead.may_read(batch));
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
    fn each_line_is_a_row_except_blank_ones() {
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
    fn an_object_over_several_lines_after_one_on_a_single_line_is_bad_with_a_reason() {
        let text = b"{\"group\":1,\"user\":1}\n{\n\"group\":2,\n\"user\":2}\n";
        let reads = read(text, Format::Jsonl, &Options::default());
        let reason = "broken JSON, EOF while parsing an object (by its first line, this input \
                      has an object a line): `{` (column 1)";
        assert_eq!(reads[..2], [row(1, "1", "1", ""), bad(2, reason)]);
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
    fn an_input_that_is_not_jsonl_is_refused_with_a_hint() {
        for (text, message) in [
            (
                "\ngroup,sender\ng,u\n",
                "rows: is not JSON: it starts with `group,sender`\n  hint: if it is CSV, its name must end in .csv; if its fields are separated by tabs, in .tsv",
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
