//! Files that survive a crash.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, IntoInnerError};
use std::path::{Path, PathBuf};

/// Creates a file, or replaces it atomically. The new file is written next to `path` and then moved
/// there, so `path` always names a complete file, old or new.
///
/// The new file has default permissions. If `path` is a link, the link is replaced, not its target.
///
/// # Errors
/// If [`check`] or `write` fails, or the file can't be written or moved. The older file is then
/// unchanged, and the partial file is removed.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    check(path)?;
    let (part, file) = create_beside(path)?;
    let replaced = fill(file, write).and_then(|()| fs::rename(&part, path));
    if replaced.is_ok() {
        // Not every folder can be synced, such as one on a network or one that is writable but not
        // readable. If a crash then brings back the older file, that one is whole too.
        let _ = sync_folder_of(path);
    } else {
        // The first error says more than an error here would.
        let _ = fs::remove_file(&part);
    }
    replaced
}

/// Refuses a path that names a device or a pipe, or a link to one. Run as root, [`replace`] would
/// replace `/dev/stdout` for the whole machine.
///
/// # Errors
/// If the path exists and is not a regular file, or its folder is one of the system's for devices.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why.to_owned()));
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return refuse("it is not a regular file");
    }
    // If stdout is a file, `/dev/stdout` links to it, but the link itself must not be replaced.
    let folder = folder_of(path).canonicalize();
    let is_system = |folder: &Path| is_passing(folder) || folder.starts_with("/sys");
    // /dev/shm is shared memory, which holds regular files.
    if folder.is_ok_and(|folder| is_system(&folder) && !folder.starts_with("/dev/shm")) {
        return refuse("its folder is the system's, for devices");
    }
    Ok(())
}

/// Syncs the folder of a new file. Only then does the file's name survive a crash of the machine.
///
/// # Errors
/// If the folder can't be opened or synced.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// Returns whether the path is one of the system's aliases, such as `/dev/stdin`. What it refers to
/// can change from run to run, and files next to it don't survive a reboot.
pub(crate) fn is_passing(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc")
}

/// Returns the folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    folder.unwrap_or(Path::new("."))
}

/// Creates a file under an unused name, so that a partial file that a killed process left or another
/// process is writing stays as it is.
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
        tempfile::tempdir().expect("a temporary folder")
    }

    fn files(folder: &TempDir) -> Vec<String> {
        let files = fs::read_dir(folder).expect("readable");
        let name = |file: io::Result<fs::DirEntry>| file.expect("readable").file_name();
        let mut names: Vec<_> = files
            .map(|file| name(file).into_string().expect("the tests use UTF-8 names"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_created_and_then_replaced() {
        let folder = folder();
        let path = folder.path().join("f");
        for text in ["a longer text", "new"] {
            replace(&path, |to| to.write_all(text.as_bytes())).expect("a working disk");
            assert_eq!(fs::read_to_string(&path).expect("there"), text);
            assert_eq!(files(&folder), ["f"]);
        }
    }

    #[test]
    fn a_failed_write_leaves_the_older_file_whole_and_no_partial_file() {
        let folder = folder();
        let path = folder.path().join("f");
        fs::write(&path, "older").expect("written");
        let full = replace(&path, |to| {
            // More than the buffer holds, so that part of it is already in the file.
            to.write_all(&vec![b'x'; 100_000])?;
            Err(io::ErrorKind::StorageFull.into())
        });
        let error = full.expect_err("the disk is full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_to_string(&path).expect("there"), "older");
        assert_eq!(files(&folder), ["f"]);
    }

    #[test]
    fn a_folder_is_not_replaced_and_no_partial_file_stays() {
        let folder = folder();
        let path = folder.path().join("f");
        fs::create_dir(&path).expect("created");
        replace(&path, |to| to.write_all(b"new")).expect_err("a folder is not a file");
        assert_eq!(files(&folder), ["f"]);
    }

    #[test]
    fn a_pipe_or_a_link_to_a_pipe_or_device_is_not_replaced() {
        let folder = folder();
        let [fifo, to_fifo, to_device] =
            ["fifo", "to-fifo", "to-device"].map(|name| folder.path().join(name));
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.expect("mkfifo is installed").success());
        std::os::unix::fs::symlink("fifo", &to_fifo).expect("created");
        std::os::unix::fs::symlink("/dev/null", &to_device).expect("created");
        for path in [&fifo, &to_fifo, &to_device] {
            let error = replace(path, |to| to.write_all(b"new")).expect_err("not a file");
            assert_eq!(error.to_string(), "it is not a regular file");
        }
        assert!(to_device.is_symlink() && to_fifo.is_symlink());
        assert_eq!(files(&folder), ["fifo", "to-device", "to-fifo"]);
    }

    #[test]
    fn a_path_in_a_folder_of_devices_is_refused_even_if_nothing_is_there() {
        let folder = folder();
        let devices = folder.path().join("devices");
        std::os::unix::fs::symlink("/dev", &devices).expect("created");
        // Only `check`, because `replace` could damage the machine's own files.
        for path in [
            devices.join("no-such-name"),
            "/proc/self/no-such-name".into(),
        ] {
            let error = check(&path).expect_err("a folder of devices");
            assert!(error.to_string().contains("the system's"), "{error}");
        }
        check(Path::new("/dev/shm/f")).expect("it holds regular files");
    }

    #[test]
    fn a_partial_file_of_another_process_is_neither_written_to_nor_removed() {
        let folder = folder();
        let path = folder.path().join("f");
        fs::write(folder.path().join("f.part"), "another's").expect("written");
        replace(&path, |to| {
            to.write_all(b"outer ")?;
            // Another replacement begins and ends during this one.
            replace(&path, |to| to.write_all(b"inner"))?;
            assert_eq!(fs::read_to_string(&path)?, "inner");
            to.write_all(b"whole")
        })
        .expect("a working disk");
        assert_eq!(fs::read_to_string(&path).expect("there"), "outer whole");
        assert_eq!(files(&folder), ["f", "f.part"]);
        let part = fs::read_to_string(folder.path().join("f.part"));
        assert_eq!(part.expect("there"), "another's");
    }

    #[test]
    fn a_link_is_replaced_and_its_target_is_not() {
        let folder = folder();
        let [path, other] = ["f", "other"].map(|name| folder.path().join(name));
        fs::write(&other, "older").expect("written");
        std::os::unix::fs::symlink("other", &path).expect("created");
        replace(&path, |to| to.write_all(b"new")).expect("a working disk");
        assert!(path.symlink_metadata().expect("there").is_file());
        assert_eq!(fs::read_to_string(&path).expect("there"), "new");
        assert_eq!(fs::read_to_string(&other).expect("there"), "older");
    }

    #[test]
    fn the_new_file_has_default_permissions() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder();
        let [path, fresh] = ["f", "fresh"].map(|name| folder.path().join(name));
        let mode = |path: &Path| path.metadata().expect("there").permissions().mode();
        fs::write(&fresh, "").expect("written");
        fs::write(&path, "older").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("ours");
        replace(&path, |to| to.write_all(b"new")).expect("a working disk");
        assert_eq!(mode(&path), mode(&fresh));
    }

    #[test]
    fn a_bare_name_is_in_the_current_folder() {
        sync_folder_of(Path::new("f")).expect("the folder exists");
        sync_folder_of(Path::new("no/such/folder/f")).expect_err("the folder does not exist");
    }
}
