//! The command under test, ready to run.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use super::{Finished, Place, Running, Terminal, USERSIG};

/// A builder for a run of the command.
pub(crate) struct Recall {
    words: Vec<OsString>,
    env: Vec<(String, OsString)>,
    folder: PathBuf,
    stdin: Option<Vec<u8>>,
    rate: Option<&'static str>,
    shell: Option<String>,
}

impl Recall {
    pub(super) fn new<W: AsRef<OsStr>>(place: &Place, words: impl IntoIterator<Item = W>) -> Self {
        let recall = Self {
            words: Vec::new(),
            env: Vec::new(),
            folder: place.path(""),
            stdin: None,
            rate: None,
            shell: None,
        };
        recall
            .with(words)
            .env("TMPDIR", place.tmp_dir())
            // Nothing listens there, so even a broken test can't make a call beyond this machine.
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .env("RECALL_SDKAPPID", "1400000000")
            .env("RECALL_USERSIG", USERSIG)
    }

    /// Adds arguments.
    pub(crate) fn with<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        let words = words.into_iter().map(|word| word.as_ref().to_owned());
        self.words.extend(words);
        self
    }

    /// Calls the service at this address.
    pub(crate) fn on(self, address: SocketAddr) -> Self {
        self.with(["--endpoint", &format!("http://{address}")])
    }

    /// Sets `--rate`.
    pub(crate) fn rate(mut self, rate: &'static str) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Sets an environment variable. The environment is otherwise empty, apart from the defaults.
    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.retain(|(other, _)| other != name);
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Removes an environment variable that is set by default.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.env.retain(|(other, _)| other != name);
        self
    }

    /// Signs with the secret key instead of using a ready-made `UserSig`.
    pub(crate) fn with_secret_key(self) -> Self {
        self.without("RECALL_USERSIG")
            .env("RECALL_SECRET_KEY", super::SECRET_KEY)
    }

    pub(crate) fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(text.into());
        self
    }

    /// Starts the command from a shell that runs this first.
    pub(crate) fn after_shell(mut self, script: &str) -> Self {
        self.shell = Some(format!("{script}; exec \"$0\" \"$@\""));
        self
    }

    pub(crate) fn start(self) -> Running {
        let mut command = self.command();
        if self.stdin.is_some() {
            command.stdin(Stdio::piped());
        } else {
            command.stdin(Stdio::null());
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        if let Some(text) = self.stdin {
            let mut stdin = child.stdin.take().unwrap();
            // This fails if the run stops before it has read everything.
            thread::spawn(move || drop(stdin.write_all(&text)));
        }
        let stderr = child.stderr.take().unwrap();
        Running::new(self.words, child, stderr)
    }

    /// Starts the command with stdin and stderr on a terminal of 80 columns.
    pub(crate) fn start_on_terminal(self) -> (Running, Terminal) {
        self.start_on_terminal_with_columns(80)
    }

    /// Starts the command with stdin and stderr on a terminal of this width.
    pub(crate) fn start_on_terminal_with_columns(self, columns: u16) -> (Running, Terminal) {
        let (terminal, far) = Terminal::open(columns);
        let mut command = self.command();
        command.stdin(far.try_clone().unwrap()).stderr(far);
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        (Running::new(self.words, child, terminal.watch()), terminal)
    }

    fn command(&self) -> Command {
        let binary = env!("CARGO_BIN_EXE_recall");
        let mut command = match &self.shell {
            Some(shell) => {
                let mut command = Command::new("/bin/bash");
                command.args(["-c", shell, binary]);
                command
            }
            None => Command::new(binary),
        };
        command.args(&self.words);
        if let Some(rate) = self.rate {
            command.args(["--rate", rate]);
        }
        command.env_clear().current_dir(&self.folder);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the command and waits for it to end.
    #[track_caller]
    pub(crate) fn finish(self) -> Finished {
        self.start().finish()
    }
}
