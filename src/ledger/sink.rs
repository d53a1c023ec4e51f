//! Writes rows to a file or a pipe in any format: the failed rows, an export.

use std::io::{self, Write};

use serde::Serialize;

use crate::rows::Format;

/// Writes rows in any format.
pub struct Sink<W: Write>(Form<W>);

enum Form<W: Write> {
    /// CSV and TSV.
    Separated(Box<csv::Writer<W>>),
    Jsonl(W),
}

impl<W: Write> Sink<W> {
    /// Creates a sink. If the format has a header, it is written at once, so that a file without
    /// rows has one too.
    ///
    /// # Errors
    /// If the underlying writer fails.
    pub fn new(to: W, format: Format, columns: &[&str]) -> io::Result<Self> {
        let delimiter = match format {
            Format::Csv => b',',
            Format::Tsv => b'\t',
            Format::Jsonl => return Ok(Self(Form::Jsonl(to))),
        };
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .from_writer(to);
        writer.write_record(columns).map_err(io_error)?;
        Ok(Self(Form::Separated(Box::new(writer))))
    }

    /// Writes a row with these columns.
    ///
    /// # Errors
    /// If the underlying writer fails.
    pub fn write(&mut self, row: &impl Serialize) -> io::Result<()> {
        match &mut self.0 {
            Form::Separated(to) => to.serialize(row).map_err(io_error),
            Form::Jsonl(to) => {
                serde_json::to_writer(&mut *to, row)?;
                to.write_all(b"\n")
            }
        }
    }

    /// Flushes everything to the underlying writer, and flushes that.
    ///
    /// # Errors
    /// If the underlying writer fails.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Form::Separated(mut to) => to.flush(),
            Form::Jsonl(mut to) => to.flush(),
        }
    }
}

/// Returns the underlying I/O error, so that the caller can recognize a broken pipe.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
