//! Rows on their way into a file or a pipe, whatever its format: the failed rows, an export.

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
    /// Begins a file of rows. Where the format has a header it is written at once, for whoever
    /// reads a file without rows looks for its columns too.
    ///
    /// # Errors
    /// As the file under it.
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
    /// As the file under it.
    pub fn write(&mut self, row: &impl Serialize) -> io::Result<()> {
        match &mut self.0 {
            Form::Separated(to) => to.serialize(row).map_err(io_error),
            Form::Jsonl(to) => {
                serde_json::to_writer(&mut *to, row)?;
                to.write_all(b"\n")
            }
        }
    }

    /// Hands everything on to the file under it, and flushes that.
    ///
    /// # Errors
    /// As the file under it.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Form::Separated(mut to) => to.flush(),
            Form::Jsonl(mut to) => to.flush(),
        }
    }
}

/// The error of the file itself, so that a reader who has gone away is known as such.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
