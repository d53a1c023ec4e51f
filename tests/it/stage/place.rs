//! A temporary folder for each test, and runs of the command in it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use tempfile::TempDir;

use super::{Ledger, PATIENCE, Recall};

/// The `UserSig` that runs use by default. It has characters that percent-encoding changes.
pub(crate) const USERSIG: &str = "eJwVzN0KgjAYBuB78XjYN*dPC-oJ+K=s/q_ secret~signature";
/// The secret key of runs that sign their own `UserSig`: the public sample key.
pub(crate) const SECRET_KEY: &str =
    "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";

/// A test's own folder, removed when the test ends.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("work")).unwrap();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        Self { folder }
    }

    /// A folder with a `rows.csv` of this text.
    pub(crate) fn with_rows(text: impl AsRef<[u8]>) -> Self {
        let place = Self::new();
        place.write("rows.csv", text);
        place
    }

    /// The path of a file in the folder.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    /// The command's `TMPDIR`, where it puts its locks.
    pub(crate) fn tmp_dir(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Creates a named pipe.
    pub(crate) fn pipe(&self, name: &str) -> Pipe {
        let path = self.path(name);
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        Pipe(path)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let read = fs::read_to_string(self.path(name));
        read.unwrap_or_else(|error| panic!("{name}: {error}; the files are {:?}", self.files()))
    }

    /// The names of the files in the folder, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("")).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The ledger of a run of `rows.csv`.
    pub(crate) fn ledger(&self) -> Ledger {
        self.ledger_named("rows.ledger.jsonl")
    }

    pub(crate) fn ledger_named(&self, name: &str) -> Ledger {
        Ledger::parse(&self.read(name))
    }

    /// The command with these arguments, to run in this folder.
    pub(crate) fn recall<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Recall {
        Recall::new(self, words)
    }

    /// A shell command line in which `recall` is the binary under test.
    pub(crate) fn shell(&self, command: &str) -> Recall {
        let script = format!("recall() {{ exec \"$0\" \"$@\"; }}; {command}");
        self.recall([""; 0]).after_shell(&script)
    }

    /// `recall run INPUT --json` without a rate limit.
    pub(crate) fn run(&self, input: &str) -> Recall {
        self.recall(["run", input, "--json"]).rate("max")
    }
}

/// A named pipe.
pub(crate) struct Pipe(PathBuf);

impl Pipe {
    /// Opens the pipe for writing. Waits until a process opens it for reading.
    #[track_caller]
    pub(crate) fn open(self) -> File {
        let (opened, file) = mpsc::channel();
        thread::spawn(move || opened.send(OpenOptions::new().write(true).open(self.0)));
        file.recv_timeout(PATIENCE)
            .expect("a process should read the pipe")
            .unwrap()
    }
}

/// The first `count` senders: `u0`, `u1` and so on.
pub(crate) fn senders(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("u{n}"))
}

/// A CSV of `count` distinct rows.
pub(crate) fn rows(count: usize) -> String {
    senders(count).fold("group,sender\n".to_owned(), |mut text, sender| {
        writeln!(text, "@TGS#1,{sender}").unwrap();
        text
    })
}
