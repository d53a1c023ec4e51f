//! CSV and TSV: the header names the columns, and each record is a row.

use std::io::{self, Read as Input};

use super::Options;
use super::batch::Batch;
use super::blocks::Blocks;
use super::columns::are_failed_rows;
use super::encoding::Encoding;
use super::errors::{empty, unreadable};
use super::fields::Fields;
use super::input::{Ahead, Reader};
use super::records::{Record, Records};
use super::shape::Shape;
use crate::error::{Error, Result};

/// The rows of a CSV or TSV input.
pub(super) struct Delimited<R> {
    records: Records<R>,
    shape: Shape,
    failed_rows: bool,
}

impl<R: Input> Delimited<R> {
    /// Reads the header, or examines the first row if there is none, and finds the columns.
    pub(super) fn open(
        blocks: Blocks<R>,
        delimiter: u8,
        encoding: Encoding,
        options: &Options,
        input: &str,
    ) -> Result<Self> {
        let mut records = Records::new(blocks, delimiter);
        let fail = |error| unreadable(input, error);
        let first = records.find().map_err(fail)?.ok_or_else(|| empty(input))?;
        let delimiter = records.delimiter();
        let fields = match first {
            Record::Whole { len, quoted, .. } => Some(records.fields(len, quoted).map_err(fail)?),
            Record::Broken(_) => None,
        };
        if !options.header {
            let shape =
                Shape::without_header(fields, delimiter, encoding, &options.columns, input)?;
            return Ok(Self {
                records,
                shape,
                failed_rows: false,
            });
        }
        if let Record::Broken(fault) = first {
            let reason = records.reason(fault);
            return Err(Error::input(format!(
                "{input}: its header is broken: {reason}"
            )));
        }
        let header: Vec<&[u8]> = fields.into_iter().flat_map(Fields::iter).collect();
        let names: Vec<String> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        let layout = options.columns.locate(&names, input).map_err(|error| {
            if header.iter().all(|name| str::from_utf8(name).is_ok()) {
                return error;
            }
            error.hint(format!(
                "its header is not {encoding}: name the encoding, such as --encoding gb18030"
            ))
        })?;
        if let Record::Whole { len, lines, .. } = first {
            records.pass_lines(len, lines);
        }
        Ok(Self {
            records,
            shape: Shape::with_header(&names, layout, delimiter, encoding),
            failed_rows: are_failed_rows(&names),
        })
    }

    /// Adds the plain rows at the start of the data; returns false if there are none.
    fn add_plain(&mut self, batch: &mut Batch, most: usize) -> bool {
        let (data, about) = self.records.at_hand();
        let Some(mut rows) = self.shape.plain_rows(data, about) else {
            return false;
        };
        let first = self.records.line();
        let mut line = first;
        for ids in rows.by_ref().take(most - batch.len()) {
            batch.push(None, line, ids);
            line += 1;
        }
        let len = rows.len();
        self.records.pass_lines(len, line - first);
        len > 0
    }

    /// Adds the record as a row, and moves past it.
    fn add(&mut self, record: &Record, batch: &mut Batch) -> io::Result<()> {
        let line = self.records.line();
        let (len, lines, quoted) = match *record {
            Record::Broken(fault) => {
                let reason = self.records.pass_broken(fault)?;
                batch.refuse(line, reason);
                return Ok(());
            }
            Record::Whole { len, lines, quoted } => (len, lines, quoted),
        };
        match self.shape.ids(self.records.fields(len, quoted)?) {
            Ok(ids) => batch.push(None, line, ids),
            Err(reason) if lines > 1 => {
                let last = line + lines - 1;
                let covers = format!("{reason} (the row covers lines {line} to {last})");
                batch.refuse(line, covers);
            }
            Err(reason) => batch.refuse(line, reason),
        }
        self.records.pass_lines(len, lines);
        Ok(())
    }
}

impl<R: Input> Reader for Delimited<R> {
    fn bytes_read(&self) -> u64 {
        self.records.bytes_read()
    }

    fn is_failed_rows(&self) -> bool {
        self.failed_rows
    }

    fn read(&mut self, batch: &mut Batch, most: usize, ahead: Ahead) -> io::Result<bool> {
        while batch.len() < most {
            if self.add_plain(batch, most) {
                continue;
            }
            self.records.may_read(ahead.may_read(batch));
            let Some(record) = self.records.find()? else {
                return Ok(false);
            };
            self.add(&record, batch)?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use crate::rows::tests::{bad, csv, error, row};
    use crate::rows::{Format, Options};

    #[test]
    fn columns_may_be_in_any_order_and_among_others() {
        assert_eq!(
            csv("at,User-ID,n,GroupId,Topic ID\n1,u1,2,g1,t1\n3,u2,4,g2,\n"),
            [row(2, "g1", "u1", "t1"), row(3, "g2", "u2", "")]
        );
    }

    #[test]
    fn ids_are_neither_trimmed_nor_parsed_as_numbers() {
        assert_eq!(
            csv("group,sender\n 007 ,1294030472427835393\n"),
            [row(2, " 007 ", "1294030472427835393", "")]
        );
    }

    #[test]
    fn a_bad_row_over_several_lines_reports_its_lines() {
        assert_eq!(
            csv("group,sender\ng1,\"u1\ng2,u2\"\ng3,u3\n"),
            [
                bad(
                    2,
                    r"the sender contains a control character: `u1\ng2,u2` (the row covers lines 2 to 3)"
                ),
                row(4, "g3", "u3", ""),
            ]
        );
    }

    #[test]
    fn a_broken_header_is_an_error() {
        assert_eq!(
            error(b"\"group,sender\ng1,u1\n", Format::Csv, &Options::default()),
            "rows: its header is broken: a quote that is not closed: `\"group,sender`"
        );
    }
}
