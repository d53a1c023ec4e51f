//! One input, read from start to end.

use std::io;
use std::sync::Arc;

use super::Format;
use super::batch::Batch;
use super::blocks::is_put_off;
use super::errors::unreadable;
use super::text::Meter;
use crate::error::Result;

/// An input that is being read.
pub(super) struct Input {
    reader: Box<dyn Reader + Send>,
    format: Format,
    size: Option<u64>,
    /// Its name in messages.
    name: Arc<str>,
    /// The line of the last row read.
    line: u64,
    meter: Option<Meter>,
}

/// Whether to read more input while the batch already has rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ahead {
    /// Read until the batch is full.
    Always,
    /// Read only while the batch is empty: rows that have arrived don't wait for later ones.
    WithoutRows,
}

impl Ahead {
    /// Whether to read more input for this batch.
    pub(super) fn may_read(self, batch: &Batch) -> bool {
        self == Self::Always || batch.is_empty()
    }
}

/// A reader of one format.
pub(super) trait Reader {
    /// Adds the next rows until the batch has `most`; returns false if none are left.
    fn read(&mut self, batch: &mut Batch, most: usize, ahead: Ahead) -> io::Result<bool>;
    /// Returns the number of bytes of text consumed.
    fn bytes_read(&self) -> u64;
    /// Whether it has the columns of a failed-rows file.
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

    /// Sets its length in bytes, if it is a file.
    pub(super) fn of_size(self, size: Option<u64>) -> Self {
        Self { size, ..self }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
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

    /// Adds the next rows until the batch has `most`, or those read already, as `ahead` says;
    /// returns false if none are left.
    pub(super) fn read(&mut self, batch: &mut Batch, most: usize, ahead: Ahead) -> Result<bool> {
        let before = batch.len();
        let read = match self.reader.read(batch, most, ahead) {
            Err(error) if is_put_off(&error) => Ok(true),
            read => read,
        };
        if batch.len() > before {
            self.line = batch.last_line().unwrap_or(self.line);
        }
        read.map_err(|error| {
            let place = format!("{} (after line {})", self.name, self.line);
            unreadable(&place, error)
        })
    }
}
