//! Counts the bytes read from an input.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A shared count of bytes read.
#[derive(Clone, Default)]
pub(super) struct Count(Arc<AtomicU64>);

impl Count {
    /// Wraps an input to count the bytes read from it.
    pub(super) fn count<R>(&self, input: R) -> Counted<R> {
        let count = self.clone();
        Counted { input, count }
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Returns the number of bytes read so far.
    pub(super) fn so_far(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// An input whose bytes are counted.
pub(super) struct Counted<R> {
    input: R,
    count: Count,
}

impl<R> Counted<R> {
    /// Returns the number of bytes read so far.
    pub(super) fn so_far(&self) -> u64 {
        self.count.so_far()
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(out)?;
        self.count.add(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.count.add(amount);
        self.input.consume(amount);
    }
}
