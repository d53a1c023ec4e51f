//! The captured output of a process.

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::wait_until;

/// Captures one output stream of a process in the background.
pub(super) struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    pub(super) fn capture(mut from: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let captured = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut block) {
                captured.lock().unwrap().extend_from_slice(&block[..read]);
            }
        });
        Self {
            bytes,
            reader: Some(reader),
        }
    }

    pub(super) fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// The whole output. Waits until the stream is closed.
    #[track_caller]
    pub(super) fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            wait_until("the end of the output", || reader.is_finished());
            reader.join().unwrap();
        }
        self.so_far()
    }
}
