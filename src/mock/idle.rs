//! How long a connection has been idle, that is, without a request that was read and not yet fully
//! answered.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Tracks how long a connection has been idle.
pub(crate) struct Idle {
    limit: Duration,
    /// `None` while a request is being answered.
    since: Cell<Option<Instant>>,
}

/// Marks a connection as busy until this is dropped, together with the body of the answer if there
/// is one.
pub(crate) struct Busy(Rc<Idle>);

impl Idle {
    /// The connection is idle from now on, and may be for at most `limit`.
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: Cell::new(Some(Instant::now())),
        }
    }

    /// Ends the idle time because a request was read whole. A request whose body never arrives does
    /// not keep a connection open.
    pub(crate) fn end(self: &Rc<Self>) -> Busy {
        self.since.set(None);
        Busy(Rc::clone(self))
    }

    /// Waits until the connection has been idle for too long. The single timer is reset only when
    /// it fires, so a call needs no timer.
    pub(crate) async fn lasts_too_long(&self) {
        let mut left = self.limit;
        while !left.is_zero() {
            tokio::time::sleep(left).await;
            let idle = self.since.get().map(|since| since.elapsed());
            left = self.limit.saturating_sub(idle.unwrap_or_default());
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.since.set(Some(Instant::now()));
    }
}
