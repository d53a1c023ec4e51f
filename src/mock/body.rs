//! The bodies of answers, including faulty ones.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use super::idle::Busy;
use super::server::Cut;

/// What an endless answer repeats.
static FILLER: [u8; 16 * 1024] = [b' '; 16 * 1024];

/// Even an endless answer ends after this many bytes.
const ENDLESS_LIMIT: usize = 256 * 1024 * 1024;

/// How long a slow answer takes for each byte.
const BYTE_PAUSE: Duration = Duration::from_millis(500);

/// A body being sent. Its connection counts as busy until this is dropped.
pub(crate) struct TrackedBody {
    body: AnswerBody,
    _busy: Busy,
}

impl TrackedBody {
    pub(crate) fn new(body: AnswerBody, busy: Busy) -> Self {
        Self { body, _busy: busy }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

/// The body of an answer.
pub(crate) enum AnswerBody {
    /// All at once.
    Whole(Option<Bytes>),
    /// The first half; then the connection breaks.
    Half {
        rest: Option<Bytes>,
        whole: u64,
        written: bool,
    },
    /// A start, then the filler repeated, as fast as the caller reads.
    Endless {
        start: Option<Bytes>,
        filler: Bytes,
        rest: usize,
    },
    /// One byte at a time.
    Slow { rest: Bytes, pause: Pin<Box<Sleep>> },
}

impl AnswerBody {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes))
    }

    pub(crate) fn half(bytes: &Bytes) -> Self {
        Self::Half {
            rest: Some(bytes.slice(..bytes.len() / 2)),
            whole: bytes.len() as u64,
            written: false,
        }
    }

    pub(crate) fn endless() -> Self {
        Self::repeating(Bytes::new(), Bytes::from_static(&FILLER))
    }

    /// Sends the start, then repeats the filler.
    pub(crate) fn repeating(start: Bytes, filler: Bytes) -> Self {
        Self::Endless {
            // An empty filler would never reach the limit.
            rest: if filler.is_empty() { 0 } else { ENDLESS_LIMIT },
            start: Some(start),
            filler,
        }
    }

    pub(crate) fn slow(bytes: Bytes) -> Self {
        Self::Slow {
            rest: bytes,
            pause: Box::pin(tokio::time::sleep(BYTE_PAUSE)),
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let bytes = match self.get_mut() {
            Self::Whole(rest) => rest.take(),
            Self::Half { rest, written, .. } => match rest.take() {
                Some(half) => Some(half),
                None if *written => return Poll::Ready(Some(Err(Cut))),
                // hyper flushes its buffer only when the body is pending.
                None => {
                    *written = true;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            },
            Self::Endless {
                start,
                filler,
                rest,
            } => match start.take() {
                Some(start) => Some(start),
                None if *rest == 0 => return Poll::Ready(Some(Err(Cut))),
                None => {
                    *rest = rest.saturating_sub(filler.len());
                    Some(filler.clone())
                }
            },
            Self::Slow { rest, pause } if !rest.is_empty() => {
                std::task::ready!(pause.as_mut().poll(cx));
                let next = pause.deadline() + BYTE_PAUSE;
                pause.as_mut().reset(next);
                Some(rest.split_to(1))
            }
            Self::Slow { .. } => None,
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(rest) => SizeHint::with_exact(length(rest.as_ref())),
            Self::Half { whole, .. } => SizeHint::with_exact(*whole),
            Self::Slow { rest, .. } => SizeHint::with_exact(length(Some(rest))),
            Self::Endless { .. } => SizeHint::default(),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }
}

fn length(bytes: Option<&Bytes>) -> u64 {
    bytes.map_or(0, |bytes| bytes.len() as u64)
}
