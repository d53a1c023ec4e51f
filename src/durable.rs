//! Files that outlast a crash.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, IntoInnerError};
use std::path::{Path, PathBuf};

/// Puts a file in the place of the one that is there, if any. What has this name is whole at every
/// moment, the older file or the new one: it is written beside it and moved there.
///
/// The new one has the rights of any new file, and a link is replaced, not what it leads to.
///
/// # Errors
/// As [`check`] and `write` has them, or when the file can't be written or moved. Then the older one is still
/// there, and nothing is left beside it.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    check(path)?;
    let (part, file) = create_beside(path)?;
    let replaced = fill(file, write).and_then(|()| fs::rename(&part, path));
    if replaced.is_ok() {
        // Not every folder can be synced: that of a network, or one that may be written and not
        // read. Where a crash then brings back the older file, that one is whole too.
        let _ = sync_folder_of(path);
    } else {
        // The error says more than a second one would.
        let _ = fs::remove_file(&part);
    }
    replaced
}

/// Refuses a place that is no file's: a device, a pipe, and what leads to one by a link. Whoever may
/// write everywhere would take `/dev/stdout` from the whole machine.
///
/// # Errors
/// When there is something else than a file, or the folder is the system's own.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    let no_file = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why.to_owned()));
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return no_file("it is no file");
    }
    // `/dev/stdout` leads to a file where stdout is one, and yet is not that file.
    let folder = folder_of(path).canonicalize();
    let is_system = |folder: &Path| is_passing(folder) || folder.starts_with("/sys");
    // Shared memory lies there, and holds files.
    if folder.is_ok_and(|folder| is_system(&folder) && !folder.starts_with("/dev/shm")) {
        return no_file("its folder is the system's, for devices");
    }
    Ok(())
}

/// Makes the name of a new file outlast a crash of the machine: it is safe only when its folder is.
///
/// # Errors
/// When the folder can't be opened or synced.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// Whether it is one of the system's names for something else, such as `/dev/stdin`: what it leads
/// to can be another thing each time, and nothing beside it outlasts the machine.
pub(crate) fn is_passing(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc")
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    folder.unwrap_or(Path::new("."))
}

