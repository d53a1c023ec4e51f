//! A request's body that tells when it goes to the socket, which is what the cap is counted by.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc::UnboundedSender;

use crate::error::Result;

/// Tells the loop that the request with this number has been handed to the socket.
pub(crate) type Written = UnboundedSender<u64>;

/// A request's body that tells when it is handed over: hyper takes it and writes to the socket
/// in one go, so whoever hears of it on the same thread hears it after the write.
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
            // Nobody listens any more when the run is over; then nobody needs to know.
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
