//! The input in blocks: what is at hand, and more of it on demand, in bounded memory.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind, Read};

use memchr::memchr;

/// Room for a few of the longest rows, and few enough system calls.
const BLOCK: usize = 256 * 1024;

/// The longest line or quoted record that is read as a row, its line end included.
pub(super) const MAX_RECORD: usize = 64 * 1024;

/// A byte order mark in UTF-8.
pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";

/// A window onto an input that moves forward over one fixed buffer.
pub(super) struct Blocks<R> {
    input: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    consumed: u64,
    ended: bool,
    /// Whether it may read on, which may take for ever where the input is a pipe.
    may_read: bool,
}

/// Why reading on was put off.
#[derive(Debug)]
struct PutOff;

impl fmt::Display for PutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rows at hand go first")
    }
}

impl Error for PutOff {}

/// Whether that is all there is to this error: nothing was lost by it.
pub(super) fn is_put_off(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner.is_some_and(|inner| inner.downcast_ref::<PutOff>().is_some())
}

impl<R: Read> Blocks<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            buffer: vec![0; BLOCK].into_boxed_slice(),
            start: 0,
            end: 0,
            consumed: 0,
            ended: false,
            may_read: true,
        }
    }

    /// Says whether it may read on. While it may not, what needs more than is at hand fails with an
    /// error that [is known](is_put_off), and can be tried again.
    pub(super) fn may_read(&mut self, may_read: bool) {
        self.may_read = may_read;
    }

    /// For what can't be put off once it has begun.
    pub(super) fn check_may_read(&self) -> io::Result<()> {
        if self.may_read {
            Ok(())
        } else {
            Err(io::Error::new(ErrorKind::WouldBlock, PutOff))
        }
    }

    /// What has been read and not consumed.
    pub(super) fn data(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Whether nothing follows what is at hand.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Bytes consumed since the start.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Moves past the first `count` bytes of [`data`](Self::data).
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        self.consumed += count as u64;
        debug_assert!(self.start <= self.end, "consumed more than is there");
    }

    /// Moves past a byte order mark that the data starts with; whether there was one. One is not
    /// only at the start of an input: `cat` leaves those of other files at the start of later lines,
    /// where they would be taken for a part of an ID.
    pub(super) fn skip_mark(&mut self) -> bool {
        let is_there = self.data().starts_with(MARK);
        if is_there {
            self.consume(MARK.len());
        }
        is_there
    }

    /// Reads on: more data than before, or [`ended`](Self::ended). Only for data shorter than
    /// [`MAX_RECORD`], so that there is room.
    pub(super) fn fill(&mut self) -> io::Result<()> {
        debug_assert!(self.data().len() < MAX_RECORD, "the buffer has no room");
        self.check_may_read()?;
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while !self.ended {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    self.end += count;
                    break;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads on until a whole line is at hand, and gives its length with its line end: 0 at the
    /// end of the input, `None` if the line is longer than [`MAX_RECORD`].
    pub(super) fn line(&mut self) -> io::Result<Option<usize>> {
        let mut searched = 0;
        loop {
            let window = &self.data()[..self.data().len().min(MAX_RECORD)];
            if let Some(newline) = memchr(b'\n', &window[searched..]) {
                return Ok(Some(searched + newline + 1));
            }
            if window.len() == MAX_RECORD {
                return Ok(None);
            }
            if self.ended {
                return Ok(Some(window.len()));
            }
            searched = window.len();
            self.fill()?;
        }
    }

    /// Moves past the next line end, however far it is.
    pub(super) fn skip_line(&mut self) -> io::Result<()> {
        loop {
            if let Some(newline) = memchr(b'\n', self.data()) {
                self.consume(newline + 1);
                return Ok(());
            }
            self.consume(self.data().len());
            if self.ended {
                return Ok(());
            }
            self.fill()?;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_line_longer_than_the_buffer_is_skipped_within_the_buffer() {
        let huge = io::repeat(b'x').take(64 << 20);
        let mut blocks = Blocks::new(huge.chain(&b"\nnext"[..]));
        blocks.skip_line().unwrap();
        assert_eq!(blocks.line().unwrap(), Some(4));
        assert_eq!(blocks.data(), b"next");
        assert_eq!(blocks.consumed(), (64 << 20) + 1);
        assert_eq!(blocks.buffer.len(), BLOCK);
    }

    #[test]
    fn an_interrupted_read_is_tried_again() {
        struct Interrupted(bool);
        impl Read for Interrupted {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    out[0] = b'x';
                    return Ok(1);
                }
                Err(ErrorKind::Interrupted.into())
            }
        }
        let mut blocks = Blocks::new(Interrupted(false).take(1));
        assert_eq!(blocks.line().unwrap(), Some(1));
    }
}
