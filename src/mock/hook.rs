//! Hooks: let a program that embeds the mock handle a request before the service sees it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::HeaderMap;
use tokio::sync::watch;

use super::answer::{How, Outgoing, Reply};

/// Sees each request first and may replace the service's answer.
///
/// The mock runs on one thread, so a hook must not block. [`Otherwise::after`] and
/// [`Otherwise::behind`] wait instead, and hold up only that one request. A request that a hook
/// answers does not reach the service: it starts no script and counts only towards connections and,
/// at the path of a command, calls in flight.
#[derive(Clone)]
pub struct Hook(Arc<dyn Fn(&Call<'_>) -> Otherwise + Send + Sync>);

/// A request as received, at any path except those below `/mock/`.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The method; a correct call uses `POST`.
    pub method: &'a str,
    /// The path, not decoded.
    pub path: &'a str,
    /// The query after the `?`, not decoded; empty if there is none.
    pub query: &'a str,
    /// The headers, with names in lower case.
    pub headers: &'a HeaderMap,
    /// The whole body, at most 64 KiB.
    pub body: &'a [u8],
    /// When its last byte arrived at the machine; on Linux, as timestamped by the kernel.
    pub arrived: Instant,
    /// The number of its connection, from 1.
    pub connection: u64,
    /// Its position among all requests passed to the hook, from 0.
    pub nth: u64,
}

/// What a hook decides for a request.
#[derive(Clone, Debug, Default)]
pub struct Otherwise {
    instead: Option<Instead>,
    gate: Option<Gate>,
    delay: Duration,
}

/// What happens instead of the service's answer.
#[derive(Clone, Debug)]
pub enum Instead {
    /// An answer in the service's format: a code, 0 for success, and an error text.
    Code(i64, String),
    /// Exactly these bytes, valid HTTP or not, and what follows them.
    Bytes(Bytes, Then),
    /// No answer: the connection is reset.
    Reset,
    /// No answer for as long as the caller waits, ten minutes at most.
    Silence,
}

/// What follows the bytes of [`Instead::Bytes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// The connection stays open for the next request.
    Keep,
    /// The connection is closed.
    Close,
    /// These bytes are repeated as fast as the caller reads; after 256 MiB the connection breaks.
    Repeat(Bytes),
}

/// Holds up requests until it is opened. Clones share the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Hook {
    /// Creates a hook that calls `look` for each request.
    pub fn new(look: impl Fn(&Call<'_>) -> Otherwise + Send + Sync + 'static) -> Self {
        Self(Arc::new(look))
    }

    /// Calls the hook and waits while it holds up the request. Returns `None` if the service should
    /// answer.
    pub(crate) async fn ask(&self, call: &Call<'_>) -> Option<Outgoing> {
        let otherwise = (self.0)(call);
        if let Some(gate) = &otherwise.gate {
            gate.passed().await;
        }
        if !otherwise.delay.is_zero() {
            tokio::time::sleep(otherwise.delay).await;
        }
        otherwise.instead.map(Instead::outgoing)
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

impl Otherwise {
    /// Lets the service answer as usual.
    pub fn usual() -> Self {
        Self::default()
    }

    /// Adds a delay, counted from the request or from when its gate opens.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Holds up the request until the gate is open.
    #[must_use]
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }
}

impl From<Instead> for Otherwise {
    fn from(instead: Instead) -> Self {
        Self {
            instead: Some(instead),
            ..Self::default()
        }
    }
}

impl Instead {
    fn outgoing(self) -> Outgoing {
        match self {
            Self::Code(code, info) => (How::Json, Reply::say(code, info).body()),
            Self::Bytes(bytes, then) => (How::Exact(then), bytes),
            Self::Reset => (How::Reset, Bytes::new()),
            Self::Silence => (How::Hang, Bytes::new()),
        }
    }
}

impl Gate {
    /// Opens the gate for waiting and future requests. May be called from any thread.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn passed(&self) {
        // This can't fail: `self` keeps the sender alive.
        drop(self.0.subscribe().wait_for(|open| *open).await);
    }
}

#[cfg(test)]
#[path = "hook_tests.rs"]
mod tests;
