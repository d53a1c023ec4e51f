//! What is being read, told when that takes a while: nobody should look at an empty screen.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use super::Screen;

/// What is read in this time needs no word.
const SHORT: Duration = Duration::from_secs(2);

/// Goes away when what takes so long has been done.
#[derive(Debug)]
pub struct Patience {
    _until_done: Option<Sender<()>>,
}

impl Screen {
    /// Writes `words` when this is a terminal and what is returned still lives after two seconds.
    pub fn patience(&self, words: String) -> Patience {
        if !self.can_draw() {
            return Patience { _until_done: None };
        }
        let (until_done, done) = mpsc::channel::<()>();
        let screen = self.clone();
        thread::spawn(move || {
            if done.recv_timeout(SHORT) == Err(RecvTimeoutError::Timeout) {
                screen.line(&words);
            }
        });
        Patience {
            _until_done: Some(until_done),
        }
    }
}
