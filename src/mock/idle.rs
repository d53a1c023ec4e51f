//! For how long a connection has been idle: without a request that has been read and whose answer is
//! still to be given.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Since when a connection has been idle.
pub(crate) struct Idle {
    limit: Duration,
    /// None while there is a request to answer.
    since: Cell<Option<Instant>>,
}

/// A request that is being answered until this is dropped: with the body of the answer, or in its
/// place.
pub(crate) struct Busy(Rc<Idle>);

impl Idle {
    /// It is idle from now on, and may be for so long.
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: Cell::new(Some(Instant::now())),
        }
    }

    /// A request has been read. One whose body does not come is none, and keeps no connection open.
    pub(crate) fn end(self: &Rc<Self>) -> Busy {
        self.since.set(None);
        Busy(Rc::clone(self))
    }

    /// Waits until it has lasted for too long. There is one timer, set anew when it goes off, so calls
    /// cost none.
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
