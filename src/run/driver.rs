//! The loop that acts: it starts calls, takes in rows and answers, sleeps and records.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;

use super::feed::{Extent, Feed};
use super::forecast::{Forecast, to_call};
use super::in_flight::{Heard, InFlight, ticks, until};
use super::queue::Job;
use super::schedule::Schedule;
use super::steps::{Answer, Effect, Limit, Next, Stop};
use super::{End, Finished};
use crate::api::client::{Client, Written};
use crate::api::usersig;
use crate::error::{Error, Result};
use crate::ledger::Ledger;
use crate::monitor::{Monitor, Notice, Progress, State, Total};
use crate::rows::Batch;

/// A run and everything it owns.
pub(super) struct Driver<'a> {
    schedule: Schedule,
    feed: Feed,
    client: Client,
    ledger: Ledger,
    pub(super) monitor: &'a mut dyn Monitor,
    interrupts: UnboundedReceiver<()>,
    begun: Instant,
    recorded: usize,
    bytes_read: u64,
    warned_usersig_ends: bool,
    asked_to_stop: bool,
    forecast: Forecast,
    input: Input,
    waited: BTreeMap<Limit, Duration>,
}

/// How far the input has been read.
enum Input {
    Open,
    Ended,
    Broken(Error),
}

impl<'a> Driver<'a> {
    pub(super) fn new(
        schedule: Schedule,
        feed: Feed,
        client: Client,
        ledger: Ledger,
        monitor: &'a mut dyn Monitor,
        interrupts: UnboundedReceiver<()>,
    ) -> Self {
        let begun = Instant::now();
        Self {
            schedule,
            feed,
            client,
            ledger,
            monitor,
            interrupts,
            begun,
            forecast: Forecast::new(begun),
            recorded: 0,
            bytes_read: 0,
            warned_usersig_ends: false,
            asked_to_stop: false,
            input: Input::Open,
            waited: BTreeMap::new(),
        }
    }

    /// Loops until every row is settled, or the run is stopped and nothing is in flight.
    pub(super) async fn run(&mut self) {
        let mut calls = InFlight::new();
        let mut ticks = ticks();
        loop {
            // A UserSig expires by the wall clock; `Instant` stands still while a machine sleeps.
            if self.client.credentials().should_renew(usersig::now()) {
                self.schedule.renew_in_time();
            }
            // First, so that a call that starts now carries the renewed UserSig.
            self.carry_out();
            let (wake, limit) = loop {
                match self.schedule.next(Instant::now()) {
                    Next::Call(job) => {
                        calls.start(|written| call(&mut self.client, job, written));
                    }
                    Next::Until(at, limit) => break (Some(at), limit),
                    Next::Wait(limit) => break (None, limit),
                    Next::Done => {
                        self.carry_out();
                        return;
                    }
                }
            };
            self.carry_out();
            let slept_from = Instant::now();
            tokio::select! {
                biased;
                heard = calls.next() => self.hear(heard),
                recorded = self.ledger.recorded() => match recorded {
                    Some(recorded) => self.schedule.recorded(recorded - std::mem::replace(&mut self.recorded, recorded)),
                    // The ledger can no longer be written; `finish` returns why.
                    None => return,
                },
                Some(()) = self.interrupts.recv() => {
                    if std::mem::replace(&mut self.asked_to_stop, true) {
                        return;
                    }
                    self.schedule.stop(Stop::Interrupted);
                    self.monitor.notice(&Notice::Stopping { in_flight: self.schedule.in_flight() });
                }
                batch = self.feed.next(), if self.schedule.wants_rows() => self.take(batch),
                () = until(wake) => {}
                _ = ticks.tick() => self.report_progress(),
            }
            // The schedule gets all pending events before it is asked again, and the ledger gets
            // their entries together.
            while let Some(heard) = calls.at_hand() {
                self.hear(heard);
            }
            *self.waited.entry(limit).or_default() += slept_from.elapsed();
        }
    }

    /// Completes the ledger, and returns the result of the run.
    pub(super) fn finish(mut self) -> Finished {
        let read_all = matches!(self.input, Input::Ended);
        let stopped = self.schedule.stopped().cloned();
        let recorded = self.ledger.counter();
        let end = match (self.ledger.finish(), stopped, self.input) {
            (Err(error), _, _) => End::Ledger(error),
            // The stop comes first: a resumed run meets the broken input again.
            (Ok(()), Some(stop), _) => End::Stopped(stop),
            (Ok(()), None, Input::Broken(error)) => End::Input(error),
            (Ok(()), None, Input::Open | Input::Ended) => End::Done,
        };
        self.schedule.recorded(recorded() - self.recorded);
        Finished {
            worst_second: self.schedule.pace().worst_second(),
            last_second: self.schedule.pace().carry_over(Instant::now()),
            elapsed: self.begun.elapsed(),
            waited: self.waited,
            tally: self.schedule.into_tally(),
            read_all,
            end,
        }
    }

