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

/// The size of a block; larger ones are no faster.
const BLOCK: usize = 128 * 1024;
/// No line that this crate writes is longer: a row of 64 KiB with every byte escaped.
const LONGEST_LINE: u64 = 1024 * 1024;

/// What most lines of a ledger have, in bytes.
const USUAL_LINE: u64 = 180;

/// About how many entries a ledger has, by its size; 0 where there is none.
pub(crate) fn about_entries(ledger: &Path) -> usize {
    let size = ledger.metadata().map_or(0, |file| file.len());
    usize::try_from(size / USUAL_LINE).unwrap_or(0)
}

/// A ledger that is being read.
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

    /// Reads the header of a ledger that is open already.
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

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whose ledger it is.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes up to the end of the last whole line that was read.
    pub fn whole_bytes(&self) -> u64 {
        self.lines.whole
    }

    /// Goes to the next whole line; false at the end. A line without its line feed is a torn tail.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn advance(&mut self) -> Result<bool> {
        let more = self.lines.advance();
        more.map_err(|error| cannot_read(&self.path, error))
    }

    /// The entry on this line; none where the line holds none. That is damage, for this crate
    /// writes no such line. Its row counts as not settled, so a resumed run calls it again, which
    /// is harmless.
    pub fn entry(&self) -> Option<Entry<'_>> {
        serde_json::from_slice(self.lines.line()).ok()
    }

    /// The row that this line settles, which is quicker to read than all of the entry; none exactly
    /// where [`entry`](Self::entry) has none.
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

/// The header that the first line of a file holds.
fn header(path: &Path, line: &[u8]) -> Result<Header> {
    /// What every version's header holds, whatever else.
    #[derive(Deserialize)]
    struct Version {
        recall_ledger: u32,
    }
    let path = path.display();
    let no_ledger = |_| {
        Error::ledger(format!(
            "{path} is no ledger: its first line is not a ledger's header"
        ))
        .hint("check its name; this file was not touched")
    };
    let version: Version = serde_json::from_slice(line).map_err(no_ledger)?;
    if version.recall_ledger > VERSION {
        return Err(Error::ledger(format!(
            "{path} was written by a newer recall: its format is version {}, this recall knows versions up to {VERSION}",
            version.recall_ledger
        ))
        .hint("use the recall that wrote it, or a newer one; the ledger was not touched"));
    }
    serde_json::from_slice(line).map_err(no_ledger)
}

/// The whole lines of a file, one at a time.
#[derive(Debug)]
struct Lines {
    file: BufReader<File>,
    /// The length of the line, where all of it lies in the buffer.
    in_buffer: usize,
    /// The line, where it goes over the edge of a block.
    over_the_edge: Vec<u8>,
    /// Bytes up to the end of the line.
    whole: u64,
}

impl Lines {
    fn new(file: File) -> Self {
        Self {
            file: BufReader::with_capacity(BLOCK, file),
            in_buffer: 0,
            over_the_edge: Vec::new(),
            whole: 0,
        }
    }

    /// Goes to the next line; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        self.file.consume(mem::take(&mut self.in_buffer));
        if let Some(end) = memchr(b'\n', self.file.fill_buf()?) {
            self.in_buffer = end + 1;
            self.whole += self.in_buffer as u64;
            return Ok(true);
        }
        let line = &mut self.over_the_edge;
        line.clear();
        let read = self
            .file
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', line)? as u64;
        // One that is too long is damage, and goes piece by piece.
        let is_whole = line.last() == Some(&b'\n') || read == LONGEST_LINE;
        if is_whole {
            self.whole += read;
        }
        Ok(is_whole)
    }

    /// The line, its line feed included.
    fn line(&self) -> &[u8] {
        if self.in_buffer > 0 {
            &self.file.buffer()[..self.in_buffer]
        } else {
            &self.over_the_edge
        }
    }
}
