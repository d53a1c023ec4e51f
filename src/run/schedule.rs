//! Decides which row goes next and what becomes of it, in one plain value. [`answers`] decides what
//! follows from an answer.
//!
//! It owns no clock, task or socket. The loop reports what happened and when; the schedule returns
//! what may happen [`next`](Schedule::next) and queues [`Effect`]s to carry out. So hours of
//! running, outages and stalls are tested in milliseconds.

mod answers;

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use super::guard::Guard;
use super::intake::{Intake, Taken};
use super::news::PaceNews;
use super::outage::{Allowed, Outage};
use super::pace::Pace;
use super::plan::Plan;
use super::queue::{Job, Order, Pick, Queue};
use super::retry::Retry;
use super::seen::Seen;
use super::signature::Signature;
use super::steps::{Effect, Limit, Next, Stop};
use super::tally::Tally;
use super::unrecorded::Unrecorded;
use super::window::Shut;
use crate::monitor::{Notice, State};
use crate::outcome::Entry;
use crate::rows::Batch;

/// Rows read ahead of their calls. More would only cost memory, except in an outage: there, a row
/// from far away says more than a neighbor of those with faults, so as many are read as may wait.
const READ_AHEAD: usize = 512;
/// The number of rows waiting to be retried at which reading pauses.
const MAX_WAITING: usize = 10_000;
/// The number of entries on their way to disk at which reading pauses.
const MAX_UNRECORDED: usize = 4_096;

/// The state of a run.
#[derive(Debug)]
pub(super) struct Schedule {
    plan: Plan,
    intake: Intake,
    queue: Queue,
    in_flight: usize,
    unrecorded: Unrecorded,
    calls: u64,
    pace: Pace,
    retry: Retry,
    outage: Outage,
    guard: Guard,
    signature: Signature,
    news: PaceNews,
    /// Since when the next call has needed only its permit.
    ready: Option<Instant>,
    stop: Option<Stop>,
    tally: Tally,
    effects: VecDeque<Effect>,
}

impl Schedule {
    /// Returns a run that has not begun. `can_renew`: whether an expired `UserSig` can be renewed.
    /// `seed` is for the jitter and the choice of probes.
    pub(super) fn new(mut plan: Plan, can_renew: bool, seed: u64, now: Instant) -> Self {
        Self {
            intake: Intake::new(plan.limit, plan.groups.take(), plan.agreed),
            queue: Queue::new(seed),
            in_flight: 0,
            unrecorded: Unrecorded::default(),
            calls: 0,
            pace: Pace::new(plan.rate, plan.before, now),
            retry: Retry::new(plan.max_attempts.get(), seed),
            outage: Outage::new(plan.max_outage),
            guard: Guard::new(plan.max_failures),
            signature: Signature::first(can_renew),
            news: PaceNews::default(),
            ready: None,
            stop: None,
            tally: Tally::default(),
            effects: VecDeque::new(),
            plan,
        }
    }

    /// Returns the known rows. Those that an earlier run settled must be added before the first row
    /// of the input.
    pub(super) fn seen(&mut self) -> &mut Seen {
        self.intake.seen()
    }

    /// Whether rows should be read. Stays false once the input has ended or the run stops.
    pub(super) fn wants_rows(&self) -> bool {
        let ahead = match self.outage.since() {
            Some(_) => MAX_WAITING,
            None => READ_AHEAD,
        };
        self.intake.is_open()
            && self.queue.fresh_len() < ahead
            && self.queue.waiting() < MAX_WAITING
            && self.unrecorded.entries() < MAX_UNRECORDED
    }

    /// Takes in a batch of rows.
    pub(super) fn offer(&mut self, batch: &Batch) {
        for taken in self.intake.take(batch, &mut self.tally) {
            match taken {
                Taken::Row(row) => self.queue.push(row),
                Taken::Entry(entry) => self.record(entry),
            }
        }
    }

    /// The input has no more rows.
    pub(super) fn input_ended(&mut self) {
        self.intake.close();
    }

