//! How a ledger is opened for appending: locked, checked, and cut behind its last whole line.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::format::Header;
use super::reader::Reader;
use super::settled::Settled;
use crate::error::{Error, Result};

/// How every header starts.
const HEADER: &[u8] = br#"{"recall_ledger":"#;
/// No header is as long: a path and an address have bounds.
const LONGEST_HEADER: u64 = 64 * 1024;

/// How to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// There must be none yet.
    New,
    /// The ledger that is there is overwritten, where it is the same service's: rehearsals.
    Afresh,
    /// Go on with the one that is there.
    Resume,
}

/// Opens a ledger where the next entry goes, and tells `settled` of every entry in it.
pub(super) fn open(
    path: &Path,
    header: &Header,
    start: Start,
    mut settled: impl FnMut(&Settled<'_>),
) -> Result<File> {
    let mut file = open_locked(path)?;
    let fail = |what: &str, error: io::Error| {
        Error::ledger(format!("cannot {what} the ledger {}", path.display())).because(error)
    };
    let length = file.metadata().map_err(|error| fail("read", error))?.len();
    let whole = match start {
        _ if length == 0 => 0,
        _ if is_torn_header(&mut file).map_err(|error| fail("read", error))? => 0,
        Start::Afresh => {
            check_service(path, Reader::open(path)?.header(), header)?;
            0
        }
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
    Ok(file)
}

/// Refuses a ledger that is there already, for whoever is to begin one later.
///
/// # Errors
/// When there is one. Whether one can be made is seen when it is opened.
pub fn check_new(path: &Path) -> Result<()> {
    let Ok(mut file) = File::open(path) else {
        return Ok(());
    };
    let is_empty = file.metadata().is_ok_and(|file| file.len() == 0);
    if is_empty || is_torn_header(&mut file).unwrap_or(false) {
        return Ok(());
    }
    Err(in_the_way(path))
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
                .hint("check its folder and its rights; a run can have it elsewhere with --ledger FILE")
        })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::ledger(format!(
            "another run is writing the ledger {}",
            path.display()
        ))
        .hint("wait for it to end")),
        Err(TryLockError::Error(error)) => {
            Err(Error::ledger(format!("cannot lock the ledger {}", path.display())).because(error))
        }
    }
}

/// Whether there is the start of a header and nothing more, as a run leaves it that ends while it
/// begins. Nothing is settled there.
fn is_torn_header(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    (&*file).take(LONGEST_HEADER).read_to_end(&mut start)?;
    file.rewind()?;
    let compared = start.len().min(HEADER.len());
    Ok(start[..compared] == HEADER[..compared]
        && !start.contains(&b'\n')
        && (start.len() as u64) < LONGEST_HEADER)
}

fn in_the_way(path: &Path) -> Error {
    let so_far = Reader::open(path).and_then(|mut reader| {
        while reader.advance()? {
            reader.settled();
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
    check_service(path, reader.header(), header)?;
    while reader.advance()? {
        if let Some(entry) = reader.settled() {
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

/// Refuses the ledger of another app or endpoint; that of a real service in a rehearsal, too.
fn check_service(path: &Path, theirs: &Header, ours: &Header) -> Result<()> {
    if theirs.same_service(ours) {
        return Ok(());
    }
    Err(Error::ledger(format!(
        "{} is the ledger of app {} at {}, and this run is for app {} at {}",
        path.display(),
        theirs.app,
        theirs.endpoint,
        ours.app,
        ours.endpoint,
    ))
    .hint("call as that app and there; a run can begin another one with --ledger FILE"))
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
