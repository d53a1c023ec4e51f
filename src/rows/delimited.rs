//! CSV and TSV: records, and the columns in them.

use std::io::{self, Read as Input};

use memchr::memchr;

use super::batch::Batch;
use super::blocks::Blocks;
use super::check::{excerpt, id};
use super::columns::{Columns, Field, Layout, are_failed_rows, count};
use super::encoding::Encoding;
use super::fields::{Fields, Splitter};
use super::frame::{Frame, frame, without_returns};
use super::input::Reader;
use super::open::{empty, unreadable};
use super::plain::PlainRows;
use super::{BadRow, Options};
use crate::error::{Error, Result};

/// Records one after the other. Each is looked at as often as need be, and then passed.
struct Records<R> {
    blocks: Blocks<R>,
    delimiter: u8,
    /// The line on which the next record starts, from 1.
    line: u64,
    /// Bytes of the whole record that was passed last, or of the plain rows.
    passed: usize,
    splitter: Splitter,
}

/// The next record, which the data starts with.
enum Record {
    Whole {
        len: usize,
        lines: u64,
        quoted: bool,
    },
    /// Its first line is to be taken out.
    Broken(String),
}

impl<R: Input> Records<R> {
    /// Those of an input with this delimiter, unless its first line names another.
    fn new(mut blocks: Blocks<R>, delimiter: u8) -> Self {
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

    /// Finds the next record; `None` at the end.
    fn find(&mut self) -> io::Result<Option<Record>> {
        loop {
            let data = self.blocks.data();
            match frame(data, self.delimiter, self.blocks.ended()) {
                Frame::Record { len, lines, quoted } => {
                    return Ok(Some(Record::Whole { len, lines, quoted }));
                }
                Frame::Broken(fault) => return Ok(Some(Record::Broken(fault.reason(data)))),
                Frame::Blank { len } => {
                    self.line += 1;
                    self.blocks.consume(len);
                }
                Frame::Partial => self.blocks.fill()?,
                Frame::End => return Ok(None),
            }
        }
    }

    /// The fields of the record that was found.
    fn fields(&mut self, len: usize, quoted: bool) -> io::Result<Fields<'_>> {
        self.splitter.split(&self.blocks.data()[..len], quoted)
    }

    /// Goes behind the record that was found.
    fn pass(&mut self, record: &Record) -> io::Result<()> {
        match record {
            Record::Whole { len, lines, .. } => {
                self.line += lines;
                self.passed = *len;
                self.blocks.consume(*len);
                Ok(())
            }
            Record::Broken(_) => {
                self.line += 1;
                self.passed = 0;
                self.blocks.skip_line()
            }
        }
    }
}

/// The delimiter that a first line names, `sep=;` as Excel takes it, and the length of that line.
fn named_delimiter(start: &[u8]) -> Option<(u8, usize)> {
    let (line, len) = match memchr(b'\n', start) {
        Some(newline) => (&start[..newline], newline + 1),
        None => (start, start.len()),
    };
    let (key, delimiter) = without_returns(line).split_at_checked(4)?;
    match delimiter {
        [named @ (b',' | b';' | b'|' | b'\t')] if key.eq_ignore_ascii_case(b"sep=") => {
            Some((*named, len))
        }
        _ => None,
    }
}

/// The rows of a CSV or TSV input.
pub(super) struct Delimited<R> {
    records: Records<R>,
    shape: Shape,
    failed_rows: bool,
}

/// What a row looks like.
struct Shape {
    layout: Layout,
    encoding: Encoding,
    /// The least number of fields with which a row can have all that it needs.
    least_width: usize,
    /// How many fields a row has, once a row or the header has told.
    width: Option<usize>,
    delimiter: u8,
    /// The names of the columns for group and sender. A row of them is the header of another
    /// file, which was put behind the first.
    header: Option<[String; 2]>,
}

impl<R: Input> Delimited<R> {
    /// Reads the header, or looks at the first row where there is none, and finds the columns.
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
        let delimiter = records.delimiter;
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
        if let Record::Broken(reason) = first {
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
        records.pass(&first).map_err(fail)?;
        Ok(Self {
            records,
            shape: Shape {
                layout,
                encoding,
                least_width: names.len(),
                width: Some(names.len()),
                delimiter,
                header: Some([layout.group, layout.sender].map(|at| names[at].clone())),
            },
            failed_rows: are_failed_rows(&names),
        })
    }

    /// Adds the plain rows at hand; false where the next is none.
    fn add_plain(&mut self, batch: &mut Batch, most: usize) -> bool {
        let Some(width) = self.shape.width else {
            return false;
        };
        let Records {
            blocks,
            delimiter,
            line,
            passed,
            ..
        } = &mut self.records;
        // As long as all goes well ever more is looked at together, up to a bound; else, or where
        // one row is wanted at a time, little of it in vain.
        let about = 4 * *passed;
        let header = self.shape.header.as_ref();
        let header = header.map(|names| names.each_ref().map(String::as_str));
        let layout = self.shape.layout;
        let mut rows = PlainRows::of(blocks.data(), about, *delimiter, layout, width, header);
        for ids in rows.by_ref().take(most - batch.len()) {
            batch.push(None, *line, ids);
            *line += 1;
        }
        *passed = rows.len();
        blocks.consume(*passed);
        *passed > 0
    }

