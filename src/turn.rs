//! One run at a time for an app: two together would break its cap, and so would two that follow
//! each other closely, if the second knew nothing of the first.
//!
//! An advisory lock on a file in the machine's folder for temporary files; it goes with the
//! process, however that ends. The cap is the app's at whatever address, so the lock is too; on
//! loopback, where tests and mocks are, each port has one of its own.
//!
//! The file holds a note in JSON. While a run goes on it says who that is,
//! `{"run":"process 7, ledger x"}`; a run that ends leaves what it called just before,
//! `{"calls_in_last_second":12}`. So whoever has the lock and reads of a run reads of one that died,
//! and reckons with as many calls as there may be. No time stands in it: the calls count as if they
//! were made by the time it is read, and no clock needs to be trusted.
//!
//! Out of its sight are runs on other machines, with another `TMPDIR`, and through a gateway on
//! loopback. Another user's file can often be locked but not written: whoever can leave no note
//! there reckons with the most each time, but the owner's next run does not learn of theirs.

use std::env;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::api::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::run::LastSecond;

/// No note has more bytes, not even one with the longest of paths and every byte of it escaped.
const LONGEST: u64 = 64 * 1024;

/// The right to call for an app, until it is given back.
#[derive(Debug)]
pub struct Turn {
    locked: File,
    before: LastSecond,
    /// What the next one reads of; none where it is to read of one that died.
    leaves: Option<LastSecond>,
}

/// The calls that a turn is for; each kind has a cap of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// Those of a run.
    Recalls,
    /// Those of a look at groups.
    Looks,
}

/// What to do while another run has its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenTaken {
    /// Say who has it and leave.
    Refuse,
    /// Wait for it to end.
    Wait,
}

/// What the file holds.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Note {
    /// Whose turn it is, or was until they died.
    #[serde(rename = "run")]
    Run(String),
    /// Nobody's turn.
    #[serde(rename = "calls_in_last_second")]
    Ended(usize),
}

impl Turn {
    /// Takes the turn to make such calls for an app. `who` is what others are told meanwhile, and
    /// `waiting` hears of the one before when there is one to wait for.
    ///
    /// # Errors
    /// When another run has it and this one is not to wait, when the lock can't be had at all, or
    /// when its file is something else.
    pub fn take(
        calls: Calls,
        app: u64,
        endpoint: &Endpoint,
        who: &str,
        when_taken: WhenTaken,
        waiting: impl FnOnce(&str),
    ) -> Result<Self> {
        let path = path(calls, app, endpoint);
        let fail = |error: io::Error| {
            Error::service(format!("cannot take the lock {}", path.display()))
                .because(error)
                .hint("it keeps a second run from breaking the cap; TMPDIR says where it lies")
        };
        let mut file = open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let first = name_of_run(read(&mut file));
                if when_taken == WhenTaken::Refuse {
                    return Err(Error::service(format!(
                        "another run for app {app} is going on: {first}"
                    ))
                    .hint("the two together would break the cap: let it end, or queue behind it with --wait"));
                }
                waiting(&first);
                file.lock().map_err(fail)?;
            }
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        let no_note = || {
            let path = path.display();
            Error::service(format!(
                "the lock {path} holds something that is no note of a run"
            ))
            .hint("if nothing else needs that file, delete it; TMPDIR says where the lock lies")
        };
        let last = read(&mut file).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => no_note(),
            _ => fail(error),
        })?;
        Ok(Self::begin(file, last, who))
    }

    fn begin(mut locked: File, last: Option<Note>, who: &str) -> Self {
        let before = match (last, write(&mut locked, &Note::Run(who.to_owned()))) {
            (None, Ok(())) => LastSecond::default(),
            (Some(Note::Ended(calls)), Ok(())) => LastSecond::Calls(calls),
            (Some(Note::Run(_)), Ok(())) => LastSecond::Unknown,
            // Those before may have left no note either.
            (_, Err(error)) => {
                tracing::debug!(%error, "cannot leave a note in the lock");
                LastSecond::Unknown
            }
        };
        Self {
            locked,
            before,
            leaves: Some(before),
        }
    }

    /// What has been called before, as far as those who had the turn have told.
    pub fn before(&self) -> LastSecond {
        self.before
    }

    /// From here on there may be calls: whoever drops the turn, and does not [end](Self::end) it,
    /// passes for one who died.
    pub fn calls_begin(&mut self) {
        self.leaves = None;
    }

    /// Gives the turn back and leaves what the next one must reckon with.
    pub fn end(mut self, last_second: LastSecond) {
        self.leaves = Some(last_second);
    }
}

impl Drop for Turn {
    /// Who has called nothing leaves what was called before.
    fn drop(&mut self) {
        if let Some(LastSecond::Calls(calls)) = self.leaves
            && let Err(error) = write(&mut self.locked, &Note::Ended(calls))
        {
            tracing::debug!(%error, "cannot leave a note in the lock");
        }
    }
}

fn path(calls: Calls, app: u64, endpoint: &Endpoint) -> PathBuf {
    let port = endpoint.loopback_port();
    let place = port.map_or_else(String::new, |port| format!("-loopback-{port}"));
    let kind = match calls {
        Calls::Recalls => "",
        Calls::Looks => "-looks",
    };
    env::temp_dir().join(format!("recall-{app}{place}{kind}.lock"))
}

/// Another user's file can't be written, but it can be locked.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .or_else(|_| File::open(path))
}

