//! A terminal with somebody at it.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// What somebody types.
pub(crate) struct Keyboard(pub(super) File);

impl Keyboard {
    pub(crate) fn types(&mut self, keys: &str) {
        self.0.write_all(keys.as_bytes()).unwrap();
    }
}

/// The near end of a terminal, and the far one for a process.
pub(super) fn terminal() -> (File, File) {
    let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&near).unwrap();
    unlockpt(&near).unwrap();
    let name = ptsname(&near, Vec::new()).unwrap();
    let name = PathBuf::from(name.into_string().unwrap());
    let far = OpenOptions::new().read(true).write(true).open(name);
    (near.into(), far.unwrap())
}
