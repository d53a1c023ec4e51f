//! Says what is being read if that takes a while, so that the screen does not stay empty.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use super::Screen;

/// The time after which the message is shown.
const SHORT: Duration = Duration::from_secs(2);

/// Guards a slow operation. Drop it when the operation is done.
#[derive(Debug)]
pub struct Patience {
    _until_done: Option<Sender<()>>,
}

impl Screen {
    /// Writes `words` to a terminal if the returned guard has not been dropped after two seconds.
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
