//! The shape of CSV and TSV rows, and the IDs of a record that has it.

use super::aliases::Field;
use super::check::id;
use super::columns::{Columns, Layout};
use super::encoding::Encoding;
use super::excerpt::excerpt;
use super::fields::Fields;
use super::header_errors::other_delimiter;
use super::plain::PlainRows;
use crate::display::counted;
use crate::error::{Error, Result};

/// The shape of rows.
pub(super) struct Shape {
    layout: Layout,
    encoding: Encoding,
    /// The minimum number of fields of a row.
    least_width: usize,
    /// The number of fields of a row, once the header or a row has set it.
    width: Option<usize>,
    delimiter: u8,
    /// The names of the columns for group and sender. A row with these values is the header of
    /// another file that was appended to the first.
    header: Option<[String; 2]>,
}

impl Shape {
    /// Returns the shape of rows after a header with these names.
    pub(super) fn with_header(
        names: &[String],
        layout: Layout,
        delimiter: u8,
        encoding: Encoding,
    ) -> Self {
        Self {
            layout,
            encoding,
            least_width: names.len(),
            width: Some(names.len()),
            delimiter,
            header: Some([layout.group, layout.sender].map(|at| names[at].clone())),
        }
    }

    /// Returns the shape of rows without a header; `first` is `None` if the first row is broken.
    pub(super) fn without_header(
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
            let error = Error::input(format!(
                "{input}: its first row has {} but {least_width} are needed: {}",
                count(fields.len(), "column"),
                excerpt(fields.get(0).unwrap_or_default())
            ));
            let fields = fields
                .iter()
                .map(|field| String::from_utf8_lossy(field).into_owned());
            let fields: Vec<_> = fields.collect();
            return Err(error.hint(match other_delimiter(&fields) {
                Some(hint) => hint,
                None if columns.are_given() => "give --columns positions that its rows have",
                None => {
                    "without a header the columns are group, sender, topic; for another order add \
                     --columns group=2,sender=1"
                }
            }));
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

    /// Returns the plain rows at the start of the data, of which about `about` bytes are checked;
    /// `None` if the number of fields is not known yet.
    pub(super) fn plain_rows<'a>(&'a self, data: &'a [u8], about: usize) -> Option<PlainRows<'a>> {
        let header = self.header.as_ref();
        let header = header.map(|names| names.each_ref().map(String::as_str));
        let rows = PlainRows::of(
            data,
            about,
            self.delimiter,
            self.layout,
            self.width?,
            header,
        );
        Some(rows)
    }

    /// Returns the group, the sender and the topic (empty if there is none) of a row.
    pub(super) fn ids<'a>(&mut self, fields: Fields<'a>) -> Result<[&'a str; 3], String> {
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

    /// Refuses a row of another width. It has an unquoted comma or lacks one, so its fields may
    /// have moved, and the wrong sender would be recalled.
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

/// `1 column`, `2 columns`.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {}", counted(number as u64, noun))
}

#[cfg(test)]
mod tests {
    use crate::rows::tests::{bad, csv, error, no_header, read, row, without_header};
    use crate::rows::{Format, Options};

    #[test]
    fn a_row_of_another_width_is_bad_unless_it_only_has_extra_commas_at_its_end() {
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
    fn a_repeated_header_is_a_bad_row() {
        let again = "the header once more: `room,uid`";
        let options = Options {
            columns: "group=room,sender=uid".parse().expect("columns"),
            ..Options::default()
        };
        // Between enough rows that they are read many at a time.
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
    fn only_the_columns_that_are_used_have_to_be_utf_8() {
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
    fn without_a_header_the_order_is_group_sender_topic_unless_given() {
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
            without_header("g\"0\ng1\ng2,u2\ng3,u3\n", ""),
            [
                bad(
                    1,
                    "a quote inside a field that does not start with one: `g\"0`"
                ),
                bad(2, "1 field instead of 2: `g1`"),
                row(3, "g2", "u2", ""),
                row(4, "g3", "u3", ""),
            ]
        );
    }

    #[test]
    fn without_a_header_a_first_row_that_is_too_short_is_an_error() {
        assert_eq!(
            error(b"g1\n", Format::Csv, &no_header("")),
            "rows: its first row has 1 column but 2 are needed: `g1`\n  hint: without a header \
             the columns are group, sender, topic; for another order add --columns group=2,sender=1"
        );
        assert_eq!(
            error(
                b"g1,u1\n",
                Format::Csv,
                &no_header("group=1,sender=2,topic=5")
            ),
            "rows: its first row has 2 columns but 5 are needed: `g1`\n  hint: give --columns \
             positions that its rows have"
        );
        assert_eq!(
            error(b"g1;u1\n", Format::Csv, &no_header("")),
            "rows: its first row has 1 column but 2 are needed: `g1;u1`\n  hint: its columns are \
             separated by semicolons; say so in a first line: (echo 'sep=;'; cat FILE) | recall check -"
        );
    }
}
