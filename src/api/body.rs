//! A request body that reports when it goes to the socket, which is the moment that the cap counts.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc::UnboundedSender;

use crate::error::Result;

/// Reports to the loop that the request with this number has been handed to the socket.
pub(crate) type Written = UnboundedSender<u64>;

/// A request body that reports when hyper takes it. hyper then writes it to the socket in one step,
/// so a receiver on the same thread gets the report after the write.
pub(super) struct Body {
    pub(super) bytes: Option<Bytes>,
    pub(super) id: u64,
    pub(super) written: Option<Written>,
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(bytes) = self.bytes.take() else {
            return Poll::Ready(None);
        };
        if let Some(written) = &self.written {
            // After the run, the receiver is gone.
            let _ = written.send(self.id);
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
