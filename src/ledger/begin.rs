//! Opens a ledger for appending: locks it, checks it, and truncates it after its last whole line.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::format::Header;
use super::reader::{Reader, refuse_special_file};
use super::settled::Settled;
use crate::durable;
use crate::error::{Error, Result};

/// The bytes that every header starts with.
const HEADER: &[u8] = br#"{"recall_ledger":"#;
/// Longer than any header, since paths and addresses are bounded.
const HEADER_LIMIT: u64 = 64 * 1024;

/// What to do with a ledger that already exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Refuse it if anything is recorded in it.
    New,
    /// Overwrite it if it is for the same service. Used by rehearsals.
    Afresh,
    /// Append to it.
    Resume,
    /// Append to it, unless it has grown since its failed rows were read: the replay must not send
    /// rows that another run has sent in the meantime.
    Replay {
        /// The end of its last whole line when it was read, as a byte offset.
        read_to: u64,
    },
}

impl Start {
    /// Returns whether rows already settled in the ledger are skipped. A replay calls the failed
    /// ones again.
    pub fn skips_settled(self) -> bool {
        !matches!(self, Self::Replay { .. })
    }
}

/// Opens a ledger, positioned for the next entry, and calls `settled` for every entry in it.
pub(super) fn open(
    path: &Path,
    header: &Header,
    start: Start,
    settled: impl FnMut(&Settled<'_>),
) -> Result<File> {
    let mut file = open_locked(path)?;
    let fail = |error| cannot("write", path, error);
    let found = file
        .metadata()
        .map_err(|error| cannot("read", path, error))?;
    let whole = match admit(path, &file, start, header.app, &header.endpoint)? {
        Some(reader) => read_settled(reader, start, settled)?,
        None => 0,
    };
    if let Start::Replay { read_to } = start
        && whole != read_to
    {
        return Err(Error::ledger(format!(
            "another run has written to the ledger {} since its failed rows were read",
            path.display()
        ))
        .hint("nothing was recalled; run the same command again to read the ledger afresh"));
    }
    if whole < found.len() {
        // A torn tail, an earlier rehearsal, or a ledger in which nothing was recorded.
        file.set_len(whole).map_err(fail)?;
    }
    file.seek(SeekFrom::Start(whole)).map_err(fail)?;
    if whole == 0 {
        begin(path, &mut file, header).map_err(fail)?;
    }
    Ok(file)
}

/// Refuses a ledger that [`Ledger::open`](super::Ledger::open) would refuse, without locking or
/// changing it.
///
/// # Errors
/// If the file exists and can't be read, is not a ledger, belongs to another app or endpoint, or
/// must not exist according to `start`. Whether it can be created and written, and whether another
/// run holds its lock, is found out only on opening.
pub fn check(path: &Path, start: Start, app: u64, endpoint: &str) -> Result<()> {
    match open_existing(path, cannot_open)? {
        Some(file) => admit(path, &file, start, app, endpoint).map(drop),
        None => Ok(()),
    }
}

/// Returns the header of a ledger, or `None` if there is no file or nothing is recorded in it.
///
/// # Errors
/// If the file can't be read or is not a ledger.
pub fn begun(path: &Path) -> Result<Option<Header>> {
    match open_existing(path, |path, error| cannot("read", path, error))? {
        Some(file) => Ok(recorded(path, &file)?.map(|reader| reader.header().clone())),
        None => Ok(None),
    }
}

/// Opens a ledger for reading, if it exists.
fn open_existing(
    path: &Path,
    fail: impl FnOnce(&Path, io::Error) -> Error,
) -> Result<Option<File>> {
    refuse_special_file(path)?;
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fail(path, error)),
    }
}

fn open_locked(path: &Path) -> Result<File> {
    refuse_special_file(path)?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| cannot_open(path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::ledger(format!(
            "another run is writing to the ledger {}",
            path.display()
        ))
        .hint("wait for it to end")),
        Err(TryLockError::Error(error)) => Err(cannot("lock", path, error)),
    }
}

fn cannot_open(path: &Path, error: io::Error) -> Error {
    cannot("open", path, error)
        .hint("check its folder and permissions; a run can put it elsewhere with --ledger FILE")
}

fn cannot(what: &str, path: &Path, error: io::Error) -> Error {
    Error::ledger(format!("cannot {what} the ledger {}", path.display())).because(error)
}

