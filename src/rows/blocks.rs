//! Reads an input in blocks, on demand, in bounded memory.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind, Read};

use memchr::memchr;

/// Room for a few of the longest rows, and large enough to keep system calls rare.
const BLOCK: usize = 256 * 1024;

/// The maximum length of a line or quoted record that is read as a row, line end included.
pub(super) const MAX_RECORD: usize = 64 * 1024;

/// The byte order mark in UTF-8.
pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";

/// A window onto an input, over one fixed buffer.
pub(super) struct Blocks<R> {
    input: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    consumed: u64,
    ended: bool,
    /// Whether it may read more, which can block for any time if the input is a pipe.
    may_read: bool,
}

/// The error for a read that was put off.
#[derive(Debug)]
struct PutOff;

impl fmt::Display for PutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rows read so far go first")
    }
}

impl Error for PutOff {}

/// Whether the error only means that reading was put off; nothing was lost.
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

    /// Sets whether it may read more input. While it may not, a call that needs more data fails
    /// with an error that [`is_put_off`] recognizes, and can be repeated later.
    pub(super) fn may_read(&mut self, may_read: bool) {
        self.may_read = may_read;
    }

    /// Fails if it may not read more. For operations that can't be put off once begun.
    pub(super) fn check_may_read(&self) -> io::Result<()> {
        if self.may_read {
            Ok(())
        } else {
            Err(io::Error::new(ErrorKind::WouldBlock, PutOff))
        }
    }

    /// Returns the data that has been read but not consumed.
    pub(super) fn data(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Whether the input ends after [`data`](Self::data).
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Returns the number of bytes consumed since the start.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Moves past the first `count` bytes of [`data`](Self::data).
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        self.consumed += count as u64;
        debug_assert!(self.start <= self.end, "consumed more than is there");
    }

    /// Moves past a byte order mark at the start of the data; returns whether there was one. After
    /// `cat`, later lines may start with one too, which would otherwise become part of an ID.
    pub(super) fn skip_mark(&mut self) -> bool {
        let is_there = self.data().starts_with(MARK);
        if is_there {
            self.consume(MARK.len());
        }
        is_there
    }

    /// Reads more data, unless the input has [`ended`](Self::ended). The data must be shorter than
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

    /// Reads until the data has a whole line and returns its length, line end included: 0 at the
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

    /// Moves past the next line end, however far away it is.
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
    fn an_interrupted_read_is_repeated() {
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