    /// Adds the row that the record is.
    fn add(&mut self, record: &Record, batch: &mut Batch) -> io::Result<()> {
        let line = self.records.line;
        let reason = match *record {
            Record::Broken(ref reason) => reason.clone(),
            Record::Whole { len, lines, quoted } => {
                match self.shape.ids(self.records.fields(len, quoted)?) {
                    Ok(ids) => {
                        batch.push(None, line, ids);
                        return Ok(());
                    }
                    Err(reason) if lines > 1 => {
                        let last = line + lines - 1;
                        format!("{reason} (the row covers lines {line} to {last})")
                    }
                    Err(reason) => reason,
                }
            }
        };
        batch.push_bad(BadRow {
            input: None,
            line,
            reason,
        });
        Ok(())
    }
}

impl Shape {
    /// That of rows of which the first has these fields, unless it is broken.
    fn without_header(
        first: Option<Fields<'_>>,
        delimiter: u8,
        encoding: Encoding,
        columns: &Columns,
        input: &str,
    ) -> Result<Self> {
        let layout = columns.positions()?;
        let least_width = columns.least_width(layout);
        if let Some(fields) = first
            && fields.len() < least_width
        {
            return Err(Error::input(format!(
                "{input}: its first row has {} where {least_width} are needed: {}",
                count(fields.len(), "column"),
                excerpt(fields.get(0).unwrap_or_default())
            ))
            .hint("without a header the columns are group, sender, topic; for another order add --columns group=2,sender=1"));
        }
        Ok(Self {
            layout,
            encoding,
            least_width,
            width: None,
            delimiter,
            header: None,
        })
    }

    /// The group, the sender and the topic (empty where there is none) of a row.
    fn ids<'a>(&mut self, fields: Fields<'a>) -> Result<[&'a str; 3], String> {
        self.check_width(fields)?;
        let text = |field, at| id(field, fields.get(at).unwrap_or_default(), self.encoding);
        let group = text(Field::Group, self.layout.group)?;
        let sender = text(Field::Sender, self.layout.sender)?;
        if self.is_header(group, sender) {
            let names = format!("{group},{sender}");
            return Err(format!(
                "the header once more: {}",
                excerpt(names.as_bytes())
            ));
        }
        Ok([
            group,
            sender,
            match self.layout.topic {
                Some(at) => text(Field::Topic, at)?,
                None => "",
            },
        ])
    }

    fn is_header(&self, group: &str, sender: &str) -> bool {
        let names = self.header.as_ref();
        names.is_some_and(|names| *names == [group, sender])
    }

    /// A row of another width has a comma that should be quoted, or lacks one: its fields may not
    /// be what they seem, and one of them is whose messages would go.
    fn check_width(&mut self, fields: Fields<'_>) -> Result<(), String> {
        let found = fields.len();
        if self.width.is_none() && found >= self.least_width {
            self.width = Some(found);
        }
        let width = self.width.unwrap_or(self.least_width);
        if found == width || (found > width && fields.iter().skip(width).all(<[u8]>::is_empty)) {
            return Ok(());
        }
        let hint = if found > width {
            let delimiter = match self.delimiter {
                b'\t' => "tab",
                b';' => "semicolon",
                b'|' => "bar",
                _ => "comma",
            };
            format!(" (is there a {delimiter} that should be in quotes?)")
        } else {
            String::new()
        };
        let fields = fields.iter().collect::<Vec<_>>().join(&self.delimiter);
        Err(format!(
            "{} instead of {width}{hint}: {}",
            count(found, "field"),
            excerpt(&fields)
        ))
    }
}

impl<R: Input> Reader for Delimited<R> {
    fn bytes_read(&self) -> u64 {
        self.records.blocks.consumed()
    }

    fn is_failed_rows(&self) -> bool {
        self.failed_rows
    }

    fn read(&mut self, batch: &mut Batch, most: usize) -> io::Result<bool> {
        while batch.len() < most {
            if self.add_plain(batch, most) {
                continue;
            }
            let Some(record) = self.records.find()? else {
                return Ok(false);
            };
            self.add(&record, batch)?;
            self.records.pass(&record)?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use crate::rows::tests::{Owned, bad, error, read, row};
    use crate::rows::{Format, Options};

    fn csv(text: &str) -> Vec<Owned> {
        read(text.as_bytes(), Format::Csv, &Options::default())
    }

    fn without_header(text: &str, columns: &str) -> Vec<Owned> {
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
    fn the_header_in_the_midst_of_the_rows_is_no_row() {
        let again = "the header once more: `room,uid`";
        let options = Options {
            columns: "group=room,sender=uid".parse().expect("columns"),
            ..Options::default()
        };
        // Among rows enough to be read many at a time.
        let rows = "1,room,u\n".repeat(40);
        let text = format!("n,room,uid\n{rows}n,room,uid\n{rows}");
        let mut reads = read(text.as_bytes(), Format::Csv, &options);
        assert_eq!(reads.len(), 81);
        assert_eq!(reads.remove(40), bad(42, again));
        assert!(reads.iter().all(Result::is_ok));
        let quoted = read(b"room,uid\n\"room\",uid\n", Format::Csv, &options);
        assert_eq!(quoted, [bad(2, again)]);
    }

    #[test]
    fn a_first_line_can_name_the_delimiter_as_excel_writes_it() {
        for (first, delimiter) in [
            ("sep=,\n", ","),
            ("sep=;\r\n", ";"),
            ("SEP=|\n", "|"),
            ("sep=\t\n", "\t"),
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
