//! Allows one run at a time per app: two at once would break its cap, and so would two in quick
//! succession if the second did not know about the calls of the first.
//!
//! The lock is an advisory lock on a file in the folder for temporary files. The system releases it
//! when the process ends, however that happens. The cap is per app, whatever the endpoint, and so
//! is the lock; on loopback, where tests and mocks run, each port has its own lock.
//!
//! The file holds a JSON note. During a run it names the holder, `{"run":"process 7, ledger x"}`; a
//! run that ends leaves the number of calls it made in its last second,
//! `{"calls_in_last_second":12}`. A new holder that finds a holder's name therefore knows that the
//! previous run was killed, and assumes the maximum number of calls. The note has no timestamp: its
//! calls count as if they were made at the moment it is read, so no clock has to be trusted.
//!
//! Not covered: runs on other machines, with another `TMPDIR`, or through a gateway on loopback. A
//! run that can lock the file but not write it assumes the maximum number of calls, and the next
//! run does not learn about its own.

use std::env;
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::api::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::run::LastSecond;

/// Maximum size of a note in bytes; enough for the longest path with every byte escaped.
const MAX_NOTE: u64 = 64 * 1024;

/// The exclusive right to make calls for an app.
#[derive(Debug)]
pub struct AppLock {
    locked: File,
    before: LastSecond,
    /// What the next holder will find; with `None`, this run will look killed.
    handover: Option<LastSecond>,
}

/// The service's calls that a lock can be for; each has its own cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// `delete_group_msg_by_sender`.
    Recall,
    /// `get_group_info`.
    GroupInfo,
}

/// What to do if another run holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfHeld {
    /// Fail, with an error that names the holder.
    Refuse,
    /// Wait until it is released.
    Wait,
}

/// The content of the lock file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Note {
    /// The holder, or a previous holder that was killed.
    #[serde(rename = "run")]
    Run(String),
    /// Released, after this many calls in the last second.
    #[serde(rename = "calls_in_last_second")]
    Ended(usize),
}

impl AppLock {
    /// Takes the lock. `who` describes this run to others; `waiting` is called with the holder's
    /// description before waiting for it.
    ///
    /// # Errors
    /// If another run holds the lock and `if_held` is [`IfHeld::Refuse`], if the file can't be
    /// locked, or if it contains something other than a note.
    pub fn take(
        calls: Calls,
        app: u64,
        endpoint: &Endpoint,
        who: &str,
        if_held: IfHeld,
        waiting: impl FnOnce(&str),
    ) -> Result<Self> {
        let path = path(calls, app, endpoint);
        let fail = |error: io::Error| {
            Error::service(format!("cannot take the lock {}", path.display()))
                .because(error)
                .hint("the lock keeps a second run from breaking the cap; TMPDIR sets its folder")
        };
        let mut file = open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let first = holder(read(&mut file));
                if if_held == IfHeld::Refuse {
                    return Err(Error::service(format!(
                        "another run for app {app} is in progress: {first}"
                    ))
                    .hint("two at once would break the cap: wait for it to end, or pass --wait"));
                }
                waiting(&first);
                file.lock().map_err(fail)?;
            }
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        let not_a_note = || {
            let path = path.display();
            Error::service(format!("the lock file {path} was not written by recall")).hint(
                "if nothing else needs that file, delete it; TMPDIR sets the folder of the lock",
            )
        };
        let last = read(&mut file).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => not_a_note(),
            _ => fail(error),
        })?;
        Ok(Self::begin(file, last, who))
    }

    fn begin(mut locked: File, last: Option<Note>, who: &str) -> Self {
        let before = match (last, write(&mut locked, &Note::Run(who.to_owned()))) {
            (None, Ok(())) => LastSecond::default(),
            (Some(Note::Ended(calls)), Ok(())) => LastSecond::Calls(calls),
            (Some(Note::Run(_)), Ok(())) => LastSecond::Unknown,
            // Earlier runs may not have been able to write theirs either.
            (_, Err(error)) => {
                tracing::debug!(%error, "cannot write a note into the lock file");
                LastSecond::Unknown
            }
        };
        Self {
            locked,
            before,
            handover: Some(before),
        }
    }

    /// Returns the calls that earlier runs made in the last second, as far as known.
    pub fn calls_before(&self) -> LastSecond {
        self.before
    }

    /// Records that calls may be made from here on. If the lock is then dropped without
    /// [release](Self::release), the next holder assumes that this run was killed.
    pub fn mark_calling(&mut self) {
        self.handover = None;
    }

    /// Releases the lock and hands the calls of the last second over to the next holder.
    pub fn release(mut self, last_second: LastSecond) {
        self.handover = Some(last_second);
    }
}

