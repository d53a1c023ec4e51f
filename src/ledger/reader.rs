//! Reads a ledger front to back, in constant memory.

use std::cell::Cell;
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
    file: BufReader<File>,
    header: Header,
    /// The length of the line, where all of it lies in the buffer.
    in_buffer: usize,
    /// The line, where it goes over the edge of a block.
    over_the_edge: Vec<u8>,
    whole: u64,
    entries: Cell<u64>,
    unreadable: Cell<u64>,
}

impl Reader {
    /// Opens a ledger and reads its header.
    ///
    /// # Errors
    /// When there is no such file, it is no ledger, or one of a version yet to come.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| {
            Error::ledger(format!("cannot read the ledger {}", path.display())).because(error)
        })?;
        Self::new(path, file)
    }

    pub(super) fn new(path: &Path, file: File) -> Result<Self> {
        let mut reader = Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(BLOCK, file),
            header: Header {
                version: VERSION,
                app: 0,
                endpoint: String::new(),
                input: String::new(),
                created: jiff::Timestamp::UNIX_EPOCH,
            },
            in_buffer: 0,
            over_the_edge: Vec::new(),
            whole: 0,
            entries: Cell::new(0),
            unreadable: Cell::new(0),
        };
        reader.read_header()?;
        Ok(reader)
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
        self.whole
    }

    /// Entries read so far.
    pub fn entries(&self) -> u64 {
        self.entries.get()
    }

    /// Lines passed over because they hold no entry: damage, for this crate writes none. Their
    /// rows count as not settled, so a resumed run calls them again, which is harmless.
    pub fn unreadable(&self) -> u64 {
        self.unreadable.get()
    }

    /// Goes to the next whole line; false at the end. A line without its line feed is a torn tail.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn advance(&mut self) -> Result<bool> {
        let read = self.read_line().map_err(|error| {
            Error::ledger(format!("cannot read the ledger {}", self.path.display())).because(error)
        })?;
        self.whole += read.unwrap_or(0) as u64;
        Ok(read.is_some())
    }

    /// The length of the next line, now at hand; none at the end.
    fn read_line(&mut self) -> io::Result<Option<usize>> {
        self.file.consume(mem::take(&mut self.in_buffer));
        if let Some(end) = memchr(b'\n', self.file.fill_buf()?) {
            self.in_buffer = end + 1;
            return Ok(Some(self.in_buffer));
        }
        let line = &mut self.over_the_edge;
        line.clear();
        let read = self
            .file
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', line)?;
        let torn = line.last() != Some(&b'\n') && (read as u64) < LONGEST_LINE;
        Ok((!torn).then_some(read))
    }

    fn line(&self) -> &[u8] {
        if self.in_buffer > 0 {
            &self.file.buffer()[..self.in_buffer]
        } else {
            &self.over_the_edge
        }
    }

    /// The entry on this line; none where the line holds none.
    pub fn entry(&self) -> Option<Entry<'_>> {
        self.counted(serde_json::from_slice(self.line()).ok())
    }

    /// The row that this line settles, which is quicker to read than all of the entry.
    pub fn settled(&self) -> Option<Settled<'_>> {
        self.counted(Settled::of_line(self.line()))
    }

    fn counted<E>(&self, entry: Option<E>) -> Option<E> {
        let count = if entry.is_some() {
            &self.entries
        } else {
            &self.unreadable
        };
        count.set(count.get() + 1);
        entry
    }

    fn read_header(&mut self) -> Result<()> {
        /// What every version's header holds, whatever else.
        #[derive(Deserialize)]
        struct Version {
            recall_ledger: u32,
        }
        let path = self.path.display().to_string();
        let no_ledger = || {
            Error::ledger(format!(
                "{path} is no ledger: its first line is not a ledger's header"
            ))
            .hint("check its name; this file was not touched")
        };
        if !self.advance()? {
            return Err(no_ledger());
        }
        let version: Version = serde_json::from_slice(self.line()).map_err(|_| no_ledger())?;
        if version.recall_ledger > VERSION {
            return Err(Error::ledger(format!(
                "{path} was written by a newer recall: its format is version {}, this recall knows versions up to {VERSION}",
                version.recall_ledger
            ))
            .hint("use the recall that wrote it, or a newer one; the ledger was not touched"));
        }
        self.header = serde_json::from_slice(self.line()).map_err(|_| no_ledger())?;
        Ok(())
    }
}