/// Decides whether a run may use an existing file. Returns the ledger, read up to the end of its
/// header, if the run appends to it; `None` if the run starts over at the first byte.
fn admit(
    path: &Path,
    file: &File,
    start: Start,
    app: u64,
    endpoint: &str,
) -> Result<Option<Reader>> {
    let reader = match recorded(path, file)? {
        Some(reader) => reader,
        // A replay has read the ledger, so it has a header, and everything up to `read_to` counts.
        None if matches!(start, Start::Replay { .. }) => read_header(path, file)?,
        None => return Ok(None),
    };
    if start == Start::New {
        let header = reader.header().clone();
        return Err(in_the_way(path, &header, count_settled(reader)?));
    }
    check_service(path, reader.header(), app, endpoint)?;
    Ok((start != Start::Afresh).then_some(reader))
}

/// Returns the ledger, read up to the end of its header, or `None` if nothing follows the header,
/// not even a damaged or torn line. Such a ledger belongs to no app yet: its run died while starting
/// or was stopped before its first row, for example because of a typo in the app ID.
fn recorded(path: &Path, file: &File) -> Result<Option<Reader>> {
    let fail = |error| cannot("read", path, error);
    let length = file.metadata().map_err(fail)?.len();
    if length == 0 || is_torn_header(file).map_err(fail)? {
        return Ok(None);
    }
    let reader = read_header(path, file)?;
    Ok((reader.whole_bytes() < length).then_some(reader))
}

/// Reads the header of a ledger from its first byte.
fn read_header(path: &Path, mut file: &File) -> Result<Reader> {
    let fail = |error| cannot("read", path, error);
    file.rewind().map_err(fail)?;
    Reader::new(path, file.try_clone().map_err(fail)?)
}

/// Returns whether the file holds an incomplete header and nothing else.
fn is_torn_header(mut file: &File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.rewind()?;
    file.take(HEADER_LIMIT).read_to_end(&mut start)?;
    let compared = start.len().min(HEADER.len());
    Ok(start[..compared] == HEADER[..compared]
        && !start.contains(&b'\n')
        && (start.len() as u64) < HEADER_LIMIT)
}

fn count_settled(mut reader: Reader) -> Result<u64> {
    let mut settled = 0;
    while reader.advance()? {
        settled += u64::from(reader.settled().is_some());
    }
    Ok(settled)
}

/// The hint must not lead an operator with a new list under an old name to `--resume`: a sender who
/// spammed again would not be called again.
fn in_the_way(path: &Path, header: &Header, settled: u64) -> Error {
    let rows = match settled {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    };
    Error::ledger(format!(
        "there is a ledger already: {}, for {}, begun {:.0}, with {rows} settled",
        path.display(),
        header.input,
        header.created,
    ))
    .hint("a new list needs another ledger: --ledger FILE. To go on with the same list, add --resume: rows that are settled are not called again")
}

/// Calls `settled` for every entry, and returns the length of the file without its torn tail.
fn read_settled(
    mut reader: Reader,
    start: Start,
    mut settled: impl FnMut(&Settled<'_>),
) -> Result<u64> {
    let mut damaged = 0u64;
    while reader.advance()? {
        match reader.settled() {
            Some(entry) => settled(&entry),
            None => damaged += 1,
        }
    }
    if damaged > 0 {
        let rows = match start {
            Start::Replay { .. } => {
                "a replay does not send their rows again, a run with --resume does"
            }
            Start::New | Start::Afresh | Start::Resume => "their rows are called again",
        };
        tracing::warn!(
            lines = damaged,
            "the ledger has lines that are not entries: {rows}"
        );
    }
    Ok(reader.whole_bytes())
}

/// Refuses a ledger of another app or endpoint, which includes a real service's in a rehearsal.
fn check_service(path: &Path, theirs: &Header, app: u64, endpoint: &str) -> Result<()> {
    if theirs.is_of(app, endpoint) {
        return Ok(());
    }
    Err(Error::ledger(format!(
        "{} is the ledger of app {} at {}, and this run is for app {app} at {endpoint}",
        path.display(),
        theirs.app,
        theirs.endpoint,
    ))
    .hint("use that app and endpoint; a run can begin another ledger with --ledger FILE"))
}

fn begin(path: &Path, file: &mut File, header: &Header) -> io::Result<()> {
    let mut line = serde_json::to_vec(header)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_all()?;
    // Not every folder can be synced, such as one on a network or one that is writable but not
    // readable. Then a crash of the machine can lose the whole file, and the run starts over.
    let _ = durable::sync_folder_of(path);
    Ok(())
}
