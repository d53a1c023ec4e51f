//! Appends to a ledger. One thread owns the file.
//!
//! Entries are written as soon as they come, as many at once as there are, and synced to the disk
//! each second and at the end. After a crash of this process nothing that was
//! [`recorded`](Ledger::recorded) is lost; after one of the machine, at most a second's worth.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::format::{Header, Settled};
use super::reader::Reader;
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

/// How to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// There must be none yet.
    New,
    /// Whatever is there is overwritten: rehearsals.
    Afresh,
    /// Go on with the one that is there.
    Resume,
}

/// A ledger that is open for appending.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    entries: Sender<Vec<Entry<'static>>>,
    recorded: watch::Receiver<usize>,
    thread: JoinHandle<io::Result<()>>,
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
        mut settled: impl FnMut(&Settled<'_>),
    ) -> Result<Self> {
        let mut file = open_locked(path)?;
        let fail = |what: &str, error: io::Error| {
            Error::ledger(format!("cannot {what} the ledger {}", path.display())).because(error)
        };
        let length = file.metadata().map_err(|error| fail("read", error))?.len();
        let whole = match start {
            _ if length == 0 => 0,
            Start::Afresh => 0,
            Start::New => return Err(in_the_way(path)),
            Start::Resume => read_settled(path, &file, header, &mut settled)?,
        };
        if whole < length {
            // A torn tail, or a rehearsal before this one.
            file.set_len(whole).map_err(|error| fail("write", error))?;
        }
        file.seek(SeekFrom::Start(whole))
            .map_err(|error| fail("write", error))?;
        if whole == 0 {
            begin(path, &mut file, header).map_err(|error| fail("write", error))?;
        }
        Ok(Self::append(path, file))
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

    /// Writes what was handed over, syncs it and closes the file.
    ///
    /// # Errors
    /// When anything could not be written or synced.
    pub fn finish(self) -> Result<()> {
        drop(self.entries);
        let result = self
            .thread
            .join()
            .expect("the ledger's thread does not panic");
        result.map_err(|error| {
            Error::ledger(format!("cannot write the ledger {}", self.path.display()))
                .because(error)
                .hint("what stood in it is still there; once the disk is in order, go on with --resume")
        })
    }
}

fn open_locked(path: &Path) -> Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| {
            Error::ledger(format!("cannot open the ledger {}", path.display()))
                .because(error)
                .hint("--ledger FILE puts it elsewhere")
        })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::ledger(format!(
            "another run is writing the ledger {}",
            path.display()
        ))
        .hint("wait for it to end, or give this run a ledger of its own with --ledger FILE")),
        Err(TryLockError::Error(error)) => {
            Err(Error::ledger(format!("cannot lock the ledger {}", path.display())).because(error))
        }
    }
}

fn in_the_way(path: &Path) -> Error {
    let so_far = Reader::open(path).and_then(|mut reader| {
        while reader.advance()? {
            reader.entry::<Settled<'_>>();
        }
        Ok(reader.entries())
    });
    match so_far {
        Ok(entries) => Error::ledger(format!(
            "there is a ledger already: {} has {entries} rows settled",
            path.display()
        ))
        .hint("add --resume to go on with it, or --ledger FILE to begin another one"),
        // It is no ledger, or one that can't be read, and stays as it is.
        Err(error) => error,
    }
}

fn read_settled(
    path: &Path,
    file: &File,
    header: &Header,
    settled: &mut impl FnMut(&Settled<'_>),
) -> Result<u64> {
    let again = file.try_clone().map_err(|error| {
        Error::ledger(format!("cannot read the ledger {}", path.display())).because(error)
    })?;
    let mut reader = Reader::new(path, again)?;
    let theirs = reader.header();
    if !theirs.same_service(header) {
        return Err(Error::ledger(format!(
            "{} is the ledger of app {} at {}, and this run is for app {} at {}",
            path.display(),
            theirs.app,
            theirs.endpoint,
            header.app,
            header.endpoint,
        ))
        .hint("--ledger FILE begins another one"));
    }
    while reader.advance()? {
        if let Some(entry) = reader.entry::<Settled<'_>>() {
            settled(&entry);
        }
    }
    if reader.unreadable() > 0 {
        tracing::warn!(
            lines = reader.unreadable(),
            "the ledger has lines that are no entries: their rows are called again"
        );
    }
    Ok(reader.whole_bytes())
}

fn begin(path: &Path, file: &mut File, header: &Header) -> io::Result<()> {
    let mut line = serde_json::to_vec(header)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_all()?;
    // The name of a new file is safe only when its folder is.
    match path.parent() {
        Some(folder) if folder != Path::new("") => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// The loop of the ledger's thread.
struct Appender<D> {
    disk: D,
    buffer: Vec<u8>,
    buffered: usize,
    written: usize,
    unsynced_since: Option<Instant>,
    tell: watch::Sender<usize>,
}

impl<D: Disk> Appender<D> {
    fn new(disk: D, tell: watch::Sender<usize>) -> Self {
        Self {
            disk,
            buffer: Vec::with_capacity(WRITE),
            buffered: 0,
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
            self.buffered += 1;
            if self.buffer.len() >= WRITE {
                self.write()?;
            }
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        self.disk.write_all(&self.buffer)?;
        self.disk.flush()?;
        self.buffer.clear();
        self.written += std::mem::take(&mut self.buffered);
        self.unsynced_since.get_or_insert_with(Instant::now);
        // Nobody listens any more when the run has ended.
        let _ = self.tell.send(self.written);
        Ok(())
    }
}