impl Drop for AppLock {
    /// A holder that made no calls passes on the note it found.
    fn drop(&mut self) {
        if let Some(LastSecond::Calls(calls)) = self.handover
            && let Err(error) = write(&mut self.locked, &Note::Ended(calls))
        {
            tracing::debug!(%error, "cannot write a note into the lock file");
        }
    }
}

fn path(calls: Calls, app: u64, endpoint: &Endpoint) -> PathBuf {
    let port = endpoint.loopback_port();
    let place = port.map_or_else(String::new, |port| format!("-loopback-{port}"));
    let kind = match calls {
        Calls::Recall => "",
        Calls::GroupInfo => "-group-info",
    };
    env::temp_dir().join(format!("recall-{app}{place}{kind}.lock"))
}

/// Opens the lock file, and creates it if needed.
///
/// Runs of other users need the file too, so a new one gets mode 0666 whatever the umask. An
/// existing one is opened without `O_CREAT`, which Linux refuses for another user's file in `/tmp`
/// (`fs.protected_regular`). A file that can't be written can still be locked.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    let first = match options.clone().create_new(true).open(path) {
        Ok(file) => {
            if let Err(error) = file.set_permissions(Permissions::from_mode(0o666)) {
                tracing::debug!(%error, "cannot make the lock file writable for other users");
            }
            return Ok(file);
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match options.open(path) {
            Ok(file) => return Ok(file),
            Err(error) => error,
        },
        Err(error) => error,
    };
    File::open(path).map_err(|_| first)
}

/// Reads the note; `None` if the file is empty.
///
/// # Errors
/// `InvalidData` if the content is not a note.
fn read(file: &mut File) -> io::Result<Option<Note>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(MAX_NOTE).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let note = serde_json::from_slice(&bytes);
    note.map(Some)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Returns the holder's description, for display.
fn holder(note: io::Result<Option<Note>>) -> String {
    match note {
        Ok(Some(Note::Run(who))) => who.chars().filter(|c| !c.is_control()).collect(),
        _ => "unknown, it left no note".to_owned(),
    }
}

