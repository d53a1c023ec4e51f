//! Decides which groups to look up next, and what an answer means, in one plain value.
//!
//! As in a run, every call takes a permit, faults are retried, outages are waited out and an
//! expired `UserSig` is signed again. Unlike in a run, the first call that is refused or out of
//! attempts ends it: nothing has been recalled yet, so the operator can simply start again.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use super::outage_watch::OutageWatch;
use crate::api::codes::Verdict;
use crate::api::groups::{GroupInfo, GroupState, MOST, of_each};
use crate::api::reply::Reply;
use crate::run::{Allowed, LastSecond, Pace, Plan, Remedy, Retry, Shut, Signature, Strikes};

/// Groups that wait for a call before reading pauses: a few calls' worth.
const READ_AHEAD: usize = 4 * MOST;
/// The number of groups refused one by one, with no list accepted in between, after which refused
/// lists are no longer split: a few bad groups can't be the reason.
const MAX_REFUSED: usize = 2 * MOST;

/// A call for some groups: in flight, or waiting for another attempt.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) groups: Vec<String>,
    /// The number of the current attempt.
    pub(super) number: u64,
    /// Attempts that met a fault, outside outages.
    faults: u32,
    strikes: Strikes,
    /// The number of the `UserSig` that it carries.
    signature: u32,
    /// How often it, or the longer list that it was split from, has had the `UserSig` renewed.
    renewals: u32,
}

impl Call {
    fn of(groups: Vec<String>) -> Self {
        Self {
            groups,
            number: 0,
            faults: 0,
            strikes: Strikes::default(),
            signature: 0,
            renewals: 0,
        }
    }

    /// Splits it into two calls, each for half of the groups.
    fn halves(self) -> [Self; 2] {
        let mut first = self.groups;
        let second = first.split_off(first.len() / 2);
        [first, second].map(|groups| Self {
            renewals: self.renewals,
            ..Self::of(groups)
        })
    }
}

/// What to do now.
#[derive(Debug)]
pub(super) enum Next {
    /// Make this call.
    Call(Call),
    /// Sign a fresh `UserSig` for the calls from now on.
    Renew,
    /// Wait until this time, or until something happens.
    Until(Instant),
    /// Wait until something happens.
    Wait,
    /// Stop: every group has been looked up, or a lookup failed for good.
    Done,
}

/// Why the preflight ended early.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GivenUp {
    /// The reply to the last call.
    pub(super) reply: Reply,
    pub(super) why: Why,
}

/// The rule that made this reply the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The service refused the call.
    Refused,
    /// This many attempts at the call met faults.
    Faults(u32),
    /// There had been nothing but faults for this long.
    Outage(Duration),
}

/// The calls of a preflight.
#[derive(Debug)]
pub(super) struct Lookups {
    most: NonZeroUsize,
    pace: Pace,
    retry: Retry,
    watch: OutageWatch,
    signature: Signature,
    /// Groups that no call has been made for yet.
    groups: VecDeque<String>,
    open: bool,
    /// Calls that wait for another attempt. They keep their slots, so that no others start instead.
    waiting: Vec<(Instant, Call)>,
    in_flight: usize,
    calls: u64,
    /// Groups refused one by one since a list was accepted.
    refused: usize,
    renew: bool,
    given_up: Option<GivenUp>,
}

impl Lookups {
    /// Returns lookups without any groups yet, within the limits of a run. `can_renew` says whether
    /// an expired `UserSig` can be signed again; `seed` is for the jitter.
    pub(super) fn new(plan: &Plan, can_renew: bool, seed: u64, now: Instant) -> Self {
        Self {
            most: plan.concurrency,
            pace: Pace::new(plan.rate, plan.before, now),
            retry: Retry::new(plan.max_attempts.get(), seed),
            watch: OutageWatch::new(plan.max_outage),
            signature: Signature::first(can_renew),
            groups: VecDeque::new(),
            open: true,
            waiting: Vec::new(),
            in_flight: 0,
            calls: 0,
            refused: 0,
            renew: false,
            given_up: None,
        }
    }

    /// Whether more groups should be read. Always false once [closed](Self::close).
    pub(super) fn wants_groups(&self) -> bool {
        self.open && self.groups.len() < READ_AHEAD
    }

    /// Adds a group to look up.
    pub(super) fn offer(&mut self, group: String) {
        self.groups.push_back(group);
    }

    /// Ends the list of groups.
    pub(super) fn close(&mut self) {
        self.open = false;
    }

