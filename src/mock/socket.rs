//! A connection that knows when bytes arrived, that says of every answer that it is a mock's or
//! leaves its head out, and that can be cut: closed so that the caller sees a reset.

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

/// Requests are far shorter.
const BLOCK: usize = 4096;

/// What becomes of the head that hyper writes before an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Head {
    /// It goes out.
    #[default]
    Wanted,
    /// It is not to go out: the answer has all it needs, or lacks it on purpose.
    Unwanted,
    /// It has not gone out; what follows does as it is.
    LeftOut,
}

/// A connection; where one of `cuts` is set when it is dropped, the caller sees a reset.
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

    /// What is taken for written of these bytes, where they start with a head that is not to go out.
    fn left_out(&self, bytes: &[u8]) -> Option<usize> {
        if self.head.get() != Head::Unwanted {
            return None;
        }
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        self.head.set(Head::LeftOut);
        Some(end + 4)
    }

    /// The same bytes with our mark, where they need one.
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
            // Where that fails, it ends as usual.
            drop(self.stream.inner().set_zero_linger());
        }
    }
}

/// The name of the header by which a mock is known; its value is 1.
pub(crate) const MOCK: &str = "x-recall-mock";

/// What hyper answers by itself to what it can't read (400, 414, 431), with the mark that ours have.
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
                // Less than there is room for was all there is. It has to be told so: the next try
                // would find it out with a system call in vain.
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
