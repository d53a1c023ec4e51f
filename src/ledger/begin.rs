//! How a ledger is opened for appending: locked, checked, and cut behind its last whole line.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::format::Header;
use super::reader::{Reader, refuse_special_file};
use super::settled::Settled;
use crate::durable;
use crate::error::{Error, Result};

/// How every header starts.
const HEADER: &[u8] = br#"{"recall_ledger":"#;
/// No header is as long: a path and an address have bounds.
const LONGEST_HEADER: u64 = 64 * 1024;

/// How to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// There must be none yet in which anything is recorded.
    New,
    /// The ledger that is there is overwritten, where it is the same service's: rehearsals.
    Afresh,
    /// Go on with the one that is there.
    Resume,
    /// Go on with the one that is there, of which everything up to this byte has been read. Whoever
    /// sends its failed rows again must not send what another run has sent since.
    Replay {
        /// Where its last whole line ended.
        read_to: u64,
    },
}

impl Start {
    /// Whether rows that the ledger has settled are not called. A replay calls those that failed
    /// again.
    pub fn skips_settled(self) -> bool {
        !matches!(self, Self::Replay { .. })
    }
}

/// Opens a ledger where the next entry goes, and tells `settled` of every entry in it.
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
        .hint("nothing was recalled; the same command reads it anew"));
    }
    if whole < found.len() {
        // A torn tail, a rehearsal before this one, or what nothing was recorded in.
        file.set_len(whole).map_err(fail)?;
    }
    file.seek(SeekFrom::Start(whole)).map_err(fail)?;
    if whole == 0 {
        begin(path, &mut file, header).map_err(fail)?;
    }
    Ok(file)
}

/// Refuses a ledger that opening it would refuse, for whoever is to begin or go on with one later.
/// It is neither locked nor touched.
///
/// # Errors
/// When it is there and can't be read, is no ledger or another service's, or there is one already
/// and `start` says that there must not be. Whether it can be made or written, and whether another
/// run holds it, is seen when it is opened.
pub fn check(path: &Path, start: Start, app: u64, endpoint: &str) -> Result<()> {
    match open_existing(path, cannot_open)? {
        Some(file) => admit(path, &file, start, app, endpoint).map(drop),
        None => Ok(()),
    }
}

/// Whose ledger it is, where there is one in which anything is recorded.
///
/// # Errors
/// When it can't be read, or what is there is no ledger.
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
            "another run is writing the ledger {}",
            path.display()
        ))
        .hint("wait for it to end")),
        Err(TryLockError::Error(error)) => Err(cannot("lock", path, error)),
    }
}

fn cannot_open(path: &Path, error: io::Error) -> Error {
    cannot("open", path, error)
        .hint("check its folder and its rights; a run can have it elsewhere with --ledger FILE")
}

fn cannot(what: &str, path: &Path, error: io::Error) -> Error {
    Error::ledger(format!("cannot {what} the ledger {}", path.display())).because(error)
}

/// Decides whether a run may use what is there. The ledger behind its header, where the run goes on
/// with it; none where it begins at the first byte.
fn admit(
    path: &Path,
    file: &File,
    start: Start,
    app: u64,
    endpoint: &str,
) -> Result<Option<Reader>> {
    let reader = match recorded(path, file)? {
        Some(reader) => reader,
        // It has been read already, so its header is there, and everything up to `read_to` counts.
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

/// The ledger behind its header; none where nothing is recorded, not even by a line that is damaged
/// or torn. Such a one belongs to nobody yet: its run ended while it began, or was stopped before
/// its first row, as by a typo in the app.
fn recorded(path: &Path, file: &File) -> Result<Option<Reader>> {
    let fail = |error| cannot("read", path, error);
    let length = file.metadata().map_err(fail)?.len();
    if length == 0 || is_torn_header(file).map_err(fail)? {
        return Ok(None);
    }
    let reader = read_header(path, file)?;
    Ok((reader.whole_bytes() < length).then_some(reader))
}

/// Reads a ledger from its first byte up to the end of its header.
fn read_header(path: &Path, mut file: &File) -> Result<Reader> {
    let fail = |error| cannot("read", path, error);
    file.rewind().map_err(fail)?;
    Reader::new(path, file.try_clone().map_err(fail)?)
}

/// Whether there is the start of a header and nothing more.
fn is_torn_header(mut file: &File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.rewind()?;
    file.take(LONGEST_HEADER).read_to_end(&mut start)?;
    let compared = start.len().min(HEADER.len());
    Ok(start[..compared] == HEADER[..compared]
        && !start.contains(&b'\n')
        && (start.len() as u64) < LONGEST_HEADER)
}

fn count_settled(mut reader: Reader) -> Result<u64> {
    let mut settled = 0;
    while reader.advance()? {
        settled += u64::from(reader.settled().is_some());
    }
    Ok(settled)
}

/// Whoever has a new list under an old name must not be led to `--resume`: a sender who spammed
/// again would not be called again.
fn in_the_way(path: &Path, header: &Header, settled: u64) -> Error {
    let rows = match settled {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    };
    Error::ledger(format!(
        "there is a ledger already: {}, of {}, begun {:.0}, has {rows} settled",
        path.display(),
        header.input,
        header.created,
    ))
    .hint("a new list needs another ledger: --ledger FILE. To go on with the same list add --resume: rows that are settled are not called again")
}

/// Tells `settled` of every entry. The length of the file without its torn tail.
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
            Start::Replay { .. } => "a replay does not send their rows, a run --resume does",
            Start::New | Start::Afresh | Start::Resume => "their rows are called again",
        };
        tracing::warn!(
            lines = damaged,
            "the ledger has lines that are no entries: {rows}"
        );
    }
    Ok(reader.whole_bytes())
}

/// Refuses the ledger of another app or endpoint; that of a real service in a rehearsal, too.
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
    .hint("call as that app and there; a run can begin another one with --ledger FILE"))
}

fn begin(path: &Path, file: &mut File, header: &Header) -> io::Result<()> {
    let mut line = serde_json::to_vec(header)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_all()?;
    // Not every folder can be synced: that of a network, or one that may be written and not read.
    // A crash of the machine can then take the whole file, and the run begins anew.
    let _ = durable::sync_folder_of(path);
    Ok(())
}
