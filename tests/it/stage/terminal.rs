//! A pseudo-terminal for the command.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::wait_until;

const ROWS: u16 = 24;

/// The user's side of a terminal: types keys and sees the screen.
pub(crate) struct Terminal {
    near: File,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Terminal {
    /// Opens a terminal of this width. Returns it with the end for the process.
    pub(super) fn open(columns: u16) -> (Self, File) {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&near).unwrap();
        unlockpt(&near).unwrap();
        let name = ptsname(&near, Vec::new()).unwrap();
        let name = PathBuf::from(name.into_string().unwrap());
        let far = OpenOptions::new().read(true).write(true).open(name);
        let (rows, width) = size(columns);
        let terminal = Self {
            near: near.into(),
            screen: Arc::new(Mutex::new(vt100::Parser::new(rows, width, 0))),
        };
        terminal.resize(columns);
        (terminal, far.unwrap())
    }

    pub(crate) fn type_keys(&mut self, keys: &str) {
        self.near.write_all(keys.as_bytes()).unwrap();
    }

    /// Resizes the window to this width. Longer lines are cut off.
    pub(crate) fn resize(&self, columns: u16) {
        let (rows, width) = size(columns);
        self.screen().screen_mut().set_size(rows, width);
        let size = Winsize {
            ws_row: ROWS,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.near, size).unwrap();
    }

    /// Returns a reader of the process's output that also updates the screen.
    pub(super) fn watch(&self) -> impl Read + Send + 'static {
        Watched {
            near: self.near.try_clone().unwrap(),
            screen: Arc::clone(&self.screen),
        }
    }

    /// The lines on the screen, without the empty ones at the end. A wrapped line counts as two.
    pub(crate) fn lines(&self) -> Vec<String> {
        let parser = self.screen();
        let (_, columns) = parser.screen().size();
        let rows = parser.screen().rows(0, columns.get());
        let mut lines: Vec<_> = rows.map(|row| row.trim_end().to_owned()).collect();
        while lines.pop_if(|line| line.is_empty()).is_some() {}
        lines
    }

    /// Waits until one line on the screen contains this, and returns all lines.
    #[track_caller]
    pub(crate) fn wait_until_it_shows(&self, words: &str) -> Vec<String> {
        wait_until(words, || {
            self.lines().iter().any(|line| line.contains(words))
        });
        self.lines()
    }

    /// The screen cell by cell, with colours.
    pub(crate) fn screen(&self) -> MutexGuard<'_, vt100::Parser> {
        self.screen.lock().unwrap()
    }
}

fn size(columns: u16) -> (NonZero<u16>, NonZero<u16>) {
    (NonZero::new(ROWS).unwrap(), NonZero::new(columns).unwrap())
}

struct Watched {
    near: File,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Read for Watched {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let read = self.near.read(block)?;
        self.screen.lock().unwrap().process(&block[..read]);
        Ok(read)
    }
}
