//! The loop of the preflight: it reads rows, makes calls, and sleeps.

use std::num::NonZeroU64;
use std::time::Instant;

use futures_util::FutureExt as _;
use tokio::sync::mpsc::UnboundedReceiver;

use super::Finished;
use super::groups_report::GroupsReport;
use super::lookups::{Call, GivenUp, Lookups, Next, Why};
use crate::api::client::{Client, Written};
use crate::api::codes;
use crate::api::groups::GroupInfo;
use crate::api::usersig;
use crate::display::time;
use crate::error::{Error, Kind, Result};
use crate::monitor::{Monitor, PreflightProgress};
use crate::rows::Batch;
use crate::run::{Extent, Feed, Groups, Heard, InFlight, KnownGroups, Plan, ticks, until};
use crate::survey::Survey;

/// The hint for a service that is out.
const LATER: &str = "start again when the service is back";

/// A preflight and everything that it owns.
pub(super) struct Driver<'a> {
    lookups: Lookups,
    input: Input<'a>,
    client: Client,
    begun: Instant,
    report: GroupsReport,
}

impl<'a> Driver<'a> {
    pub(super) fn new(plan: &Plan, feed: Feed, survey: &'a mut Survey, client: Client) -> Self {
        let now = Instant::now();
        let can_renew = client.credentials().can_renew();
        Self {
            lookups: Lookups::new(plan, can_renew, fastrand::u64(..), now),
            input: Input {
                feed,
                survey,
                limit: plan.limit,
                groups: Groups::default(),
                bytes: 0,
            },
            client,
            begun: now,
            report: GroupsReport::default(),
        }
    }

    /// Runs until every group has been looked up, or a lookup failed for good.
    pub(super) async fn run(
        mut self,
        monitor: &mut dyn Monitor,
        mut interrupts: UnboundedReceiver<()>,
    ) -> Result<Finished> {
        let mut calls = InFlight::new();
        let mut ticks = ticks();
        loop {
            let wake = loop {
                match self.lookups.next(Instant::now()) {
                    Next::Call(call) => {
                        calls.start(|written| ask(&mut self.client, call, written));
                    }
                    Next::Renew => self.client.renew(usersig::now()),
                    Next::Until(at) => break Some(at),
                    Next::Wait => break None,
                    Next::Done => return self.end(),
                }
            };
            tokio::select! {
                biased;
                // Lookups change nothing, so those in flight may be dropped.
                Some(()) = interrupts.recv() => return Err(Error::interrupted()),
                heard = calls.next() => self.hear(heard),
                batch = self.input.feed.next(), if self.lookups.wants_groups() => match batch {
                    Some(batch) => self.input.take(batch?, &mut self.lookups)?,
                    None => self.lookups.close(),
                },
                () = until(wake) => {}
                _ = ticks.tick() => monitor.preflight(&self.progress()),
            }
            while let Some(heard) = calls.at_hand() {
                self.hear(heard);
            }
            if let Some(notice) = self.lookups.watch().news(Instant::now()) {
                monitor.notice(&notice);
            }
        }
    }

    fn hear(&mut self, heard: Heard<(Call, GroupInfo)>) {
        let now = Instant::now();
        match heard {
            Heard::Written(call) => self.lookups.written(call, now),
            Heard::Ended((call, answer)) => {
                for (group, state) in self.lookups.answered(call, answer, now) {
                    self.report.add(group, state);
                }
            }
        }
    }

    fn progress(&mut self) -> PreflightProgress<'_> {
        let now = Instant::now();
        PreflightProgress {
            groups: self.report.groups,
            done: self.input.done(self.report.groups),
            size: self.input.size(),
            calls_per_s: self.lookups.last_second(now),
            elapsed: now - self.begun,
            held: self.lookups.watch().held(),
            out: self.lookups.watch().out(now),
        }
    }

    fn end(mut self) -> Result<Finished> {
        let last_second = self.lookups.carry_over(Instant::now());
        if let Some(given_up) = self.lookups.given_up() {
            return Err(error(&given_up));
        }
        self.report.count_rows(&self.input.groups);
        Ok(Finished {
            groups: KnownGroups::new(self.input.groups, self.report.skips()),
            report: self.report,
            last_second,
        })
    }
}

/// The rows being read, and what is known about them.
struct Input<'a> {
    feed: Feed,
    survey: &'a mut Survey,
    limit: Option<NonZeroU64>,
    groups: Groups,
    bytes: u64,
}

impl Input<'_> {
    /// Counts the rows of a batch, and offers their new groups.
    fn take(&mut self, batch: Batch, lookups: &mut Lookups) -> Result<()> {
        self.bytes = batch.bytes_read();
        let groups = &mut self.groups;
        let more = self.survey.take(&batch, self.limit, |row, _| {
            if groups.meet(row.group()) {
                lookups.offer(row.group().to_owned());
            }
            Ok(())
        })?;
        self.feed.give_back(batch);
        if !more {
            lookups.close();
        }
        Ok(())
    }

    /// Returns the bytes of the input that count as done after answers for this many groups. The
    /// bytes read are no measure: a short input is read completely before the first answer.
    fn done(&self, answered: u64) -> u64 {
        let met = self.groups.met();
        let done = u128::from(self.bytes) * u128::from(answered) / u128::from(met.max(1));
        match met {
            0 => self.bytes,
            _ => u64::try_from(done).unwrap_or(self.bytes),
        }
    }

    fn size(&self) -> Option<u64> {
        match self.feed.extent() {
            Extent::Bytes(size) => Some(size),
            Extent::Rows(_) | Extent::Unknown => None,
        }
    }
}

/// Makes a call, from handing over the request to the complete answer.
fn ask(
    client: &mut Client,
    call: Call,
    written: &Written,
) -> impl Future<Output = (Call, GroupInfo)> + use<> {
    client
        .group_info(&call.groups, call.number, Some(written.clone()))
        .map(|answer| (call, answer))
}

fn error(given_up: &GivenUp) -> Error {
    let GivenUp { reply, why } = given_up;
    let known = codes::look_up(reply.code);
    let (kind, what, hint) = match why {
        Why::Refused => {
            let what = "the service refused to look up the groups".to_owned();
            (Kind::Stopped, what, known.advice)
        }
        Why::Faults(1) => {
            let what = "the service did not look up the groups".to_owned();
            (Kind::Stopped, what, LATER)
        }
        Why::Faults(faults) => {
            let what = format!("in {faults} attempts the service did not look up the groups");
            (Kind::Stopped, what, LATER)
        }
        Why::Outage(lasted) => {
            let lasted = time(*lasted);
            let what = format!("for {lasted} the service gave no real answer about the groups");
            (Kind::Outage, what, LATER)
        }
    };
    let why = known.and_words(&reply.info);
    let message = format!("{what}, so nothing was recalled: {why}");
    Error::new(kind, message).hint(hint)
}
