//! Which groups to ask for next, and what an answer means: what decides, in one plain value.
//!
//! As in a run, every call takes a permit, faults are tried again, an outage is waited for and an
//! expired `UserSig` is signed anew. Other than there, the first call that is refused or has used up
//! its attempts ends it: as long as nothing has been recalled, the operator can simply begin again.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use super::outage_watch::OutageWatch;
use crate::api::codes::Verdict;
use crate::api::groups::{GroupInfo, GroupState, MOST, of_each};
use crate::api::reply::Reply;
use crate::run::{Allowed, LastSecond, Pace, Plan, Remedy, Retry, Shut, Signature, Strikes};

/// Groups in hand before reading pauses: a few calls' worth.
const READ_AHEAD: usize = 4 * MOST;
/// Groups refused one by one with no list taken in between, after which those who are refused
/// together are not asked for one by one any more: it can't be for a few of them.
const MOST_REFUSED: usize = 2 * MOST;

/// A call for some groups: in flight, or waiting for another attempt.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) groups: Vec<String>,
    /// The number of the attempt that is being made.
    pub(super) number: u64,
    /// Attempts that met a fault and count.
    faults: u32,
    strikes: Strikes,
    /// Which of our `UserSig`s it carries.
    signature: u32,
    /// How often it has had the `UserSig` renewed, or the longer list that it is a part of has.
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

    /// Two calls, each for half of the groups.
    fn halves(self) -> [Self; 2] {
        let mut first = self.groups;
        let second = first.split_off(first.len() / 2);
        [first, second].map(|groups| Self {
            renewals: self.renewals,
            ..Self::of(groups)
        })
    }
}

/// What may be done now.
#[derive(Debug)]
pub(super) enum Next {
    /// Make this call.
    Call(Call),
    /// Sign a fresh `UserSig` for the calls from now on.
    Renew,
    /// Nothing until this time, or until something happens.
    Until(Instant),
    /// Nothing until something happens.
    Wait,
    /// Every group has been asked for, or it is no use.
    Done,
}

/// Why it is no use to go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GivenUp {
    /// What the last call came to.
    pub(super) reply: Reply,
    pub(super) why: Why,
}

/// Which rule made that reply the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The service refused the call.
    Refused,
    /// So many attempts at the call met faults.
    Faults(u32),
    /// For so long there had been nothing but faults.
    Outage(Duration),
}

/// The calls of a look at groups.
#[derive(Debug)]
pub(super) struct Lookups {
    most: NonZeroUsize,
    pace: Pace,
    retry: Retry,
    watch: OutageWatch,
    signature: Signature,
    /// Groups that no call has asked for yet.
    groups: VecDeque<String>,
    open: bool,
    /// They keep their slots, so that no others start meanwhile.
    waiting: Vec<(Instant, Call)>,
    in_flight: usize,
    calls: u64,
    /// Groups refused one by one since a list was taken.
    refused: usize,
    renew: bool,
    given_up: Option<GivenUp>,
}

impl Lookups {
    /// A look that has not begun, within the bounds of a run. `can_renew`: whether an expired
    /// `UserSig` can be signed anew; the seed is that of the jitter.
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

    /// Whether more groups should be read. False for good once there are none.
    pub(super) fn wants_groups(&self) -> bool {
        self.open && self.groups.len() < READ_AHEAD
    }

    /// A group to ask for.
    pub(super) fn offer(&mut self, group: String) {
        self.groups.push_back(group);
    }

    /// There are no more groups.
    pub(super) fn close(&mut self) {
        self.open = false;
    }

    /// What may be done now.
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
            // Due or not. Every second one is a list not asked for yet: those that wait may be at
            // fault themselves.
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

    /// The one of those that wait which is next. Of those that are due a shorter list goes first, so
    /// that what was refused together is soon told apart, and it shows whether that is of use.
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

    /// The request of a call has been written to its connection.
    pub(super) fn written(&mut self, number: u64, now: Instant) {
        self.pace.written(number, now);
    }

    /// A call has ended. Tells of its groups, where the answer does.
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

    /// One of these groups can't be asked for, and only halves can tell which one. Returns those
    /// that stay unknown.
    fn refused(&mut self, call: Call, code: i64, now: Instant) -> Vec<(String, GroupState)> {
        let is_one = call.groups.len() == 1;
        self.refused += usize::from(is_one);
        if is_one || self.refused > MOST_REFUSED {
            let unknown = |group| (group, GroupState::Unknown(code));
            return call.groups.into_iter().map(unknown).collect();
        }
        self.waiting.extend(call.halves().map(|half| (now, half)));
        Vec::new()
    }

    /// No real answer: the call waits for another attempt, or has had its last.
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

    /// The watch for outages, for what there is to tell.
    pub(super) fn watch(&mut self) -> &mut OutageWatch {
        &mut self.watch
    }

    /// Why it ended early, where it did.
    pub(super) fn given_up(self) -> Option<GivenUp> {
        self.given_up
    }

    /// What a look that begins after `now` must reckon with.
    pub(super) fn carry_over(&mut self, now: Instant) -> LastSecond {
        self.pace.carry_over(now)
    }

    /// Calls written in the second before `now`.
    pub(super) fn last_second(&mut self, now: Instant) -> usize {
        self.pace.last_second(now)
    }
}

#[cfg(test)]
#[path = "lookups_tests.rs"]
mod tests;
