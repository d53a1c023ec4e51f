//! The fast path for plain rows: printable ASCII without quotes, with the usual number of fields
//! and IDs that a call can carry.
//!
//! Nearly all rows are plain. Their bytes are checked many at a time, and their fields are simply
//! the text between delimiters. At the first row that is not plain, [`frame`](super::frame),
//! [`fields`](super::fields) and [`check`](super::check) take over.

use memchr::memchr3_iter;

use super::check::is_rounded_number;
use super::columns::Layout;

/// Bytes that are checked at once: a few registers.
const CHUNK: usize = 32;
/// The minimum number of bytes to check: a row or two.
const MIN_CHECKED: usize = 64;
/// The maximum: the bytes should still be in the L1 cache when the fields are split.
const MAX_CHECKED: usize = 4 * 1024;

/// The plain rows at the start of some data.
pub(super) struct PlainRows<'a> {
    text: &'a str,
    delimiter: u8,
    layout: Layout,
    width: usize,
    header: Option<[&'a str; 2]>,
    /// Bytes of the rows returned so far.
    len: usize,
}

impl<'a> PlainRows<'a> {
    /// Checks about `about` bytes of the data. A row has `width` fields, and is not a repeated
    /// header with these names for group and sender.
    pub(super) fn of(
        data: &'a [u8],
        about: usize,
        delimiter: u8,
        layout: Layout,
        width: usize,
        header: Option<[&'a str; 2]>,
    ) -> Self {
        let data = &data[..about.clamp(MIN_CHECKED, MAX_CHECKED).min(data.len())];
        Self {
            text: plain_text(data, delimiter),
            delimiter,
            layout,
            width,
            header,
            len: 0,
        }
    }

    fn is_header(&self, [group, sender, _]: [&str; 3]) -> bool {
        self.header == Some([group, sender])
    }

    /// Returns the number of bytes of the rows returned so far, line ends included.
    pub(super) fn len(&self) -> usize {
        self.len
    }
}

impl<'a> Iterator for PlainRows<'a> {
    /// Group, sender and topic.
    type Item = [&'a str; 3];

    fn next(&mut self) -> Option<Self::Item> {
        let text = &self.text[self.len..];
        let bytes = text.as_bytes();
        let mut ids = [""; 3];
        let (mut fields, mut start) = (0, 0);
        for end in memchr3_iter(self.delimiter, b'\n', b'\r', bytes) {
            if let Some(field) = self.layout.field(fields) {
                ids[field as usize] = &text[start..end];
            }
            fields += 1;
            start = end + 1;
            if bytes[end] != self.delimiter {
                let rest = bytes[end..].iter();
                let newline = end + rest.take_while(|byte| **byte == b'\r').count();
                let is_line = bytes.get(newline) == Some(&b'\n');
                if !is_line || fields != self.width || !are_sound(ids) || self.is_header(ids) {
                    return None;
                }
                self.len += newline + 1;
                return Some(ids);
            }
        }
        None
    }
}

/// Returns the start of the data that is printable ASCII without quotes, delimiters and line ends
/// included.
fn plain_text(data: &[u8], delimiter: u8) -> &str {
    let is_plain = |byte: &u8| {
        let is_printable = (b' '..=b'~').contains(byte) && *byte != b'"';
        is_printable || matches!(*byte, b'\n' | b'\r') || *byte == delimiter
    };
    // Without an early exit, so that the compiler vectorizes it.
    let all_plain =
        |chunk: &&[u8; CHUNK]| chunk.iter().fold(true, |all, byte| all & is_plain(byte));
    let (chunks, _) = data.as_chunks::<CHUNK>();
    let len = chunks.iter().take_while(all_plain).count() * CHUNK;
    str::from_utf8(&data[..len]).expect("ASCII is UTF-8")
}

/// Whether a call can carry these IDs, which are printable ASCII.
fn are_sound([group, sender, topic]: [&str; 3]) -> bool {
    !group.is_empty()
        && !sender.is_empty()
        && ![group, sender, topic]
            .iter()
            .any(|id| is_rounded_number(id.as_bytes()))
}