    /// Decides what may happen now.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        let next = self.decide(now);
        // Only waiting for the cap may count as lag.
        if let Next::Until(_, limit) | Next::Wait(limit) = &next
            && *limit != Limit::Cap
        {
            self.ready = None;
        }
        next
    }

    fn decide(&mut self, now: Instant) -> Next {
        let allowed = self.outage.allows(now);
        self.stop_if_due(allowed, now);
        if self.stop.is_some() || self.nothing_left() {
            return if self.in_flight == 0 {
                Next::Done
            } else {
                Next::Wait(Limit::Retries)
            };
        }
        if self.in_flight + self.unrecorded.calls() >= self.plan.concurrency.get() {
            return Next::Wait(Limit::Concurrency);
        }
        let order = match allowed {
            Allowed::NoneUntil(at) => return Next::Until(at, Limit::Service),
            Allowed::Probe if self.in_flight > 0 => return Next::Wait(Limit::Service),
            // Alternately: fresh rows help if a list begins with broken groups, retries if the
            // service faults the first call of every row.
            Allowed::Probe if self.outage.probes().is_multiple_of(2) => Order::ProbeFresh,
            Allowed::Probe => Order::ProbeRetry,
            Allowed::All if self.outage.suspected() => Order::FreshFirst,
            Allowed::All => Order::RetriesFirst,
            Allowed::GiveUp => unreachable!("the run has already been stopped"),
        };
        match self.queue.choose(order, now) {
            Ok(pick) => self.call(pick, now),
            Err(due) => self.wait_for_row(due),
        }
    }

    /// Stops a run whose service has been out for too long, or whose input has grown.
    fn stop_if_due(&mut self, allowed: Allowed, now: Instant) {
        if allowed == Allowed::GiveUp {
            let lasted = self
                .outage
                .since()
                .map_or(Duration::ZERO, |since| now - since);
            self.stop(Stop::Outage { lasted });
        }
        // A call in flight may yet bring its row back for another attempt.
        if self.nothing_left()
            && self.in_flight == 0
            && let Some(stop) = self.intake.closed_before().cloned()
        {
            self.stop(stop);
        }
    }

    /// No row may go: waits for more rows, or until the first retry is due.
    fn wait_for_row(&self, due: Option<Instant>) -> Next {
        let limit = if self.wants_rows() {
            Limit::Input
        } else {
            Limit::Retries
        };
        due.map_or(Next::Wait(limit), |due| Next::Until(due, limit))
    }

    /// Starts the call of the picked row, if it gets its permit.
    fn call(&mut self, pick: Pick, now: Instant) -> Next {
        let ready = *self.ready.get_or_insert(now);
        let taken = self.pace.take(self.calls, now);
        self.report_pace(now);
        let limit = match self.pace.lowered_to() {
            Some(_) => Limit::Service,
            None => Limit::Cap,
        };
        match taken {
            Err(Shut::Until(at)) => Next::Until(at, limit),
            Err(Shut::UntilWritten) => Next::Wait(limit),
            Ok(permit) => {
                if self.plan.rate.is_some() {
                    self.tally
                        .started(now.saturating_duration_since(permit.max(ready)));
                }
                let job = self
                    .queue
                    .take(pick)
                    .expect("the picked job is in the queue");
                Next::Call(self.start(job, now))
            }
        }
    }

    fn start(&mut self, mut job: Job, now: Instant) -> Job {
        job.call = self.calls;
        job.attempts += 1;
        job.signature = self.signature.number();
        self.calls += 1;
        self.in_flight += 1;
        self.outage.called(now);
        self.tally.calls += 1;
        self.tally.retries += u64::from(job.attempts > 1);
        job
    }

    /// The request of a call has been written to its connection.
    pub(super) fn written(&mut self, call: u64, now: Instant) {
        self.pace.written(call, now);
    }

    fn record(&mut self, entry: Entry<'static>) {
        self.unrecorded.push(&entry);
        self.effects.push_back(Effect::Record(entry));
    }

    /// This many entries have reached the file.
    pub(super) fn recorded(&mut self, entries: usize) {
        self.unrecorded.recorded(entries);
    }

    /// Stops new calls from now on. If there are several reasons, the first one is reported.
    pub(super) fn stop(&mut self, stop: Stop) {
        self.intake.close();
        self.stop.get_or_insert(stop);
    }

    /// Returns the maximum number of calls in any second, if there is one.
    pub(super) fn rate(&self) -> Option<NonZeroU32> {
        self.plan.rate
    }

    /// Returns how many more rows may be taken, if there is a limit.
    pub(super) fn to_take(&self) -> Option<u64> {
        self.intake.to_take()
    }

    /// Returns the next effect to carry out, oldest first.
    pub(super) fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Returns why the run ended early, if it did.
    pub(super) fn stopped(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// Returns the counts so far.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Returns the counts at the end. Rows whose entries did not reach the file are not settled.
    pub(super) fn into_tally(mut self) -> Tally {
        for entry in self.unrecorded.into_entries() {
            self.tally.unsettle(entry);
        }
        self.tally
    }

    /// Returns how many rows settled by earlier runs have not appeared in the input yet.
    pub(super) fn settled_unmet(&self) -> u64 {
        self.intake.settled_unmet()
    }

    /// Returns what the run is doing.
    pub(super) fn state(&self, now: Instant) -> State {
        if self.stop.is_some() {
            return State::Stopping;
        }
        if let Some(since) = self.outage.since() {
            let lasted = now - since;
            return State::Out {
                lasted,
                gives_up_in: self.outage.longest().saturating_sub(lasted),
            };
        }
        if !self.intake.is_open() && self.queue.fresh_len() == 0 {
            return State::Finishing;
        }
        match self.pace.lowered_to() {
            Some(to) => State::Slowed { to },
            None => State::Calling,
        }
    }

    /// Returns the number of rows waiting to be retried.
    pub(super) fn retrying(&self) -> usize {
        self.queue.waiting()
    }

    /// Returns the number of calls in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Returns the pace, for its figures.
    pub(super) fn pace(&mut self) -> &mut Pace {
        &mut self.pace
    }

    fn nothing_left(&self) -> bool {
        !self.intake.is_open() && self.queue.is_empty()
    }

    fn tell(&mut self, notice: Notice) {
        self.effects.push_back(Effect::Tell(notice));
    }

    fn report_pace(&mut self, now: Instant) {
        if let Some(notice) = self.news.of(self.pace.lowered_to(), now) {
            self.tell(notice);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use jiff::Timestamp;

    use super::*;
    use crate::api::codes;
    use crate::api::reply::Reply;
    use crate::rows::BadRow;
    use crate::run::guard::MaxFailures;
    use crate::run::steps::Answer;

    /// Returns a schedule with no cap, and without holding off.
    fn schedule() -> Schedule {
        let plan = Plan {
            rate: None,
            concurrency: NonZeroUsize::MAX,
            max_outage: Duration::ZERO,
            max_failures: MaxFailures::Any,
            ..Plan::default()
        };
        Schedule::new(plan, true, 1, Instant::now())
    }

    #[test]
    fn reading_pauses_while_too_many_entries_are_on_their_way_to_disk() {
        let mut schedule = schedule();
        let mut batch = Batch::default();
        for line in 0..MAX_UNRECORDED as u64 {
            assert!(schedule.wants_rows());
            batch.clear();
            batch.push_bad(BadRow {
                input: None,
                line,
                reason: format!("bad row {line}"),
            });
            schedule.offer(&batch);
        }
        assert!(!schedule.wants_rows());
        schedule.recorded(1);
        assert!(schedule.wants_rows());
    }

    #[test]
    fn reading_pauses_while_too_many_rows_wait_to_be_retried() {
        let mut schedule = schedule();
        let now = Instant::now();
        let mut batch = Batch::default();
        for line in 0..MAX_WAITING as u64 {
            assert!(schedule.wants_rows(), "at {line}");
            batch.clear();
            batch.push(None, line, ["g", &line.to_string(), ""]);
            schedule.offer(&batch);
            let Next::Call(job) = schedule.next(now) else {
                panic!("the row should be called");
            };
            let reply = Reply {
                code: 10002,
                verdict: codes::look_up(10002).verdict,
                info: String::new(),
            };
            let answer = Answer {
                reply,
                sent_at: Timestamp::UNIX_EPOCH,
                took: Duration::ZERO,
            };
            schedule.answered(job, answer, now);
        }
        assert_eq!(schedule.retrying(), MAX_WAITING);
        assert!(!schedule.wants_rows());
    }
}
