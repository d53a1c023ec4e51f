//! Appends to a ledger. One thread owns the file.
//!
//! Entries are written as soon as they arrive, in batches of whatever is queued, and synced to disk
//! every second and at the end. A crash of this process loses nothing that was
//! [`recorded`](Ledger::recorded); a crash of the machine loses at most a second's worth.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::mem;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::begin::{self, Start};
use super::format::Header;
use super::settled::Settled;
use crate::error::{Error, Result};
use crate::outcome::Entry;

/// The longest time that a written entry waits to be synced.
const SYNC: Duration = Duration::from_secs(1);
/// The size at which the buffer is written even though more entries are queued, in bytes.
const WRITE: usize = 64 * 1024;

/// The storage that a ledger is written to.
pub trait Disk: Write + Send {
    /// Syncs everything written to stable storage.
    ///
    /// # Errors
    /// If the data can't be guaranteed to be on disk.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A ledger open for appending.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    entries: Sender<Vec<Entry<'static>>>,
    recorded: watch::Receiver<usize>,
    thread: JoinHandle<io::Result<()>>,
    /// The device and inode of the file, if the disk is one.
    file: Option<(u64, u64)>,
}

impl Ledger {
    /// Opens a ledger and calls `settled` for every entry in it.
    ///
    /// # Errors
    /// If the file can't be opened or written, is locked by another run, is not a ledger, belongs to
    /// another app or endpoint, or must not exist according to `start`.
    pub fn open(
        path: &Path,
        header: &Header,
        start: Start,
        settled: impl FnMut(&Settled<'_>),
    ) -> Result<Self> {
        let file = begin::open(path, header, start, settled)?;
        let id = file.metadata().ok().map(|found| id(&found));
        Ok(Self {
            file: id,
            ..Self::append(path, file)
        })
    }

    /// Starts appending to a disk that is ready for entries.
    pub(crate) fn append(path: &Path, disk: impl Disk + 'static) -> Self {
        let (entries, queue) = mpsc::channel();
        let (count, recorded) = watch::channel(0);
        let thread = thread::spawn(move || Appender::new(disk, count).run(&queue));
        Self {
            path: path.to_owned(),
            entries,
            recorded,
            thread,
            file: None,
        }
    }

    /// Queues entries to be written. They are in the file once [`recorded`](Self::recorded) has
    /// counted them.
    pub fn record(&self, entries: Vec<Entry<'static>>) {
        // Fails only if the thread has ended, which `recorded` reports.
        let _ = self.entries.send(entries);
    }

    /// Waits until more entries are in the file, and returns the number written since the ledger was
    /// opened. Returns `None` if no more can be written; [`finish`](Self::finish) reports why.
    pub async fn recorded(&mut self) -> Option<usize> {
        self.recorded.changed().await.ok()?;
        Some(*self.recorded.borrow_and_update())
    }

    /// Returns a counter of the entries in the file since the ledger was opened. It outlives the
    /// ledger; after [`finish`](Self::finish) its count is final.
    pub(crate) fn counter(&self) -> impl Fn() -> usize + use<> {
        let recorded = self.recorded.clone();
        move || *recorded.borrow()
    }

    /// Writes all queued entries, syncs them and closes the file.
    ///
    /// # Errors
    /// If anything could not be written or synced, or if the path no longer names the file that was
    /// written to.
    pub fn finish(self) -> Result<()> {
        drop(self.entries);
        let result = self
            .thread
            .join()
            .expect("the ledger's thread does not panic");
        result.map_err(|error| {
            Error::ledger(format!("cannot write the ledger {}", self.path.display()))
                .because(error)
                .hint("what was in it is still there, and rows whose answers could not be written will be called again; once the disk works again, the same command goes on, a run with --resume")
        })?;
        let named = fs::metadata(&self.path).ok().map(|found| id(&found));
        if self.file.is_some() && named != self.file {
            return Err(Error::ledger(format!(
                "the ledger {} is no longer the file that was written to",
                self.path.display()
            ))
            .hint("if it was moved, everything is in the moved file; if it was deleted, there is no record of which rows were recalled, and a run calls them again, which does no harm"));
        }
        Ok(())
    }
}

/// Returns what identifies a file whatever its name.
fn id(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// The loop of the ledger's thread.
struct Appender<D> {
    disk: D,
    buffer: Vec<u8>,
    written: usize,
    unsynced_since: Option<Instant>,
    recorded: watch::Sender<usize>,
}

impl<D: Disk> Appender<D> {
    fn new(disk: D, recorded: watch::Sender<usize>) -> Self {
        Self {
            disk,
            buffer: Vec::with_capacity(WRITE),
            written: 0,
            unsynced_since: None,
            recorded,
        }
    }

    fn run(mut self, queue: &Receiver<Vec<Entry<'static>>>) -> io::Result<()> {
        loop {
            let received = match self.unsynced_since {
                None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(since) => queue.recv_timeout(SYNC.saturating_sub(since.elapsed())),
            };
            match received {
                Ok(entries) => {
                    self.take(&entries)?;
                    while let Ok(more) = queue.try_recv() {
                        self.take(&more)?;
                    }
                    self.write()?;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.disk.sync(),
            }
            if self
                .unsynced_since
                .is_some_and(|since| since.elapsed() >= SYNC)
            {
                self.disk.sync()?;
                self.unsynced_since = None;
            }
        }
    }

    fn take(&mut self, entries: &[Entry<'static>]) -> io::Result<()> {
        for entry in entries {
            serde_json::to_writer(&mut self.buffer, entry)?;
            self.buffer.push(b'\n');
            if self.buffer.len() >= WRITE {
                self.write()?;
            }
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        let (bytes, end) = write_all(&mut self.disk, &self.buffer);
        let end = end.and_then(|()| self.disk.flush());
        // A disk may fail in the midst of a write: the lines before that are in the file.
        self.written += memchr::memchr_iter(b'\n', &self.buffer[..bytes]).count();
        self.buffer.clear();
        self.unsynced_since.get_or_insert_with(Instant::now);
        let written = self.written;
        self.recorded
            .send_if_modified(|told| mem::replace(told, written) != written);
        end
    }
}

/// Writes like [`Write::write_all`], but also returns the number of bytes that were written.
fn write_all(disk: &mut impl Disk, buffer: &[u8]) -> (usize, io::Result<()>) {
    let mut bytes = 0;
    while bytes < buffer.len() {
        match disk.write(&buffer[bytes..]) {
            Ok(0) => return (bytes, Err(io::ErrorKind::WriteZero.into())),
            Ok(more) => bytes += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (bytes, Err(error)),
        }
    }
    (bytes, Ok(()))
}