/// The note in a file; none in an empty one. What is no note is invalid data.
fn read(file: &mut File) -> io::Result<Option<Note>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(LONGEST).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let note = serde_json::from_slice(&bytes);
    note.map(Some)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// For people.
fn name_of_run(note: io::Result<Option<Note>>) -> String {
    match note {
        Ok(Some(Note::Run(who))) => who.chars().filter(|c| !c.is_control()).collect(),
        _ => "it has left no note".to_owned(),
    }
}

/// In one write, with blanks over what is left of a longer note: a process that dies meanwhile
/// leaves the one note or the other.
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

    /// No other test takes turns for this process's number.
    fn app() -> u64 {
        u64::from(std::process::id())
    }

    /// A service on loopback, and its lock as if nobody had ever taken it.
    fn at(port: u16) -> (Endpoint, PathBuf) {
        let endpoint = format!("http://127.0.0.1:{port}").parse();
        let endpoint = endpoint.expect("an endpoint");
        let lock = path(Calls::Recalls, app(), &endpoint);
        // Of another process with this number.
        drop(fs::remove_file(&lock));
        (endpoint, lock)
    }

    fn take(endpoint: &Endpoint, who: &str) -> Result<Turn> {
        let (calls, when) = (Calls::Recalls, WhenTaken::Refuse);
        Turn::take(calls, app(), endpoint, who, when, |_| {})
    }

    #[test]
    fn a_second_run_is_told_of_the_first_and_refused() {
        let [(one, _), (two, _)] = [1, 2].map(at);
        let first = take(&one, "process 7").expect("nobody has it");
        let error = take(&one, "process 8").expect_err("taken");
        assert!(error.to_string().contains("process 7"), "{error}");
        take(&two, "process 9").expect("another service");
        drop(first);
        take(&one, "process 10").expect("free again");
    }

    #[test]
    fn whoever_waits_gets_the_turn_when_the_first_ends_and_reads_what_it_has_left() {
        let (endpoint, _) = at(3);
        let take = |when, waiting: &dyn Fn(&str)| {
            Turn::take(Calls::Recalls, app(), &endpoint, "first", when, |who| {
                waiting(who);
            })
        };
        let first = take(WhenTaken::Wait, &|_| panic!("nobody has it")).expect("free");
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let second = scope.spawn(move || {
                take(WhenTaken::Wait, &|who| {
                    tell.send(who.to_owned()).expect("heard");
                })
            });
            assert_eq!(told.recv().expect("it waits"), "first");
            first.end(LastSecond::Calls(12));
            let second = second.join().expect("no panic").expect("its turn");
            assert_eq!(second.before(), LastSecond::Calls(12));
        });
    }

    #[test]
    fn a_run_learns_what_was_called_before_it() {
        let (endpoint, _) = at(4);
        let next = || take(&endpoint, "process 7").expect("free");
        let new = next();
        assert_eq!(new.before(), LastSecond::default());
        new.end(LastSecond::Calls(200));
        let after_an_end = next();
        assert_eq!(after_an_end.before(), LastSecond::Calls(200));
        drop(after_an_end);
        let mut after_nothing = next();
        assert_eq!(after_nothing.before(), LastSecond::Calls(200));
        after_nothing.calls_begin();
        drop(after_nothing);
        let after_a_death = next();
        assert_eq!(after_a_death.before(), LastSecond::Unknown);
        after_a_death.end(LastSecond::Unknown);
        let after_another = next();
        assert_eq!(after_another.before(), LastSecond::Unknown);
        after_another.end(LastSecond::Calls(3));
        assert_eq!(next().before(), LastSecond::Calls(3));
    }

    #[test]
    fn where_no_note_can_be_left_every_run_reckons_with_the_most() {
        let (_, lock) = at(5);
        fs::write(&lock, r#"{"calls_in_last_second":0}"#).expect("a note");
        let mut theirs = File::open(&lock).expect("it can be read");
        let note = read(&mut theirs).expect("a note");
        assert_eq!(note, Some(Note::Ended(0)));
        let turn = Turn::begin(theirs, note, "process 7");
        assert_eq!(turn.before(), LastSecond::Unknown);
    }

    #[test]
    fn what_is_no_note_is_left_as_it_is() {
        let (endpoint, lock) = at(6);
        for other in ["process 7", "{}", r#"{"run":"x","more":1}"#, "\0\0", " "] {
            fs::write(&lock, other).expect("written");
            let error = take(&endpoint, "process 7").expect_err(other);
            let error = error.to_string();
            assert!(error.contains(&lock.display().to_string()), "{error}");
            assert!(error.contains("delete it"), "{error}");
            assert_eq!(fs::read_to_string(&lock).expect("there"), other);
        }
    }

    #[test]
    fn the_app_names_the_lock_and_on_loopback_the_port_does_too() {
        let name = |calls, endpoint: &str| {
            let path = path(calls, 7, &endpoint.parse().expect("an endpoint"));
            path.file_name().expect("a file").to_owned()
        };
        for endpoint in ["https://console.tim.qq.com", "https://gateway.example:8443"] {
            assert_eq!(name(Calls::Recalls, endpoint), "recall-7.lock");
            assert_eq!(name(Calls::Looks, endpoint), "recall-7-looks.lock");
        }
        for endpoint in ["http://127.0.0.1:80", "http://localhost", "http://[::1]/im"] {
            let lock = name(Calls::Recalls, endpoint);
            assert_eq!(lock, "recall-7-loopback-80.lock");
        }
    }
}