    /// Returns what to do now.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        if let Some((fault, lasted)) = self.watch.given_up(now) {
            self.give_up(fault, Why::Outage(lasted));
        }
        if self.given_up.is_some() {
            return Next::Done;
        }
        if std::mem::take(&mut self.renew) {
            return Next::Renew;
        }
        let first = self.first_waiting(now);
        let due = first.map(|at| self.waiting[at].0);
        let is_slot_free = self.in_flight + self.waiting.len() < self.most.get();
        let is_call_full = self.groups.len() >= MOST || (!self.open && !self.groups.is_empty());
        let is_fresh_ready = is_slot_free && is_call_full;
        if self.in_flight >= self.most.get() {
            return Next::Wait;
        }
        let again = match self.watch.allows(now) {
            Allowed::NoneUntil(at) => return Next::Until(at),
            Allowed::Probe if self.in_flight > 0 => return Next::Wait,
            // Due or not. Every second probe is a fresh call: the waiting ones may be the cause
            // themselves.
            Allowed::Probe => {
                first.filter(|_| self.watch.probes().is_multiple_of(2) || !is_fresh_ready)
            }
            Allowed::All | Allowed::GiveUp => first.filter(|_| due.is_some_and(|due| due <= now)),
        };
        if again.is_none() && !is_fresh_ready {
            return match due {
                Some(due) => Next::Until(due),
                None if self.in_flight > 0 || self.open => Next::Wait,
                None => Next::Done,
            };
        }
        match self.pace.take(self.calls, now) {
            Err(Shut::Until(at)) => Next::Until(at),
            Err(Shut::UntilWritten) => Next::Wait,
            Ok(_) => {
                let call = match again {
                    Some(at) => self.waiting.swap_remove(at).1,
                    None => self.fresh(),
                };
                Next::Call(self.start(call, now))
            }
        }
    }

    /// Returns the index of the next waiting call. Among those due, the shortest list goes first,
    /// so that it soon shows whether splitting a refused list helps.
    fn first_waiting(&self, now: Instant) -> Option<usize> {
        let order = |&at: &usize| {
            let (due, call) = &self.waiting[at];
            if *due <= now {
                (now, call.groups.len(), *due)
            } else {
                (*due, 0, *due)
            }
        };
        (0..self.waiting.len()).min_by_key(order)
    }

    fn fresh(&mut self) -> Call {
        let count = self.groups.len().min(MOST);
        Call::of(self.groups.drain(..count).collect())
    }

    fn start(&mut self, call: Call, now: Instant) -> Call {
        let number = self.calls;
        self.calls += 1;
        self.in_flight += 1;
        self.watch.called(now);
        Call {
            number,
            signature: self.signature.number(),
            ..call
        }
    }

    /// Records that the request of a call has been written to its connection.
    pub(super) fn written(&mut self, number: u64, now: Instant) {
        self.pace.written(number, now);
    }

    /// Records that a call has ended. Returns the states of its groups, if the answer has them.
    pub(super) fn answered(
        &mut self,
        mut call: Call,
        answer: GroupInfo,
        now: Instant,
    ) -> Vec<(String, GroupState)> {
        self.in_flight -= 1;
        let GroupInfo { reply, states } = answer;
        self.pace.ended(call.number, reply.code, now);
        if !matches!(reply.verdict, Verdict::Retry | Verdict::SlowDown) {
            self.watch.answer(now);
        }
        match reply.verdict {
            Verdict::Done => {
                self.signature.proven(call.signature);
                self.refused = 0;
                return of_each(call.groups, states);
            }
            Verdict::Row => {
                self.signature.proven(call.signature);
                return self.refused(call, reply.code, now);
            }
            Verdict::Retry | Verdict::SlowDown => {
                if reply.verdict == Verdict::SlowDown {
                    self.pace.slow_down(now);
                }
                self.fault(call, reply, now);
            }
            Verdict::Renew => match self.signature.expired(call.signature, call.renewals) {
                Remedy::SendAgain => self.waiting.push((now, call)),
                Remedy::Renew => {
                    self.signature.renewed();
                    self.renew = true;
                    call.renewals += 1;
                    self.waiting.push((now, call));
                }
                Remedy::Stop => self.give_up(reply, Why::Refused),
                Remedy::GiveUp => return self.refused(call, reply.code, now),
            },
            Verdict::Stop => self.give_up(reply, Why::Refused),
        }
        Vec::new()
    }

    /// Handles a refused call: one of its groups can't be looked up, and splitting the list in
    /// halves finds it. Returns the groups that stay unknown.
    fn refused(&mut self, call: Call, code: i64, now: Instant) -> Vec<(String, GroupState)> {
        let is_one = call.groups.len() == 1;
        self.refused += usize::from(is_one);
        if is_one || self.refused > MAX_REFUSED {
            let unknown = |group| (group, GroupState::Unknown(code));
            return call.groups.into_iter().map(unknown).collect();
        }
        self.waiting.extend(call.halves().map(|half| (now, half)));
        Vec::new()
    }

    /// Handles a call without a real answer: it waits for another attempt, unless it is out of
    /// them.
    fn fault(&mut self, mut call: Call, reply: Reply, now: Instant) {
        let (number, strikes) = (call.number, &mut call.strikes);
        let counts = self.watch.fault(number, strikes, reply.clone(), now);
        call.faults += u32::from(counts);
        match self.retry.wait_after(call.faults.max(1)) {
            Some(wait) => self.waiting.push((now + wait, call)),
            None if self.watch.is_out() => self.waiting.push((now, call)),
            None => self.give_up(reply, Why::Faults(call.faults)),
        }
    }

    fn give_up(&mut self, reply: Reply, why: Why) {
        self.given_up.get_or_insert(GivenUp { reply, why });
    }

    /// Returns the outage watch, which knows what to report.
    pub(super) fn watch(&mut self) -> &mut OutageWatch {
        &mut self.watch
    }

    /// Returns why it ended early, if it did.
    pub(super) fn given_up(self) -> Option<GivenUp> {
        self.given_up
    }

    /// Returns the calls of the last second, which count toward the cap of what follows.
    pub(super) fn carry_over(&mut self, now: Instant) -> LastSecond {
        self.pace.carry_over(now)
    }

    /// Returns the number of calls written in the second before `now`.
    pub(super) fn last_second(&mut self, now: Instant) -> usize {
        self.pace.last_second(now)
    }
}

#[cfg(test)]
#[path = "lookups_tests.rs"]
mod tests;
