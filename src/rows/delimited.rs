//! CSV and TSV: the csv crate behind a [`Screen`].

use std::io::{self, Read as Input};

use csv::{ByteRecord, ReaderBuilder};

use super::blocks::Blocks;
use super::check::{excerpt, id};
use super::columns::{Columns, Field, Layout, are_failed_rows, count};
use super::encoding::Encoding;
use super::input::Reader;
use super::open::{empty, unreadable};
use super::screen::{Place, Screen};
use super::{BadRow, Options, Read, Row};
use crate::error::{Error, Result};

/// What the csv crate holds of the screened input.
const CAPACITY: usize = 64 * 1024;

/// A reader of records, one at a time in the same memory.
struct Records<R> {
    csv: csv::Reader<Screen<R>>,
    record: ByteRecord,
}

impl<R: Input> Records<R> {
    fn new(blocks: Blocks<R>, delimiter: u8) -> Self {
        let csv = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(CAPACITY)
            .from_reader(Screen::new(blocks, delimiter));
        Self {
            csv,
            record: ByteRecord::new(),
        }
    }

    /// Reads the next record and tells where it stood; `None` at the end.
    fn read(&mut self) -> io::Result<Option<Place>> {
        if !self.csv.read_byte_record(&mut self.record)? {
            debug_assert!(self.csv.get_mut().place().is_none(), "a record got lost");
            return Ok(None);
        }
        let place = self.csv.get_mut().place();
        Ok(Some(place.expect("the screen has a place for each record")))
    }
}

/// The rows of a CSV or TSV input.
pub(super) struct Delimited<R> {
    records: Records<R>,
    /// Where there is no header: the record that was read to see how wide the rows are.
    first: Option<Place>,
    layout: Layout,
    encoding: Encoding,
    /// The least number of fields with which a row can have all that it needs.
    least_width: usize,
    /// How many fields a row has, once a row or the header has told.
    width: Option<usize>,
    failed_rows: bool,
}

impl<R: Input> Delimited<R> {
    /// Reads the header, or the first row where there is none, and finds the columns.
    pub(super) fn open(
        blocks: Blocks<R>,
        delimiter: u8,
        encoding: Encoding,
        options: &Options,
        input: &str,
    ) -> Result<Self> {
        let mut records = Records::new(blocks, delimiter);
        let first = records
            .read()
            .map_err(|error| unreadable(input, error))?
            .ok_or_else(|| empty(input))?;
        if options.header {
            Self::with_header(records, first, encoding, &options.columns, input)
        } else {
            Self::without_header(records, first, encoding, &options.columns, input)
        }
    }

    fn with_header(
        records: Records<R>,
        first: Place,
        encoding: Encoding,
        columns: &Columns,
        input: &str,
    ) -> Result<Self> {
        if let Some(reason) = first.broken {
            return Err(Error::input(format!(
                "{input}: its header is broken: {reason}"
            )));
        }
        let names: Vec<String> = records
            .record
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        let layout = columns.locate(&names, input).map_err(|error| {
            if str::from_utf8(records.record.as_slice()).is_ok() {
                return error;
            }
            error.hint(format!(
                "its header is not {encoding}: name the encoding, such as --encoding gb18030"
            ))
        })?;
        Ok(Self {
            first: None,
            layout,
            encoding,
            least_width: names.len(),
            width: Some(names.len()),
            failed_rows: are_failed_rows(&names),
            records,
        })
    }

    fn without_header(
        records: Records<R>,
        first: Place,
        encoding: Encoding,
        columns: &Columns,
        input: &str,
    ) -> Result<Self> {
        let layout = columns.positions()?;
        let least_width = columns.least_width(layout);
        let width = records.record.len();
        if first.broken.is_none() && width < least_width {
            return Err(Error::input(format!(
                "{input}: its first row has {} where {least_width} are needed: {}",
                count(width, "column"),
                excerpt(&records.record[0])
            ))
            .hint("without a header the columns are group, sender, topic; for another order add --columns group=2,sender=1"));
        }
        Ok(Self {
            first: Some(first),
            layout,
            encoding,
            least_width,
            width: None,
            failed_rows: false,
            records,
        })
    }

    fn row(&mut self, line: u64) -> Result<Row, String> {
        self.check_width()?;
        let record = &self.records.record;
        let text = |field, at| id(field, &record[at], self.encoding).map(str::to_owned);
        Ok(Row {
            input: None,
            line,
            group: text(Field::Group, self.layout.group)?,
            sender: text(Field::Sender, self.layout.sender)?,
            topic: match self.layout.topic {
                Some(at) if at < record.len() => text(Field::Topic, at)?,
                _ => String::new(),
            },
        })
    }

    /// A row of another width has a comma that should be quoted, or lacks one: its fields may not
    /// be what they seem, and one of them is whose messages would go.
    fn check_width(&mut self) -> Result<(), String> {
        let record = &self.records.record;
        let found = record.len();
        if self.width.is_none() && found >= self.least_width {
            self.width = Some(found);
        }
        let width = self.width.unwrap_or(self.least_width);
        if found == width || (found > width && record.iter().skip(width).all(<[u8]>::is_empty)) {
            return Ok(());
        }
        let hint = if found > width {
            " (is there a comma that should be in quotes?)"
        } else {
            ""
        };
        let fields = record.iter().collect::<Vec<_>>().join(&b","[..]);
        Err(format!(
            "{} instead of {width}{hint}: {}",
            count(found, "field"),
            excerpt(&fields)
        ))
    }
}

