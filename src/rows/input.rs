//! One input, front to back.

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
    /// What messages call it.
    name: Arc<str>,
    /// The line of the last row.
    line: u64,
    meter: Option<Meter>,
}

/// Whether an input is read on while there are rows to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ahead {
    /// Until the batch is full.
    Always,
    /// Never: rows that have arrived do not wait for others that may be long in coming.
    WithoutRows,
}

impl Ahead {
    /// Whether it may be read on with these rows.
    pub(super) fn may_read(self, batch: &Batch) -> bool {
        self == Self::Always || batch.is_empty()
    }
}

/// What each format can do.
pub(super) trait Reader {
    /// Adds the next rows until the batch has so many; false where none are left.
    fn read(&mut self, batch: &mut Batch, most: usize, ahead: Ahead) -> io::Result<bool>;
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

    /// Adds the next rows until the batch has so many, or those at hand; false where none are left.
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