/// A file that nobody has: what a killed process left, or another one is writing, stays as it is.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut number = 1;
    loop {
        let part = part(path, number);
        match File::create_new(&part) {
            Ok(file) => return Ok((part, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// `x/rows.failed.csv.part`, then `x/rows.failed.csv.2.part`.
fn part(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    if number > 1 {
        name.push(format!(".{number}"));
    }
    name.push(".part");
    name.into()
}

fn fill(file: File, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    write(&mut file)?;
    let file = file.into_inner().map_err(IntoInnerError::into_error)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tempfile::TempDir;

    use super::*;

    fn folder() -> TempDir {
        tempfile::tempdir().expect("a folder")
    }

    fn files(folder: &TempDir) -> Vec<String> {
        let files = fs::read_dir(folder).expect("readable");
        let name = |file: io::Result<fs::DirEntry>| file.expect("readable").file_name();
        let mut names: Vec<_> = files
            .map(|file| name(file).into_string().expect("one of ours"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_made_and_then_replaced() {
        let folder = folder();
        let path = folder.path().join("f");
        for text in ["a longer text", "new"] {
            replace(&path, |to| to.write_all(text.as_bytes())).expect("a disk that works");
            assert_eq!(fs::read_to_string(&path).expect("there"), text);
            assert_eq!(files(&folder), ["f"]);
        }
    }

    #[test]
    fn a_failure_in_the_middle_leaves_the_older_file_whole_and_nothing_beside_it() {
        let folder = folder();
        let path = folder.path().join("f");
        fs::write(&path, "older").expect("written");
        let full = replace(&path, |to| {
            // More than a buffer holds, so that some of it is in the file by now.
            to.write_all(&vec![b'x'; 100_000])?;
            Err(io::ErrorKind::StorageFull.into())
        });
        let error = full.expect_err("a full disk");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_to_string(&path).expect("there"), "older");
        assert_eq!(files(&folder), ["f"]);
    }

    #[test]
    fn what_can_not_be_moved_into_its_place_does_not_stay_beside_it() {
        let folder = folder();
        let path = folder.path().join("f");
        fs::create_dir(&path).expect("made");
        replace(&path, |to| to.write_all(b"new")).expect_err("a folder is no file");
        assert_eq!(files(&folder), ["f"]);
    }

    #[test]
    fn what_is_no_file_or_leads_to_none_stays_where_it_is() {
        let folder = folder();
        let [fifo, to_fifo, to_device] =
            ["fifo", "to-fifo", "to-device"].map(|name| folder.path().join(name));
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.expect("it is there").success());
        std::os::unix::fs::symlink("fifo", &to_fifo).expect("made");
        std::os::unix::fs::symlink("/dev/null", &to_device).expect("made");
        for path in [&fifo, &to_fifo, &to_device] {
            let error = replace(path, |to| to.write_all(b"new")).expect_err("no file");
            assert_eq!(error.to_string(), "it is no file");
        }
        assert!(to_device.is_symlink() && to_fifo.is_symlink());
        assert_eq!(files(&folder), ["fifo", "to-device", "to-fifo"]);
    }

    #[test]
    fn nothing_is_put_among_devices_whatever_stands_there() {
        let folder = folder();
        let devices = folder.path().join("devices");
        std::os::unix::fs::symlink("/dev", &devices).expect("made");
        // A look alone, for what would be replaced here is the machine's.
        for path in [
            devices.join("no-such-name"),
            "/proc/self/no-such-name".into(),
        ] {
            let error = check(&path).expect_err("no place for files");
            assert!(error.to_string().contains("the system's"), "{error}");
        }
        check(Path::new("/dev/shm/f")).expect("it holds files");
    }

    #[test]
    fn another_s_part_is_neither_written_into_nor_taken_away() {
        let folder = folder();
        let path = folder.path().join("f");
        fs::write(folder.path().join("f.part"), "another's").expect("written");
        replace(&path, |to| {
            to.write_all(b"outer ")?;
            // While one is being written, another begins and ends.
            replace(&path, |to| to.write_all(b"inner"))?;
            assert_eq!(fs::read_to_string(&path)?, "inner");
            to.write_all(b"whole")
        })
        .expect("a disk that works");
        assert_eq!(fs::read_to_string(&path).expect("there"), "outer whole");
        assert_eq!(files(&folder), ["f", "f.part"]);
        let part = fs::read_to_string(folder.path().join("f.part"));
        assert_eq!(part.expect("there"), "another's");
    }

    #[test]
    fn a_link_is_replaced_and_not_what_it_leads_to() {
        let folder = folder();
        let [path, other] = ["f", "other"].map(|name| folder.path().join(name));
        fs::write(&other, "older").expect("written");
        std::os::unix::fs::symlink("other", &path).expect("made");
        replace(&path, |to| to.write_all(b"new")).expect("a disk that works");
        assert!(path.symlink_metadata().expect("there").is_file());
        assert_eq!(fs::read_to_string(&path).expect("there"), "new");
        assert_eq!(fs::read_to_string(&other).expect("there"), "older");
    }

    #[test]
    fn the_new_file_has_the_rights_of_a_new_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder();
        let [path, fresh] = ["f", "fresh"].map(|name| folder.path().join(name));
        let mode = |path: &Path| path.metadata().expect("there").permissions().mode();
        fs::write(&fresh, "").expect("written");
        fs::write(&path, "older").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("ours");
        replace(&path, |to| to.write_all(b"new")).expect("a disk that works");
        assert_eq!(mode(&path), mode(&fresh));
    }

    #[test]
    fn a_name_alone_is_in_this_folder() {
        sync_folder_of(Path::new("f")).expect("its folder is there");
        sync_folder_of(Path::new("no/such/folder/f")).expect_err("its folder is not");
    }
}
