//! Finds the end of a broken record: the first line end that is not inside one of its fields.
//!
//! Quoted text was often written by the very senders to recall. If a line of it were taken for a
//! row, they could choose who is recalled, which can't be undone. A row that is not read is
//! reported, and can be called once the file is fixed. So a field that opens with a quote ends only
//! at a quote that certainly closes it: one before a delimiter or a line end. Without such a quote,
//! the field extends to the end of the input.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memchr2};

use super::blocks::Blocks;

/// The extent of a broken record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) lines: u64,
    /// Whether no quoted field was open at its end.
    pub(super) closed: bool,
}

/// The position of the next byte in a field.
#[derive(Clone, Copy)]
enum Place {
    /// At its start, or after leading blanks: some tools put a space before an opening quote.
    Start,
    Unquoted,
    Quoted,
    /// After a quote that may close it.
    AfterQuote,
    /// After blanks that follow such a quote.
    AfterBlank,
}

/// Moves past the broken record at the start of the data, however long it is.
pub(super) fn pass<R: Read>(blocks: &mut Blocks<R>, delimiter: u8) -> io::Result<Extent> {
    let (mut place, mut lines, mut in_line) = (Place::Start, 0, false);
    loop {
        let data = blocks.data();
        if let [.., last] = data {
            let (len, ended) = walk(&mut place, data, delimiter);
            in_line = ended || *last != b'\n';
            lines += memchr_iter(b'\n', &data[..len]).count() as u64;
            blocks.consume(len);
            if ended {
                let closed = true;
                return Ok(Extent { lines, closed });
            }
        } else if blocks.ended() {
            return Ok(Extent {
                lines: lines + u64::from(in_line),
                closed: !matches!(place, Place::Quoted),
            });
        } else {
            blocks.fill()?;
        }
    }
}

/// Returns how many bytes of the data belong to the record, and whether they include its end.
fn walk(place: &mut Place, data: &[u8], delimiter: u8) -> (usize, bool) {
    let mut at = 0;
    while let Some(byte) = data.get(at) {
        let found = match place {
            Place::Unquoted => memchr2(delimiter, b'\n', &data[at..]),
            Place::Quoted => memchr(b'"', &data[at..]),
            _ => Some(0),
        };
        let Some(found) = found else {
            return (data.len(), false);
        };
        let byte = if found == 0 { *byte } else { data[at + found] };
        at += found + 1;
        *place = match (*place, byte) {
            (Place::Quoted, _) => Place::AfterQuote,
            (_, b'\n') => return (at, true),
            (_, byte) if byte == delimiter => Place::Start,
            (Place::Start | Place::AfterQuote, b'"') => Place::Quoted,
            (Place::Start, b' ' | b'\t') => Place::Start,
            (Place::Start | Place::Unquoted, _) => Place::Unquoted,
            (Place::AfterBlank, b'"') => Place::AfterQuote,
            (Place::AfterQuote | Place::AfterBlank, b' ' | b'\t' | b'\r') => Place::AfterBlank,
            // It was not a closing quote.
            (Place::AfterQuote | Place::AfterBlank, _) => Place::Quoted,
        };
    }
    (at, false)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    /// Returns the number of lines of a broken record, the text after it, and whether its quotes
    /// were closed.
    fn pass_in(text: &str) -> (u64, &str, bool) {
        let mut blocks = Blocks::new(text.as_bytes());
        let Extent { lines, closed } = pass(&mut blocks, b',').unwrap();
        let passed = usize::try_from(blocks.consumed()).unwrap();
        (lines, &text[passed..], closed)
    }

    #[test]
    fn a_record_ends_at_the_first_line_end_outside_quoted_fields() {
        for (record, lines) in [
            ("a\"b,c\n", 1),
            ("\"a\"b\",c\r\r\n", 1),
            ("a,\"b\"\"\nc,d\n\"\"\n\"\n", 4),
            ("a\"b,\"c\nd\"\t\r\n", 2),
            ("a, \"b\nc\" ,d\n", 2),
            ("\"a\" \"b\nc\" \",d\n", 2),
            ("\"a\" b\nc\"d\n\",\"\n\"\n", 4),
        ] {
            let text = format!("{record}1,1\n");
            assert_eq!(pass_in(&text), (lines, "1,1\n", true), "{record:?}");
        }
    }

    #[test]
    fn a_record_that_is_never_closed_extends_to_the_end() {
        for (text, lines, closed) in [
            ("\"a\nb,c\n", 2, false),
            ("\"a\nb,c\nd", 3, false),
            ("\"a\"\"\nb\"c,\n\nd", 4, false),
            ("a\"b", 1, true),
            ("\"a\nb\" ", 2, true),
        ] {
            assert_eq!(pass_in(text), (lines, "", closed), "{text:?}");
        }
    }

    #[test]
    fn a_record_of_any_length_is_passed_in_one_block_of_memory() {
        let rest = io::repeat(b'\n').take(64 << 20);
        let mut blocks = Blocks::new(b"\"a".chain(rest));
        let extent = pass(&mut blocks, b',').unwrap();
        let (lines, closed) = (64 << 20, false);
        assert_eq!(extent, Extent { lines, closed });
    }
}
