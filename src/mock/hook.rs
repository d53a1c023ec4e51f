//! What a program that embeds the mock does with a request before the service sees it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::HeaderMap;
use tokio::sync::watch;

use super::answer::{How, Outgoing, Reply};

/// Looks at each request first, and may have something else happen than the service would do.
///
/// The mock is one thread, so a hook must not wait: [`Otherwise::after`] and
/// [`Otherwise::behind`] do, and hold up nothing but that one request. What a hook answers has not
/// reached the service: it starts no script and is in no figures but those of connections and, at the
/// path of a command, of calls in flight.
#[derive(Clone)]
pub struct Hook(Arc<dyn Fn(&Call<'_>) -> Otherwise + Send + Sync>);

/// A request as it came, of whatever path but those below `/mock/`.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// `POST`, where all is well.
    pub method: &'a str,
    /// The path, undecoded.
    pub path: &'a str,
    /// What follows the `?`, undecoded; empty where there is none.
    pub query: &'a str,
    /// Names are in lower case.
    pub headers: &'a HeaderMap,
    /// The whole body, at most 64 KiB.
    pub body: &'a [u8],
    /// When the last of it had arrived at the machine; on Linux by the kernel's own time.
    pub arrived: Instant,
    /// The how many-th connection it came over, from 1.
    pub connection: u64,
    /// Its place among all requests that hooks are asked about, from 0.
    pub nth: u64,
}

/// What happens with a request.
#[derive(Clone, Debug, Default)]
pub struct Otherwise {
    instead: Option<Instead>,
    gate: Option<Gate>,
    delay: Duration,
}

/// What happens in the place of the service's answer.
#[derive(Clone, Debug)]
pub enum Instead {
    /// An answer in the service's own form: its code, 0 being success, and its words.
    Code(i64, String),
    /// Exactly these bytes, an answer or not, and then this.
    Bytes(Bytes, Then),
    /// Nothing: the connection is reset.
    Reset,
    /// Nothing, for as long as the caller cares to wait (ten minutes at most).
    Silence,
}

/// What follows on bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// The connection is kept for the next request.
    Keep,
    /// The connection is closed.
    Close,
    /// These again and again, as fast as the caller takes them; after 256 MiB the connection
    /// breaks.
    Repeat(Bytes),
}

/// Holds requests up until it is opened. Clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Hook {
    /// A hook that does this with each request.
    pub fn new(look: impl Fn(&Call<'_>) -> Otherwise + Send + Sync + 'static) -> Self {
        Self(Arc::new(look))
    }

    /// Asks, and waits as long as the request is to be held up; none where the service answers.
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
    /// Nothing special: the service answers.
    pub fn usual() -> Self {
        Self::default()
    }

    /// That, but so much later: counted from the request, or from when its gate is open.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// That, once the gate is open.
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
    /// Lets all through, those that wait and those that come. From any thread.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn passed(&self) {
        // It can't be gone: this is one that holds it.
        drop(self.0.subscribe().wait_for(|open| *open).await);
    }
}

#[cfg(test)]
#[path = "hook_tests.rs"]
mod tests;
