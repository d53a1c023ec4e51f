//! Splits a CSV record into its fields.

use std::io::{self, Read};
use std::ops::Range;

use csv::{ByteRecord, ReaderBuilder};
use memchr::memchr_iter;

use super::frame::without_returns;

/// Splits records into fields, and reuses its memory.
pub(super) struct Splitter {
    delimiter: u8,
    /// The ranges of the fields in the text.
    ranges: Vec<Range<usize>>,
    /// For records with quotes. Otherwise it is much faster to search for the delimiter.
    csv: csv::Reader<OneRecord>,
    unquoted: ByteRecord,
}

/// The fields of a record, in order.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    text: &'a [u8],
    ranges: &'a [Range<usize>],
}

impl Splitter {
    pub(super) fn new(delimiter: u8) -> Self {
        let csv = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(OneRecord::default());
        Self {
            delimiter,
            ranges: Vec::new(),
            csv,
            unquoted: ByteRecord::new(),
        }
    }

    /// Splits a [well-formed](super::frame::Frame::Record) record, line end included.
    pub(super) fn split<'a>(
        &'a mut self,
        record: &'a [u8],
        quoted: bool,
    ) -> io::Result<Fields<'a>> {
        self.ranges.clear();
        let text = without_returns(record.strip_suffix(b"\n").unwrap_or(record));
        if quoted {
            self.csv.get_mut().lend(text);
            self.csv.read_byte_record(&mut self.unquoted)?;
            let ranges = (0..self.unquoted.len()).filter_map(|at| self.unquoted.range(at));
            self.ranges.extend(ranges);
            return Ok(Fields {
                text: self.unquoted.as_slice(),
                ranges: &self.ranges,
            });
        }
        let mut start = 0;
        for end in memchr_iter(self.delimiter, text) {
            self.ranges.push(start..end);
            start = end + 1;
        }
        self.ranges.push(start..text.len());
        Ok(Fields {
            text,
            ranges: &self.ranges,
        })
    }
}

impl<'a> Fields<'a> {
    pub(super) fn len(self) -> usize {
        self.ranges.len()
    }

    /// Returns a field by index, counted from 0.
    pub(super) fn get(self, at: usize) -> Option<&'a [u8]> {
        Some(&self.text[self.ranges.get(at)?.clone()])
    }

    pub(super) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        self.ranges
            .iter()
            .map(move |range| &self.text[range.clone()])
    }
}

/// The input of the CSV reader, one record at a time. It must not report its end, because the
/// reader would then stop for good; a line end after each record keeps it from asking for more.
#[derive(Default)]
struct OneRecord {
    text: Vec<u8>,
    at: usize,
}

impl OneRecord {
    fn lend(&mut self, record: &[u8]) {
        self.text.clear();
        self.text.extend_from_slice(record);
        self.text.push(b'\n');
        self.at = 0;
    }
}

impl Read for OneRecord {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = &self.text[self.at..];
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}
