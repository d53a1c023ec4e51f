//! What a process says.

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::until;

/// What a process has written so far.
pub(super) struct Heard {
    bytes: Arc<Mutex<Vec<u8>>>,
    listener: Option<JoinHandle<()>>,
}

impl Heard {
    pub(super) fn listen(mut from: impl Read + Send + 'static) -> Self {
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

    pub(super) fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// All of it, once nobody can add to it any more.
    #[track_caller]
    pub(super) fn all(&mut self) -> String {
        if let Some(listener) = self.listener.take() {
            until("the end of what is said", || listener.is_finished());
            listener.join().unwrap();
        }
        self.so_far()
    }
}
