//! One input, front to back.

use std::io;
use std::sync::Arc;

use super::open::unreadable;
use super::text::Meter;
use super::{Format, Read};
use crate::error::Result;

/// An input that is being read.
pub(super) struct Input {
    reader: Box<dyn Reader + Send>,
    format: Format,
    size: Option<u64>,
    /// What messages call it.
    name: Arc<str>,
    /// The line of the last row.
    line: u64,
    meter: Option<Meter>,
}

/// What each format can do.
pub(super) trait Reader {
    /// The next row; `None` at the end.
    fn next(&mut self) -> io::Result<Option<Read>>;
    /// Bytes of the text that are done with.
    fn bytes_read(&self) -> u64;
    /// Whether the columns are those of a failed-rows file.
    fn is_failed_rows(&self) -> bool;
}

impl Input {
    pub(super) fn of_reader(
        reader: Box<dyn Reader + Send>,
        format: Format,
        name: &str,
        meter: Option<Meter>,
    ) -> Self {
        Self {
            reader,
            format,
            size: None,
            name: name.into(),
            line: 0,
            meter,
        }
    }

    /// With its length in bytes, where it is a file.
    pub(super) fn of_size(self, size: Option<u64>) -> Self {
        Self { size, ..self }
    }

    pub(super) fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    pub(super) fn bytes_read(&self) -> u64 {
        let read = self.reader.bytes_read();
        let meter = self.meter.as_ref();
        meter.map_or(read, |meter| meter.place_in_input(read))
    }

    pub(super) fn is_failed_rows(&self) -> bool {
        self.reader.is_failed_rows()
    }

    /// The next row; `None` at the end.
    pub(super) fn read(&mut self) -> Result<Option<Read>> {
        let read = self.reader.next().map_err(|error| {
            let place = format!("{} (after line {})", self.name, self.line);
            unreadable(&place, error)
        })?;
        match &read {
            Some(Read::Row(row)) => self.line = row.line,
            Some(Read::Bad(bad)) => self.line = bad.line,
            None => {}
        }
        Ok(read)
    }
}
