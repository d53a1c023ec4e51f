//! How far a record goes that is broken: to the first line end that is in none of its fields.
//!
//! The text in a quoted field is often what somebody wrote who is to be recalled. A line of it that is
//! taken for a row recalls whom that person chose, which can't be undone; a row that is not read is
//! told, and can be read once the file has been mended. So a field that opens with a quote ends only
//! where a quote ends it for certain: before a delimiter or a line end. Where there is none, the rest
//! of the input is in it.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memchr2};

use super::blocks::Blocks;

/// What a broken record takes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) lines: u64,
    /// Whether no quoted field was open at its end.
    pub(super) closed: bool,
}

/// Where in a field the next byte is.
#[derive(Clone, Copy)]
enum Place {
    /// Nothing of it has been seen but blanks: where some put a space before a quote, that opens it.
    Start,
    Unquoted,
    Quoted,
    /// Behind a quote that may close it.
    AfterQuote,
    /// Blanks behind such a quote.
    AfterBlank,
}

/// Moves past a broken record that the data starts with, however long it is.
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

/// The length of what belongs to the record, and whether that is its end.
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
            // It was no closing quote.
            (Place::AfterQuote | Place::AfterBlank, _) => Place::Quoted,
        };
    }
    (at, false)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    /// The lines of a broken record, what follows it, and whether its quotes were closed.
    fn pass_in(text: &str) -> (u64, &str, bool) {
        let mut blocks = Blocks::new(text.as_bytes());
        let Extent { lines, closed } = pass(&mut blocks, b',').unwrap();
        let passed = usize::try_from(blocks.consumed()).unwrap();
        (lines, &text[passed..], closed)
    }

    #[test]
    fn it_ends_at_the_first_line_end_that_is_in_no_quoted_field() {
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
    fn what_is_never_closed_goes_to_the_end() {
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
    fn a_rest_of_any_length_is_passed_in_the_memory_of_one_block() {
        let rest = io::repeat(b'\n').take(64 << 20);
        let mut blocks = Blocks::new(b"\"a".chain(rest));
        let extent = pass(&mut blocks, b',').unwrap();
        let (lines, closed) = (64 << 20, false);
        assert_eq!(extent, Extent { lines, closed });
    }
}