    fn hear(&mut self, heard: Heard<(Job, Answer)>) {
        let now = Instant::now();
        match heard {
            Heard::Written(call) => self.schedule.written(call, now),
            Heard::Ended((job, answer)) => self.schedule.answered(job, answer, now),
        }
    }

    fn carry_out(&mut self) {
        let mut entries = Vec::new();
        while let Some(effect) = self.schedule.next_effect() {
            match effect {
                Effect::Record(entry) => entries.push(entry),
                Effect::Renew => self.client.renew(usersig::now()),
                Effect::Tell(notice) => self.monitor.notice(&notice),
            }
        }
        if !entries.is_empty() {
            self.ledger.record(entries);
        }
    }

    fn take(&mut self, batch: Option<Result<Batch>>) {
        match batch {
            Some(Ok(batch)) => {
                self.bytes_read = batch.bytes_read();
                self.schedule.offer(&batch);
                self.feed.give_back(batch);
            }
            Some(Err(error)) => {
                self.input = Input::Broken(error);
                self.schedule.input_ended();
            }
            None => {
                if matches!(self.input, Input::Open) {
                    self.input = Input::Ended;
                }
                self.schedule.input_ended();
            }
        }
    }

    fn report_progress(&mut self) {
        let now = Instant::now();
        let calls_per_s = self.schedule.pace().last_second(now);
        let tally = self.schedule.tally();
        let total = self.total();
        let state = self.schedule.state(now);
        let calling = !matches!(state, State::Out { .. });
        // Skipped rows need no call.
        self.forecast
            .tick(tally.settled() - tally.skipped, calling, now);
        let known = self.schedule.settled_unmet();
        let to_call = total.and_then(|total| to_call(tally, total.rows, known));
        let left = to_call.and_then(|rows| self.forecast.left(rows));
        let needed = to_call.and_then(|rows| self.forecast.needed(rows, self.schedule.rate()));
        let progress = Progress {
            tally,
            total,
            state,
            left,
            in_flight: self.schedule.in_flight(),
            retrying: self.schedule.retrying(),
            calls_per_s,
            elapsed: now - self.begun,
        };
        self.monitor.progress(&progress);
        if !self.warned_usersig_ends
            && let Some(needed) = needed
            && let Some(left) = self
                .client
                .credentials()
                .falls_short(usersig::now(), needed)
        {
            self.warned_usersig_ends = true;
            self.monitor.notice(&Notice::UserSigEnds { left, needed });
        }
    }

    /// Returns the number of rows in the whole input, if it is known or can be estimated.
    fn total(&self) -> Option<Total> {
        let read = self.schedule.tally().rows;
        let exact = |rows| Total { rows, exact: true };
        let total = match (&self.input, self.feed.extent()) {
            (Input::Ended, _) => Some(exact(read)),
            (_, Extent::Rows(rows)) => Some(exact(rows)),
            (_, Extent::Bytes(size)) if self.bytes_read > 0 => {
                let rows = u128::from(read) * u128::from(size) / u128::from(self.bytes_read);
                u64::try_from(rows).ok().map(|rows| Total {
                    rows: rows.max(read),
                    exact: false,
                })
            }
            _ => None,
        };
        // A canary ends with its last row, even if the input goes on.
        let canary = self
            .schedule
            .to_take()
            .map(|more| exact(read.saturating_add(more)));
        [total, canary]
            .into_iter()
            .flatten()
            .min_by_key(|total| total.rows)
    }
}

/// Makes a call, from handing over the request to the complete answer.
fn call(
    client: &mut Client,
    job: Job,
    written: &Written,
) -> impl Future<Output = (Job, Answer)> + use<> {
    let reply = client.recall(&job.row, job.call, Some(written.clone()));
    let sent_at = Timestamp::now();
    let started = Instant::now();
    reply.map(move |reply| {
        let took = started.elapsed();
        let answer = Answer {
            reply,
            sent_at,
            took,
        };
        (job, answer)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_in_flight_is_small() {
        fn size<F>(_: impl FnOnce(&mut Client, Job, &Written) -> F) -> usize {
            size_of::<F>()
        }
        let (call, job) = (size(call), size_of::<Job>());
        assert!(call <= job + 768, "{call} bytes for a job of {job}");
    }
}
