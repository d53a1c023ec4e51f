//! What the event loops of runs and preflights wait for: calls, a point in time, the next tick.

use std::future::{pending, poll_fn};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};

use crate::api::client::Written;

/// How often progress is reported to the monitor.
const TICK: Duration = Duration::from_millis(100);

/// The calls in flight and their events. All requests written are reported before any answer, so
/// when a call ends, it is known whether it was on the wire.
pub(crate) struct InFlight<F: Future> {
    calls: FuturesUnordered<F>,
    /// A call that has ended, held back until all requests written have been reported.
    ended: Option<F::Output>,
    tell: Written,
    written: UnboundedReceiver<u64>,
}

/// An event of a call in flight.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard<T> {
    /// The request of the call with this number has been written.
    Written(u64),
    /// A call has ended, and this is what it returned.
    Ended(T),
}

impl<F: Future> InFlight<F> {
    /// Returns an empty set of calls.
    pub(crate) fn new() -> Self {
        let (tell, written) = unbounded_channel();
        Self {
            calls: FuturesUnordered::new(),
            ended: None,
            tell,
            written,
        }
    }

    /// Adds a call, which must report when its request has been written. It is not polled before
    /// [`next`](Self::next) or [`at_hand`](Self::at_hand).
    pub(crate) fn start(&mut self, call: impl FnOnce(&Written) -> F) {
        self.calls.push(call(&self.tell));
    }

    /// Waits for the next event. Dropping the future before it is ready loses nothing.
    pub(crate) async fn next(&mut self) -> Heard<F::Output> {
        poll_fn(|context| match self.poll(context) {
            Some(heard) => Poll::Ready(heard),
            // There is a sender, so the channel never closes.
            None => self
                .written
                .poll_recv(context)
                .map(|call| Heard::Written(call.expect("the channel is open"))),
        })
        .await
    }

    /// Returns the next event if it has happened already. Doesn't wait.
    pub(crate) fn at_hand(&mut self) -> Option<Heard<F::Output>> {
        self.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Uses `try_recv`, because `poll_recv` may hold back messages when the task has used up its
    /// tokio budget.
    fn poll(&mut self, context: &mut Context<'_>) -> Option<Heard<F::Output>> {
        if let Ok(call) = self.written.try_recv() {
            return Some(Heard::Written(call));
        }
        if self.ended.is_none()
            && let Poll::Ready(ended) = self.calls.poll_next_unpin(context)
        {
            self.ended = ended;
        }
        // Again, because polling the calls may have written a request.
        if let Ok(call) = self.written.try_recv() {
            return Some(Heard::Written(call));
        }
        self.ended.take().map(Heard::Ended)
    }
}

/// Waits until a point in time, or forever if there is none.
pub(crate) async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => pending().await,
    }
}

/// Returns the interval at which progress is reported to the monitor.
pub(crate) fn ticks() -> Interval {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::task::yield_now;

    use super::*;

    /// A call whose request is written at its first poll, and whose answer takes this many more.
    async fn call(number: u64, polls: u32, written: Written) -> u64 {
        written.send(number).expect("the receiver is open");
        for _ in 0..polls {
            yield_now().await;
        }
        number
    }

    #[tokio::test]
    async fn a_written_request_is_reported_before_its_answer() {
        let mut calls = InFlight::new();
        let mut heard = Vec::new();
        for first in [0, 300, 600] {
            for number in first..first + 300 {
                let polls = fastrand::u32(0..3);
                calls.start(|written| call(number, polls, written.clone()));
            }
            heard.push(calls.next().await);
            while let Some(more) = calls.at_hand() {
                heard.push(more);
            }
        }
        while heard.len() < 1_800 {
            heard.push(calls.next().await);
        }
        for number in 0..900 {
            let place = |what| heard.iter().position(|heard| *heard == what);
            let written = place(Heard::Written(number)).expect("it was written");
            let ended = place(Heard::Ended(number)).expect("it was answered");
            assert!(written < ended, "call {number}");
        }
        assert_eq!(calls.at_hand(), None);
    }

    #[tokio::test]
    async fn events_are_returned_even_when_the_tokio_budget_is_used_up() {
        let mut calls = InFlight::new();
        for number in 0..1_000 {
            calls.start(|written| call(number, 0, written.clone()));
        }
        let at_hand = std::iter::from_fn(|| calls.at_hand());
        assert_eq!(at_hand.count(), 2_000);
    }

    #[tokio::test]
    async fn cancelling_a_wait_loses_no_event() {
        let mut calls = InFlight::new();
        assert_eq!(calls.next().now_or_never(), None, "there are no calls");
        calls.start(|written| call(7, 1, written.clone()));
        assert_eq!(calls.next().now_or_never(), Some(Heard::Written(7)));
        assert_eq!(
            calls.next().now_or_never(),
            None,
            "its answer has not arrived"
        );
        assert_eq!(calls.next().await, Heard::Ended(7));
    }
}