/// Writes the note in a single write, padded with spaces to cover a longer old note, so that a
/// process killed meanwhile leaves either the old note or the new one.
fn write(file: &mut File, note: &Note) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(note)?;
    let old = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    bytes.resize(bytes.len().max(old), b' ');
    file.rewind()?;
    file.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// This process's ID, so that no other test takes this app's lock.
    fn app() -> u64 {
        u64::from(std::process::id())
    }

    /// A service on loopback, and the path of its lock file, which does not exist yet.
    fn at(port: u16) -> (Endpoint, PathBuf) {
        let endpoint = format!("http://127.0.0.1:{port}").parse();
        let endpoint = endpoint.expect("an endpoint");
        let lock = path(Calls::Recall, app(), &endpoint);
        // Possibly left by an earlier process with this ID.
        drop(fs::remove_file(&lock));
        (endpoint, lock)
    }

    fn take(endpoint: &Endpoint, who: &str) -> Result<AppLock> {
        let (calls, when) = (Calls::Recall, IfHeld::Refuse);
        AppLock::take(calls, app(), endpoint, who, when, |_| {})
    }

    #[test]
    fn a_second_run_is_refused_with_the_name_of_the_first() {
        let [(one, _), (two, _)] = [1, 2].map(at);
        let first = take(&one, "process 7").expect("free");
        let error = take(&one, "process 8").expect_err("taken");
        assert!(error.to_string().contains("process 7"), "{error}");
        take(&two, "process 9").expect("another service");
        drop(first);
        take(&one, "process 10").expect("free again");
    }

    #[test]
    fn a_run_that_waits_gets_the_lock_when_the_first_ends_and_reads_its_note() {
        let (endpoint, _) = at(3);
        let take = |when, waiting: &dyn Fn(&str)| {
            AppLock::take(Calls::Recall, app(), &endpoint, "first", when, |who| {
                waiting(who);
            })
        };
        let first = take(IfHeld::Wait, &|_| panic!("it is free")).expect("free");
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let second = scope.spawn(move || {
                take(IfHeld::Wait, &|who| {
                    sender.send(who.to_owned()).expect("sent");
                })
            });
            assert_eq!(receiver.recv().expect("it waits"), "first");
            first.release(LastSecond::Calls(12));
            let second = second.join().expect("no panic").expect("the lock");
            assert_eq!(second.calls_before(), LastSecond::Calls(12));
        });
    }

    #[test]
    fn a_new_lock_file_is_writable_by_all_users_and_an_existing_one_keeps_its_mode() {
        let (endpoint, lock) = at(7);
        let mode = || fs::metadata(&lock).expect("it exists").permissions().mode() & 0o777;
        drop(take(&endpoint, "process 7").expect("free"));
        assert_eq!(mode(), 0o666);
        fs::set_permissions(&lock, Permissions::from_mode(0o600)).expect("we own it");
        drop(take(&endpoint, "process 7").expect("free"));
        assert_eq!(mode(), 0o600);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_read_only_folder_is_reported_as_the_cause() {
        // Even root can't create a file here.
        let error = open(Path::new("/sys/recall-7.lock")).expect_err("read-only");
        let kind = error.kind();
        assert!(
            matches!(
                kind,
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ),
            "{error}"
        );
    }

    #[test]
    fn a_run_learns_how_many_calls_were_made_before_it() {
        let (endpoint, _) = at(4);
        let next = || take(&endpoint, "process 7").expect("free");
        let new = next();
        assert_eq!(new.calls_before(), LastSecond::default());
        new.release(LastSecond::Calls(200));
        let after_release = next();
        assert_eq!(after_release.calls_before(), LastSecond::Calls(200));
        drop(after_release);
        let mut after_no_calls = next();
        assert_eq!(after_no_calls.calls_before(), LastSecond::Calls(200));
        after_no_calls.mark_calling();
        drop(after_no_calls);
        let after_kill = next();
        assert_eq!(after_kill.calls_before(), LastSecond::Unknown);
        after_kill.release(LastSecond::Unknown);
        let after_unknown = next();
        assert_eq!(after_unknown.calls_before(), LastSecond::Unknown);
        after_unknown.release(LastSecond::Calls(3));
        assert_eq!(next().calls_before(), LastSecond::Calls(3));
    }

    #[test]
    fn a_run_that_cannot_write_its_note_assumes_the_maximum_number_of_calls() {
        let (_, lock) = at(5);
        fs::write(&lock, r#"{"calls_in_last_second":0}"#).expect("a note");
        let mut theirs = File::open(&lock).expect("readable");
        let note = read(&mut theirs).expect("a note");
        assert_eq!(note, Some(Note::Ended(0)));
        let lock = AppLock::begin(theirs, note, "process 7");
        assert_eq!(lock.calls_before(), LastSecond::Unknown);
    }

    #[test]
    fn a_file_that_is_not_a_note_is_left_unchanged() {
        let (endpoint, lock) = at(6);
        for other in ["process 7", "{}", r#"{"run":"x","more":1}"#, "\0\0", " "] {
            fs::write(&lock, other).expect("written");
            let error = take(&endpoint, "process 7").expect_err(other);
            let error = error.to_string();
            assert!(error.contains(&lock.display().to_string()), "{error}");
            assert!(error.contains("delete it"), "{error}");
            assert_eq!(fs::read_to_string(&lock).expect("it exists"), other);
        }
    }

    #[test]
    fn the_file_name_contains_the_app_and_on_loopback_the_port() {
        let name = |calls, endpoint: &str| {
            let path = path(calls, 7, &endpoint.parse().expect("an endpoint"));
            path.file_name().expect("a file").to_owned()
        };
        for endpoint in ["https://console.tim.qq.com", "https://gateway.example:8443"] {
            assert_eq!(name(Calls::Recall, endpoint), "recall-7.lock");
            assert_eq!(name(Calls::GroupInfo, endpoint), "recall-7-group-info.lock");
        }
        for endpoint in ["http://127.0.0.1:80", "http://localhost", "http://[::1]/im"] {
            let lock = name(Calls::Recall, endpoint);
            assert_eq!(lock, "recall-7-loopback-80.lock");
        }
    }
}