impl<R: Input> Reader for Delimited<R> {
    fn bytes_read(&self) -> u64 {
        let csv = &self.records.csv;
        csv.get_ref().consumed(csv.position().byte())
    }

    fn is_failed_rows(&self) -> bool {
        self.failed_rows
    }

    fn next(&mut self) -> io::Result<Option<Read>> {
        let place = match self.first.take() {
            Some(place) => place,
            None => match self.records.read()? {
                Some(place) => place,
                None => return Ok(None),
            },
        };
        let Place {
            line,
            lines,
            broken,
        } = place;
        let found = match broken {
            Some(reason) => Err(reason),
            None => self.row(line),
        };
        Ok(Some(match found {
            Ok(row) => Read::Row(row),
            Err(reason) if lines > 1 => {
                let last = line + lines - 1;
                let reason = format!("{reason} (the row covers lines {line} to {last})");
                Read::Bad(BadRow {
                    input: None,
                    line,
                    reason,
                })
            }
            Err(reason) => Read::Bad(BadRow {
                input: None,
                line,
                reason,
            }),
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::rows::tests::{bad, error, read, row};
    use crate::rows::{Format, Options, Read};

    fn csv(text: &str) -> Vec<Read> {
        read(text.as_bytes(), Format::Csv, &Options::default())
    }

    fn without_header(text: &str, columns: &str) -> Vec<Read> {
        read(text.as_bytes(), Format::Csv, &no_header(columns))
    }

    fn no_header(columns: &str) -> Options {
        Options {
            columns: match columns {
                "" => crate::rows::Columns::default(),
                given => given.parse().expect("columns"),
            },
            header: false,
            ..Options::default()
        }
    }

    #[test]
    fn columns_come_in_any_order_among_others() {
        assert_eq!(
            csv("at,User-ID,n,GroupId,Topic ID\n1,u1,2,g1,t1\n3,u2,4,g2,\n"),
            [row(2, "g1", "u1", "t1"), row(3, "g2", "u2", "")]
        );
    }

    #[test]
    fn crlf_blank_lines_quoting_and_a_missing_last_line_end_are_fine() {
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
    fn ids_are_neither_trimmed_nor_taken_for_numbers() {
        assert_eq!(
            csv("group,sender\n 007 ,1294030472427835393\n"),
            [row(2, " 007 ", "1294030472427835393", "")]
        );
    }

    #[test]
    fn a_row_of_another_width_is_bad_unless_it_only_ends_in_commas() {
        assert_eq!(
            csv("group,sender\ng1\ng,2,u2\ng3,u3,,\n"),
            [
                bad(2, "1 field instead of 2: `g1`"),
                bad(
                    3,
                    "3 fields instead of 2 (is there a comma that should be in quotes?): `g,2,u2`"
                ),
                row(4, "g3", "u3", ""),
            ]
        );
    }

    #[test]
    fn a_bad_row_over_several_lines_says_how_far_it_goes() {
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
    fn only_the_columns_that_are_used_need_be_utf_8() {
        let text = b"group,sender,note\ng1,u1,\xff\ng\xff,u2,\n";
        assert_eq!(
            read(text, Format::Csv, &Options::default()),
            [
                row(2, "g1", "u1", ""),
                bad(
                    3,
                    "the group is not UTF-8 (is it in another --encoding?): `g\u{fffd}`"
                ),
            ]
        );
    }

    #[test]
    fn without_a_header_the_order_is_group_sender_topic_or_as_given() {
        assert_eq!(
            without_header("g1,u1\ng2,u2\n", ""),
            [row(1, "g1", "u1", ""), row(2, "g2", "u2", "")]
        );
        assert_eq!(
            without_header("g1,u1,t1,x\n", ""),
            [row(1, "g1", "u1", "t1")]
        );
        assert_eq!(
            without_header("u1,x,g1\n", "group=3,sender=1"),
            [row(1, "g1", "u1", "")]
        );
    }

    #[test]
    fn without_a_header_a_broken_first_row_does_not_set_the_width() {
        assert_eq!(
            without_header("\"g0\ng1\ng2,u2\ng3,u3\n", ""),
            [
                bad(1, "a quote that is not closed: `\"g0`"),
                bad(2, "1 field instead of 2: `g1`"),
                row(3, "g2", "u2", ""),
                row(4, "g3", "u3", ""),
            ]
        );
    }

    #[test]
    fn a_header_that_will_not_do_is_an_error() {
        assert_eq!(
            error(b"\"group,sender\ng1,u1\n", Format::Csv, &Options::default()),
            "rows: its header is broken: a quote that is not closed: `\"group,sender`"
        );
        assert_eq!(
            error(b"g1\n", Format::Csv, &no_header("")),
            "rows: its first row has 1 column where 2 are needed: `g1`\n  hint: without a header \
             the columns are group, sender, topic; for another order add --columns group=2,sender=1"
        );
        assert_eq!(
            error(
                b"g1,u1\n",
                Format::Csv,
                &no_header("group=1,sender=2,topic=5")
            ),
            "rows: its first row has 2 columns where 5 are needed: `g1`\n  hint: without a header \
             the columns are group, sender, topic; for another order add --columns group=2,sender=1"
        );
    }
}
