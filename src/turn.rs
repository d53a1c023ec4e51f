//! One run at a time for an app: two together would break its cap.
//!
//! An advisory lock on a file in the machine's folder for temporary files; it goes with the
//! process, however that ends. Runs on other machines are out of its sight.

use std::env;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The right to call a service for an app, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    _locked: File,
}

/// What to do while another run has its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenTaken {
    /// Say who has it and leave.
    Refuse,
    /// Wait for it to end.
    Wait,
}

impl Turn {
    /// Takes the turn for an app at an endpoint. `who` is what others are told meanwhile, and
    /// `waiting` hears of the one before when there is one to wait for.
    ///
    /// # Errors
    /// When another run has it and this one is not to wait, or the lock can't be had at all.
    pub fn take(
        app: u64,
        endpoint: &str,
        who: &str,
        when_taken: WhenTaken,
        waiting: impl FnOnce(&str),
    ) -> Result<Self> {
        let path = path(app, endpoint);
        let fail = |error: std::io::Error| {
            Error::service(format!("cannot take the lock {}", path.display()))
                .because(error)
                .hint("it keeps a second run from breaking the cap; TMPDIR says where it lies")
        };
        let mut file = open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let first = read_who(&mut file);
                if when_taken == WhenTaken::Refuse {
                    return Err(Error::service(format!(
                        "another run for app {app} at {endpoint} is going on: {first}"
                    ))
                    .hint("the two together would break the cap: let it end, or queue behind it with --wait"));
                }
                waiting(&first);
                file.lock().map_err(fail)?;
            }
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        // What others read if they come meanwhile; the lock holds without it.
        if let Err(error) = write_who(&mut file, who) {
            tracing::debug!(%error, "cannot leave a note in the lock");
        }
        Ok(Self { _locked: file })
    }
}

fn path(app: u64, endpoint: &str) -> PathBuf {
    let host: String = endpoint
        .trim_start_matches("https://")
        .trim_start_matches("http://")
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        })
        .collect();
    env::temp_dir().join(format!("recall-{app}-{host}.lock"))
}

/// Another user's file can't be written, but it can be locked.
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .or_else(|_| File::open(path))
}

fn read_who(file: &mut File) -> String {
    let mut who = String::new();
    let read = file.take(1_000).read_to_string(&mut who);
    match read {
        Ok(read) if read > 0 => who.chars().filter(|c| !c.is_control()).collect(),
        _ => "it has left no note".to_owned(),
    }
}

fn write_who(file: &mut File, who: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(who.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No other test takes turns for this process's number.
    fn app() -> u64 {
        u64::from(std::process::id())
    }

    #[test]
    fn a_second_run_is_told_of_the_first_and_refused() {
        let take = |endpoint, who| Turn::take(app(), endpoint, who, WhenTaken::Refuse, |_| {});
        let first = take("https://one.example", "process 7").expect("nobody has it");
        let error = take("https://one.example", "process 8").expect_err("taken");
        assert!(error.to_string().contains("process 7"), "{error}");
        take("https://two.example", "process 9").expect("another endpoint");
        drop(first);
        take("https://one.example", "process 10").expect("free again");
    }

    #[test]
    fn whoever_waits_gets_the_turn_when_the_first_ends() {
        let endpoint = "https://queue.example";
        let take = |when, waiting: &dyn Fn(&str)| {
            Turn::take(app(), endpoint, "first", when, |who| waiting(who))
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
            drop(first);
            second.join().expect("no panic").expect("its turn");
        });
    }
}
