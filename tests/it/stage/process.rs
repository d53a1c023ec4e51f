//! Runs of the command, as processes.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::clock::PATIENCE;
use super::{Place, USERSIG, until};

/// A run of the command that is about to begin.
pub(crate) struct Recall {
    words: Vec<OsString>,
    env: Vec<(String, OsString)>,
    folder: PathBuf,
    stdin: Option<Vec<u8>>,
    rate: Option<&'static str>,
    through: Option<String>,
}

impl Recall {
    pub(super) fn new<W: AsRef<OsStr>>(place: &Place, words: impl IntoIterator<Item = W>) -> Self {
        let recall = Self {
            words: Vec::new(),
            env: Vec::new(),
            folder: place.path(""),
            stdin: None,
            rate: None,
            through: None,
        };
        recall
            .with(words)
            .env("TMPDIR", place.temporary())
            .env("RECALL_SDKAPPID", "1400000000")
            .env("RECALL_USERSIG", USERSIG)
    }

    /// With more words.
    pub(crate) fn with<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        let words = words.into_iter().map(|word| word.as_ref().to_owned());
        self.words.extend(words);
        self
    }

    /// Against a service on this machine.
    pub(crate) fn on(self, address: SocketAddr) -> Self {
        self.with(["--endpoint", &format!("http://{address}")])
    }

    /// At this rate.
    pub(crate) fn rate(mut self, rate: &'static str) -> Self {
        self.rate = Some(rate);
        self
    }

    /// With a variable in its environment, which is otherwise bare.
    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.retain(|(other, _)| other != name);
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Without a variable that it would have.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.env.retain(|(other, _)| other != name);
        self
    }

    /// Signing for itself with the secret key, instead of with a `UserSig` from outside.
    pub(crate) fn with_secret_key(self) -> Self {
        self.without("RECALL_USERSIG")
            .env("RECALL_SECRET_KEY", super::SECRET_KEY)
    }

    pub(crate) fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(text.into());
        self
    }

    /// Through a shell that does this first.
    pub(crate) fn after(mut self, shell: &str) -> Self {
        self.through = Some(format!("{shell}; exec \"$0\" \"$@\""));
        self
    }

    pub(crate) fn start(mut self) -> Running {
        let binary = env!("CARGO_BIN_EXE_recall");
        if let Some(rate) = self.rate {
            self.words.extend(["--rate".into(), rate.into()]);
        }
        let mut command = match &self.through {
            Some(shell) => {
                let mut command = Command::new("/bin/bash");
                command.args(["-c", shell, binary]);
                command
            }
            None => Command::new(binary),
        };
        let mut child = command
            .args(&self.words)
            .env_clear()
            .envs(self.env)
            .current_dir(&self.folder)
            .stdin(if self.stdin.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if let Some(text) = self.stdin {
            let mut stdin = child.stdin.take().unwrap();
            // A run that stops early does not read it all.
            thread::spawn(move || drop(stdin.write_all(&text)));
        }
        let stdout = Heard::listen(child.stdout.take().unwrap());
        let stderr = Heard::listen(child.stderr.take().unwrap());
        Running {
            words: self.words,
            child,
            stdout,
            stderr,
        }
    }

    /// Runs to its end.
    #[track_caller]
    pub(crate) fn finish(self) -> Finished {
        self.start().finish()
    }
}

/// What a process has written so far.
struct Heard {
    bytes: Arc<Mutex<Vec<u8>>>,
    listener: Option<JoinHandle<()>>,
}

impl Heard {
    fn listen(mut from: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&bytes);
        let listener = thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut block) {
                heard.lock().unwrap().extend_from_slice(&block[..read]);
            }
        });
        Self {
            bytes,
            listener: Some(listener),
        }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn all(&mut self) -> String {
        if let Some(listener) = self.listener.take() {
            listener.join().unwrap();
        }
        self.so_far()
    }
}

/// A run that is going on. It is killed when it is dropped.
pub(crate) struct Running {
    words: Vec<OsString>,
    child: Child,
    stdout: Heard,
    stderr: Heard,
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its arguments, as everybody on this machine can read them.
    pub(crate) fn arguments(&self) -> String {
        let bytes = std::fs::read(format!("/proc/{}/cmdline", self.id())).unwrap();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn stderr_so_far(&self) -> String {
        self.stderr.so_far()
    }

    /// Waits until it has said this on stdout.
    #[track_caller]
    pub(crate) fn until_it_prints(&self, words: &str) -> String {
        until(words, || self.stdout.so_far().contains(words));
        self.stdout.so_far()
    }

    /// Waits until it has said this on stderr.
    #[track_caller]
    pub(crate) fn until_it_says(&self, words: &str) {
        let start = Instant::now();
        while !self.stderr.so_far().contains(words) {
            let stderr = self.stderr.so_far();
            assert!(start.elapsed() < PATIENCE, "never said {words:?}: {stderr}");
            thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Finished {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            let stderr = self.stderr.so_far();
            assert!(
                start.elapsed() < PATIENCE,
                "{:?} does not end: {stderr}",
                self.words
            );
            thread::sleep(std::time::Duration::from_millis(1));
        };
        Finished {
            words: self.words.clone(),
            status,
            stdout: self.stdout.all(),
            stderr: self.stderr.all(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has usually ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    words: Vec<OsString>,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Fails unless it ended with this exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "the exit code of {:?}\n{}{}",
            self.words,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Fails unless it said this on stderr.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(
            self.stderr.contains(words),
            "{words:?} is not in\n{}",
            self.stderr
        );
        self
    }

    /// Its `--json`; fails unless that is all there is on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    /// A count of its `--json`.
    #[track_caller]
    pub(crate) fn count(&self, key: &str) -> u64 {
        let json = self.json();
        json[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{key} in {json}"))
    }
}
