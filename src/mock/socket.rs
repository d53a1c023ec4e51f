//! A connection that records when bytes arrived, marks every answer as a mock's or leaves out its
//! head, and can be cut: closed so that the caller sees a reset.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::arrival::Arrival;

/// How much to read at once. Requests are far shorter.
const BLOCK: usize = 4096;

/// What happens to the head that hyper writes before an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Head {
    /// It is sent.
    #[default]
    Wanted,
    /// It should be left out: the answer brings its own head, or lacks one on purpose.
    Unwanted,
    /// It was left out; the bytes that follow are sent unchanged.
    LeftOut,
}

/// A connection. If any of `cuts` is set when it is dropped, the caller sees a reset.
pub(crate) struct Socket {
    stream: TokioIo<TcpStream>,
    cuts: [Rc<Cell<bool>>; 2],
    head: Rc<Cell<Head>>,
    arrival: Rc<Arrival>,
}

impl Socket {
    pub(crate) fn new(
        stream: TcpStream,
        cuts: [Rc<Cell<bool>>; 2],
        head: Rc<Cell<Head>>,
        arrival: Rc<Arrival>,
    ) -> Self {
        Self {
            stream: TokioIo::new(stream),
            cuts,
            head,
            arrival,
        }
    }

    /// If these bytes start with a head to leave out, returns its length, to be reported as
    /// written.
    fn left_out(&self, bytes: &[u8]) -> Option<usize> {
        if self.head.get() != Head::Unwanted {
            return None;
        }
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        self.head.set(Head::LeftOut);
        Some(end + 4)
    }

    /// Returns the bytes with the mock's mark if they need one.
    fn marked(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self.head.get() {
            Head::LeftOut => None,
            Head::Wanted | Head::Unwanted => marked(bytes),
        }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut TokioIo<TcpStream>> {
        Pin::new(&mut self.get_mut().stream)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.cuts.iter().any(|cut| cut.get()) {
            // If this fails, the connection ends as usual.
            drop(self.stream.inner().set_zero_linger());
        }
    }
}

/// The name of the header that marks answers of a mock; its value is 1.
pub(crate) const MOCK: &str = "x-recall-mock";

/// Adds the mock's mark to an answer that hyper generates for a request it can't read (400, 414,
/// 431).
fn marked(head: &[u8]) -> Option<Vec<u8>> {
    if !head.starts_with(b"HTTP/1.") || head.get(9) != Some(&b'4') {
        return None;
    }
    let text = std::str::from_utf8(head).ok()?;
    let (status, rest) = text.split_once("\r\n")?;
    let bare = !rest.contains(MOCK);
    bare.then(|| format!("{status}\r\n{MOCK}: 1\r\n{rest}").into_bytes())
}

impl Read for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.stream.inner();
        let mut block = [0; BLOCK];
        let block = &mut block[..BLOCK.min(buffer.remaining())];
        loop {
            ready!(stream.poll_read_ready(cx))?;
            let mut read = None;
            let tried = stream.try_io(Interest::READABLE, || {
                let count = self.arrival.receive(stream, block)?;
                read = Some(count);
                // A read that does not fill the block emptied the socket. Returning `WouldBlock`
                // tells tokio so, which saves a futile system call.
                let drained = (1..block.len()).contains(&count);
                (!drained)
                    .then_some(())
                    .ok_or(io::ErrorKind::WouldBlock.into())
            });
            match (read, tried) {
                (Some(count), _) => {
                    buffer.put_slice(&block[..count]);
                    return Poll::Ready(Ok(()));
                }
                (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(error));
                }
                (None, _) => {}
            }
        }
    }
}

impl Write for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(left_out) = self.left_out(bytes) {
            return Poll::Ready(Ok(left_out));
        }
        let Some(marked) = self.marked(bytes) else {
            return self.stream().poll_write(cx, bytes);
        };
        let written = ready!(self.stream().poll_write(cx, &marked))?;
        let added = marked.len() - bytes.len();
        Poll::Ready(Ok(written.saturating_sub(added)))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices.first() {
            Some(head) if self.head.get() == Head::Unwanted || self.marked(head).is_some() => {
                self.poll_write(cx, head)
            }
            _ => self.stream().poll_write_vectored(cx, slices),
        }
    }
}
