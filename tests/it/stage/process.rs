//! Running and finished processes.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::output::Output;
use super::{PATIENCE, wait_until};

/// A running process. Dropping it kills it.
pub(crate) struct Running {
    words: Vec<OsString>,
    child: Child,
    stdout: Output,
    stderr: Output,
}

impl Running {
    pub(super) fn new(
        words: Vec<OsString>,
        mut child: Child,
        stderr: impl Read + Send + 'static,
    ) -> Self {
        let stdout = child.stdout.take().unwrap();
        Self {
            words,
            child,
            stdout: Output::capture(stdout),
            stderr: Output::capture(stderr),
        }
    }

    /// Starts any other program.
    pub(crate) fn spawn(program: &mut Command) -> Self {
        let program = program.stdin(Stdio::null());
        let program = program.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let name = program.get_program().to_owned();
        let words = program.get_args().map(OsStr::to_owned);
        Self::new([name].into_iter().chain(words).collect(), child, stderr)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its arguments, as every user of this machine can read them.
    pub(crate) fn arguments(&self) -> String {
        let bytes = std::fs::read(format!("/proc/{}/cmdline", self.id())).unwrap();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    }

    /// Whether the process has a file of this name open.
    pub(crate) fn has_open(&self, name: &str) -> bool {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap();
        open.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok())
            .any(|file| file.ends_with(name))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn stderr_so_far(&self) -> String {
        self.stderr.so_far()
    }

    /// Waits until stdout contains this, and returns stdout.
    #[track_caller]
    pub(crate) fn wait_until_it_prints(&self, words: &str) -> String {
        wait_until(words, || self.stdout.so_far().contains(words));
        self.stdout.so_far()
    }

    /// Waits until stderr contains this.
    #[track_caller]
    pub(crate) fn wait_until_it_says(&self, words: &str) {
        let start = Instant::now();
        while !self.stderr.so_far().contains(words) {
            let stderr = self.stderr.so_far();
            assert!(
                start.elapsed() < PATIENCE,
                "{words:?} never appeared on stderr: {stderr}"
            );
            thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the process to end.
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
        // These fail if the process has already ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A finished process.
#[derive(Debug)]
pub(crate) struct Finished {
    words: Vec<OsString>,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Fails unless the exit code is this one.
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

    /// Fails unless stderr contains this.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(
            self.stderr.contains(words),
            "{words:?} is not in\n{}",
            self.stderr
        );
        self
    }

    /// Fails if stderr contains this.
    #[track_caller]
    pub(crate) fn never_says(&self, words: &str) {
        assert!(
            !self.stderr.contains(words),
            "{words:?} is in\n{}",
            self.stderr
        );
    }

    /// Fails unless stdout contains this.
    #[track_caller]
    pub(crate) fn prints(self, words: &str) -> Self {
        assert!(
            self.stdout.contains(words),
            "{words:?} is not in\n{}",
            self.stdout
        );
        self
    }

    /// Fails unless stderr contains this, ignoring line breaks.
    #[track_caller]
    pub(crate) fn says_wrapped(self, words: &str) -> Self {
        let stderr: Vec<_> = self.stderr.split_whitespace().collect();
        let stderr = stderr.join(" ");
        assert!(stderr.contains(words), "{words:?} is not in\n{stderr}");
        self
    }

    /// The output of `--json`. Fails if stdout has anything else.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    /// A count in the output of `--json`.
    #[track_caller]
    pub(crate) fn count(&self, key: &str) -> u64 {
        let json = self.json();
        json[key]
            .as_u64()
            .unwrap_or_else(|| panic!("no count {key} in {json}"))
    }
}
