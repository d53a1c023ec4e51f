//! A regular file as an input. It may grow while it is read, but must not change otherwise.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::time::SystemTime;

/// Returns the bytes of a file, and its length if it is a regular file.
pub(super) fn bytes(file: File) -> io::Result<(Box<dyn Read + Send>, Option<u64>)> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok((Box::new(file), None));
    }
    let (len, modified) = (metadata.len(), metadata.modified().ok());
    let file = RegularFile {
        file,
        len,
        modified,
    };
    Ok((Box::new(file), Some(len)))
}

/// A regular file that fails at its end if it lost bytes or was rewritten since it was opened: rows
/// may be missing then.
struct RegularFile {
    file: File,
    len: u64,
    modified: Option<SystemTime>,
}

impl RegularFile {
    fn check_end(&mut self) -> io::Result<()> {
        let end = self.file.stream_position()?;
        let metadata = self.file.metadata()?;
        if end.min(metadata.len()) < self.len {
            return Err(io::Error::other(Changed::Shorter));
        }
        // A longer file was appended to.
        if metadata.len() == self.len && metadata.modified().ok() != self.modified {
            return Err(io::Error::other(Changed::Rewritten));
        }
        Ok(())
    }
}

impl Read for RegularFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(out)?;
        if count == 0 && !out.is_empty() {
            self.check_end()?;
        }
        Ok(count)
    }
}

/// What happened to a file while it was being read.
#[derive(Debug)]
pub(super) enum Changed {
    Shorter,
    Rewritten,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shorter => "it became shorter while it was being read",
            Self::Rewritten => "it was changed while it was being read",
        })
    }
}

impl Error for Changed {}

impl Changed {
    pub(super) const HINT: &str = "start again once the file is complete and no longer changes; \
        to go on with a run that has called some of its rows, add --resume and its --ledger";
}

/// Whether a changed file is the cause of an error.
pub(super) fn is_changed(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner.is_some_and(|inner| inner.downcast_ref::<Changed>().is_some())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::fs;
    use std::io::Write as _;
    use std::path::Path;
    use std::time::Duration;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::Changed;
    use crate::rows::{Batch, Options, Rows, Source, open};

    /// More rows than are read ahead.
    fn rows() -> String {
        let rows = (0..100_000).map(|nth| format!("g,user{nth:06}\n"));
        "group,sender\n".to_owned() + &rows.collect::<String>()
    }

    /// Reads a file to its end, and changes it after the first row. Returns the number of rows, and
    /// the error without its hint.
    fn read(path: &Path, change: impl FnOnce(&Path)) -> (usize, Option<String>) {
        let source = Source::File(path.to_owned());
        let mut rows = open(&[source], &Options::default()).unwrap();
        let mut batch = Batch::default();
        assert!(rows.read(&mut batch, 1).unwrap());
        change(path);
        let error = read_on(&mut rows, &mut batch).err();
        let error = error.map(|error| error.to_string());
        let message = error.map(|error| error.lines().next().unwrap().to_owned());
        (batch.len(), message)
    }

    fn read_on(rows: &mut Rows, batch: &mut Batch) -> crate::error::Result<()> {
        while rows.read(batch, usize::MAX)? {}
        Ok(())
    }

    #[track_caller]
    fn assert_fails(error: Option<String>, why: &Changed) {
        let error = error.unwrap();
        assert!(error.ends_with(&why.to_string()), "{error}");
    }

    fn truncate(path: &Path, len: u64) {
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(len).unwrap();
    }

    fn append(path: &Path, text: &[u8]) {
        let file = fs::OpenOptions::new().append(true).open(path);
        file.unwrap().write_all(text).unwrap();
    }

    #[test]
    fn a_file_that_becomes_shorter_is_an_error_and_its_last_row_is_not_taken_in_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        let text = rows();
        fs::write(&path, &text).unwrap();
        // In the middle of the row after 61,538 whole ones.
        let (rows, error) = read(&path, |path| truncate(path, 13 + 61_538 * 13 + 8));
        assert_eq!(rows, 61_538);
        let place = format!("{} (after line 61539)", path.display());
        let why = "cannot be read: it became shorter while it was being read";
        assert_eq!(error, Some(format!("{place}: {why}")));

        fs::write(&path, &text).unwrap();
        let (_, error) = read(&path, |path| {
            truncate(path, 0);
            append(path, b"x");
        });
        assert!(error.unwrap().ends_with(why));
    }

    #[test]
    fn a_compressed_file_that_becomes_shorter_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv.gz");
        let text = rows();
        let mut packed = Vec::new();
        for member in [&text[..], "g,last\n"] {
            let mut encoder = GzEncoder::new(packed, Compression::none());
            encoder.write_all(member.as_bytes()).unwrap();
            packed = encoder.finish().unwrap();
        }
        fs::write(&path, &packed).unwrap();
        let last = packed.len() as u64 / 2;
        let (_, error) = read(&path, |path| truncate(path, last));
        assert_fails(error, &Changed::Shorter);
    }

    #[test]
    fn a_file_that_is_rewritten_with_the_same_length_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        fs::write(&path, rows()).unwrap();
        let (_, error) = read(&path, |path| {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            let modified = file.metadata().unwrap().modified().unwrap();
            file.set_modified(modified + Duration::from_secs(1))
                .unwrap();
        });
        assert_fails(error, &Changed::Rewritten);
    }

    #[test]
    fn a_file_may_grow_while_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        fs::write(&path, rows()).unwrap();
        let read = read(&path, |path| append(path, b"g,more\n"));
        assert_eq!(read, (100_001, None));
    }
}
