//! Reads a ledger front to back, in constant memory.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::mem;
use std::path::{Path, PathBuf};

use memchr::memchr;
use serde::Deserialize;

use super::format::{Header, VERSION};
use super::settled::Settled;
use crate::error::{Error, Result};
use crate::outcome::Entry;

/// The size of the read buffer; a larger one is no faster.
const BLOCK: usize = 128 * 1024;
/// Longer than any line that this crate writes: a row of 64 KiB with every byte escaped fits.
const LINE_LIMIT: u64 = 1024 * 1024;

/// The typical length of a line, in bytes.
const TYPICAL_LINE: u64 = 180;

/// Estimates the number of entries in a ledger from its size. Returns 0 if there is no ledger.
pub(crate) fn about_entries(ledger: &Path) -> usize {
    let size = ledger.metadata().map_or(0, |file| file.len());
    usize::try_from(size / TYPICAL_LINE).unwrap_or(0)
}

/// A ledger open for reading.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    header: Header,
    lines: Lines,
}

impl Reader {
    /// Opens a ledger and reads its header.
    ///
    /// # Errors
    /// If the file does not exist, is not a regular file, is not a ledger, or has a newer version.
    pub fn open(path: &Path) -> Result<Self> {
        refuse_special_file(path)?;
        let file = File::open(path).map_err(|error| cannot_read(path, error))?;
        Self::new(path, file)
    }

    /// Reads the header of a ledger that is already open.
    pub(super) fn new(path: &Path, file: File) -> Result<Self> {
        let mut lines = Lines::new(file);
        let first = lines.advance().map_err(|error| cannot_read(path, error))?;
        let line = if first { lines.line() } else { &[] };
        Ok(Self {
            path: path.to_owned(),
            header: header(path, line)?,
            lines,
        })
    }

    /// Returns the path of the ledger.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the byte offset of the end of the last whole line read.
    pub fn whole_bytes(&self) -> u64 {
        self.lines.whole
    }

    /// Advances to the next whole line and returns false at the end. A last line without a line feed
    /// is a torn tail and doesn't count.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn advance(&mut self) -> Result<bool> {
        let more = self.lines.advance();
        more.map_err(|error| cannot_read(&self.path, error))
    }

    /// Returns the entry on this line, or `None` if the line is damaged. The row of a damaged line
    /// counts as not settled, so a resumed run calls it again, which is harmless.
    pub fn entry(&self) -> Option<Entry<'_>> {
        serde_json::from_slice(self.lines.line()).ok()
    }

    /// Returns the row that this line settles, which is faster than reading the whole entry. `None`
    /// exactly if [`entry`](Self::entry) returns `None`.
    pub fn settled(&self) -> Option<Settled<'_>> {
        Settled::of_line(self.lines.line())
    }
}

/// Refuses a pipe, a device or a folder. Opening a named pipe would wait for its other end, without
/// a word and perhaps forever. A file that can't be examined is left to the attempt to open it.
pub(super) fn refuse_special_file(path: &Path) -> Result<()> {
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Err(Error::ledger(format!(
            "the ledger {} is not a regular file",
            path.display()
        ))
        .hint(
            "give the path of a regular file; a pipe, a device or a folder can't hold a ledger",
        ));
    }
    Ok(())
}

fn cannot_read(path: &Path, error: io::Error) -> Error {
    Error::ledger(format!("cannot read the ledger {}", path.display())).because(error)
}

/// Parses the first line of a file as a header.
fn header(path: &Path, line: &[u8]) -> Result<Header> {
    /// The part of a header that every version has.
    #[derive(Deserialize)]
    struct Version {
        recall_ledger: u32,
    }
    let path = path.display();
    let no_ledger = |_| {
        Error::ledger(format!(
            "{path} is not a ledger: its first line is not a ledger header"
        ))
        .hint("check the name; this file was not changed")
    };
    let version: Version = serde_json::from_slice(line).map_err(no_ledger)?;
    if version.recall_ledger > VERSION {
        return Err(Error::ledger(format!(
            "{path} was written by a newer recall: its format is version {}, but this recall reads versions up to {VERSION}",
            version.recall_ledger
        ))
        .hint("use the recall that wrote it, or a newer one; the ledger was not changed"));
    }
    serde_json::from_slice(line).map_err(no_ledger)
}

/// The whole lines of a file, one at a time.
#[derive(Debug)]
struct Lines {
    file: BufReader<File>,
    /// The length of the current line if all of it is in the buffer, else 0.
    in_buffer: usize,
    /// The current line if it spans the end of the buffer.
    spanning: Vec<u8>,
    /// The byte offset of the end of the current line.
    whole: u64,
}

impl Lines {
    fn new(file: File) -> Self {
        Self {
            file: BufReader::with_capacity(BLOCK, file),
            in_buffer: 0,
            spanning: Vec::new(),
            whole: 0,
        }
    }

    /// Advances to the next line and returns false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        self.file.consume(mem::take(&mut self.in_buffer));
        if let Some(end) = memchr(b'\n', self.file.fill_buf()?) {
            self.in_buffer = end + 1;
            self.whole += self.in_buffer as u64;
            return Ok(true);
        }
        let line = &mut self.spanning;
        line.clear();
        let read = self
            .file
            .by_ref()
            .take(LINE_LIMIT)
            .read_until(b'\n', line)? as u64;
        // A line over the limit is damage, and is passed on in pieces.
        let is_whole = line.last() == Some(&b'\n') || read == LINE_LIMIT;
        if is_whole {
            self.whole += read;
        }
        Ok(is_whole)
    }

    /// Returns the current line, including its line feed.
    fn line(&self) -> &[u8] {
        if self.in_buffer > 0 {
            &self.file.buffer()[..self.in_buffer]
        } else {
            &self.spanning
        }
    }
}
