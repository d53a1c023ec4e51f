//! Appends to a ledger. One thread owns the file.
//!
//! Entries are written as soon as they come, as many at once as there are, and synced to the disk
//! each second and at the end. After a crash of this process nothing that was
//! [`recorded`](Ledger::recorded) is lost; after one of the machine, at most a second's worth.

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

/// The longest that a written entry waits for its sync.
const SYNC: Duration = Duration::from_secs(1);
/// A write is at least this large while more entries are at hand.
const WRITE: usize = 64 * 1024;

/// What a ledger is written to.
pub trait Disk: Write + Send {
    /// Brings everything written to the disk.
    ///
    /// # Errors
    /// When the disk can't be trusted to have it.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A ledger that is open for appending.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    entries: Sender<Vec<Entry<'static>>>,
    recorded: watch::Receiver<usize>,
    thread: JoinHandle<io::Result<()>>,
    /// Device and number of the file, where it is one.
    file: Option<(u64, u64)>,
}

impl Ledger {
    /// Opens a ledger, and tells `settled` of every entry in it.
    ///
    /// # Errors
    /// When the file can't be opened or written, another run holds it, it is no ledger or another
    /// service's, or there is one already and `start` says that there must not be.
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

    /// Appends to a disk that is ready for entries.
    pub(crate) fn append(path: &Path, disk: impl Disk + 'static) -> Self {
        let (entries, queue) = mpsc::channel();
        let (tell, recorded) = watch::channel(0);
        let thread = thread::spawn(move || Appender::new(disk, tell).run(&queue));
        Self {
            path: path.to_owned(),
            entries,
            recorded,
            thread,
            file: None,
        }
    }

    /// Hands entries over to be written. They are there when [`recorded`](Self::recorded) has
    /// counted them; if they can't be, it says so.
    pub fn record(&self, entries: Vec<Entry<'static>>) {
        // Fails only when the thread has ended, which `recorded` tells with its reason.
        let _ = self.entries.send(entries);
    }

    /// Waits until more entries are in the file; the number since the ledger was opened.
    /// None where no more can be written: [`finish`](Self::finish) tells why.
    pub async fn recorded(&mut self) -> Option<usize> {
        self.recorded.changed().await.ok()?;
        Some(*self.recorded.borrow_and_update())
    }

    /// A counter of the entries in the file since the ledger was opened. It outlives the ledger, and
    /// after [`finish`](Self::finish) its count is final.
    pub(crate) fn counter(&self) -> impl Fn() -> usize + use<> {
        let recorded = self.recorded.clone();
        move || *recorded.borrow()
    }

    /// Writes what was handed over, syncs it and closes the file.
    ///
    /// # Errors
    /// When anything could not be written or synced, or the file has lost its name meanwhile, and
    /// with it all that was written.
    pub fn finish(self) -> Result<()> {
        drop(self.entries);
        let result = self
            .thread
            .join()
            .expect("the ledger's thread does not panic");
        result.map_err(|error| {
            Error::ledger(format!("cannot write the ledger {}", self.path.display()))
                .because(error)
                .hint("what stood in it is still there, and rows whose answers it could not take will be called again; once the disk is in order, the same command goes on, a run with --resume")
        })?;
        let named = fs::metadata(&self.path).ok().map(|found| id(&found));
        if self.file.is_some() && named != self.file {
            return Err(Error::ledger(format!(
                "the ledger {} is no longer the file that was written to",
                self.path.display()
            ))
            .hint("if it was moved, all is in it where it is now; if it was deleted, nothing tells any more which rows were recalled, and a run calls them again, which does no harm"));
        }
        Ok(())
    }
}

/// What makes a file this file, whatever its name.
fn id(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// The loop of the ledger's thread.
struct Appender<D> {
    disk: D,
    buffer: Vec<u8>,
    written: usize,
    unsynced_since: Option<Instant>,
    tell: watch::Sender<usize>,
}

impl<D: Disk> Appender<D> {
    fn new(disk: D, tell: watch::Sender<usize>) -> Self {
        Self {
            disk,
            buffer: Vec::with_capacity(WRITE),
            written: 0,
            unsynced_since: None,
            tell,
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
        self.tell
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
