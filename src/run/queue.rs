//! The rows to call: those just read, and those waiting to be retried.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::time::Instant;

use super::outage::Strikes;
use crate::rows::Row;

/// A row that is not settled: just read, waiting to be retried, or in flight.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) row: Row,
    /// The number of its current call.
    pub(super) call: u64,
    /// Its position in reading order.
    pub(super) order: u64,
    /// Calls made.
    pub(super) attempts: u32,
    /// Calls that count towards the maximum; those in an outage don't.
    pub(super) counted: u32,
    /// Faults that other rows did not share.
    pub(super) strikes: Strikes,
    /// The number of the `UserSig` that the call carries.
    pub(super) signature: u32,
    /// How many renewals of the `UserSig` it has caused.
    pub(super) renewals: u32,
    /// Whether a call for it got no real answer but may have taken effect.
    pub(super) may_have_landed: bool,
}

/// The queued rows, in the order in which they may go.
#[derive(Debug)]
pub(super) struct Queue {
    fresh: VecDeque<Job>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    orders: u64,
    dice: fastrand::Rng,
}

/// Where to take the next job from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    /// The first row not called yet.
    NextFresh,
    /// Any row not called yet.
    AnyFresh,
    /// The retry that is due first.
    Retry,
}

/// Which jobs come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// A retry that is due, else the next row.
    RetriesFirst,
    /// The next row, else a retry that is due: while every answer is a fault, a row not called
    /// yet says more about the service.
    FreshFirst,
    /// A random row not called yet, else a retry, due or not. Neighboring rows may share a fault,
    /// for example in a list sorted by group, so a random one says more about the service.
    ProbeFresh,
    /// A retry, due or not, else a random row not called yet. The service may fault the first call
    /// of every row.
    ProbeRetry,
}

impl Queue {
    /// Returns an empty queue. `seed` is for the choice of probes.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            fresh: VecDeque::new(),
            waiting: BinaryHeap::new(),
            orders: 0,
            dice: fastrand::Rng::with_seed(seed),
        }
    }

    /// Adds a row that has just been read.
    pub(super) fn push(&mut self, row: Row) {
        self.fresh.push_back(Job {
            row,
            call: 0,
            order: self.orders,
            attempts: 0,
            counted: 0,
            strikes: Strikes::default(),
            signature: 0,
            renewals: 0,
            may_have_landed: false,
        });
        self.orders += 1;
    }

    /// Adds a row that may be called again from `due` on.
    pub(super) fn push_retry(&mut self, job: Job, due: Instant) {
        self.waiting.push(Reverse(Waiting { due, job }));
    }

    /// Returns where to take the next job from, or else when the first retry is due, if there is
    /// one.
    pub(super) fn choose(&self, order: Order, now: Instant) -> Result<Pick, Option<Instant>> {
        let due = self.waiting.peek().map(|Reverse(first)| first.due);
        let retry = due.map(|_| Pick::Retry);
        let due_retry = due.filter(|due| *due <= now).map(|_| Pick::Retry);
        let fresh = |pick| (!self.fresh.is_empty()).then_some(pick);
        let pick = match order {
            Order::RetriesFirst => due_retry.or(fresh(Pick::NextFresh)),
            Order::FreshFirst => fresh(Pick::NextFresh).or(due_retry),
            Order::ProbeFresh => fresh(Pick::AnyFresh).or(retry),
            Order::ProbeRetry => retry.or(fresh(Pick::AnyFresh)),
        };
        pick.ok_or(due)
    }

    /// Takes the chosen job.
    pub(super) fn take(&mut self, pick: Pick) -> Option<Job> {
        match pick {
            Pick::NextFresh => self.fresh.pop_front(),
            Pick::AnyFresh => self
                .fresh
                .remove(self.dice.usize(..self.fresh.len().max(1))),
            Pick::Retry => self.waiting.pop().map(|Reverse(waiting)| waiting.job),
        }
    }

    /// Returns the number of rows not called yet.
    pub(super) fn fresh_len(&self) -> usize {
        self.fresh.len()
    }

    /// Returns the number of rows waiting to be retried.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether no row is queued.
    pub(super) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.waiting.is_empty()
    }
}

/// A job and when it may go again, ordered by that time, then by reading order.
#[derive(Debug)]
struct Waiting {
    due: Instant,
    job: Job,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.job.order).cmp(&(other.due, other.job.order))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn queue_of(rows: u64) -> Queue {
        let mut queue = Queue::new(7);
        for line in 0..rows {
            queue.push(Row {
                input: None,
                line,
                group: "g".to_owned(),
                sender: line.to_string(),
                topic: String::new(),
            });
        }
        queue
    }

    #[test]
    fn probes_pick_random_rows_and_keep_the_others_in_order() {
        let mut queue = queue_of(1_000);
        let now = Instant::now();
        let pick = queue.choose(Order::ProbeFresh, now).expect("rows");
        let asked: Vec<_> = (0..8)
            .map(|_| queue.take(pick).expect("a row").row.line)
            .collect();
        let span = asked.iter().max().expect("eight") - asked.iter().min().expect("eight");
        assert!(span > 300, "too close together: {asked:?}");
        let left = queue.fresh.iter().map(|job| job.row.line);
        assert!(left.is_sorted());
    }

    #[test]
    fn a_probe_does_not_wait_for_a_retry_to_be_due() {
        let mut queue = queue_of(1);
        let now = Instant::now();
        let job = queue.take(Pick::NextFresh).expect("the row");
        let due = now + Duration::from_secs(30);
        queue.push_retry(job, due);
        assert_eq!(queue.choose(Order::RetriesFirst, now), Err(Some(due)));
        assert_eq!(queue.choose(Order::FreshFirst, now), Err(Some(due)));
        assert_eq!(queue.choose(Order::ProbeFresh, now), Ok(Pick::Retry));
    }
}
