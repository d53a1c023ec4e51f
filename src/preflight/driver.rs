//! The loop that acts: it reads rows, makes calls, and sleeps.

use std::num::NonZeroU64;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::{MissedTickBehavior, interval, sleep_until};

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
use crate::run::{Extent, Feed, Groups, KnownGroups, Plan};
use crate::survey::Survey;

/// How often the monitor hears of progress.
const TICK: Duration = Duration::from_millis(100);
/// What to do about a service that is out.
const LATER: &str = "begin again when the service is back";

/// A look, and all that it owns.
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

    /// Turns until every group has been asked for, or it is no use.
    pub(super) async fn run(
        mut self,
        monitor: &mut dyn Monitor,
        mut interrupts: UnboundedReceiver<()>,
    ) -> Result<Finished> {
        let mut calls = FuturesUnordered::new();
        let (tell_written, mut written) = mpsc::unbounded_channel();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let wake = loop {
                match self.lookups.next(Instant::now()) {
                    Next::Call(call) => calls.push(ask(&mut self.client, call, &tell_written)),
                    Next::Renew => self.client.renew(usersig::now()),
                    Next::Until(at) => break Some(at),
                    Next::Wait => break None,
                    Next::Done => return self.end(),
                }
            };
            let timer = pin!(async {
                match wake {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            });
            tokio::select! {
                biased;
                // What is in flight changes nothing and may be lost.
                Some(()) = interrupts.recv() => return Err(Error::interrupted()),
                Some(call) = written.recv() => self.lookups.written(call, Instant::now()),
                Some((call, answer)) = calls.next() => {
                    // First, so that a call which ended is known to have been on the wire.
                    drain(&mut written, &mut self.lookups);
                    self.answered(call, answer);
                }
                batch = self.input.feed.next(), if self.lookups.wants_groups() => match batch {
                    Some(batch) => self.input.take(batch?, &mut self.lookups)?,
                    None => self.lookups.close(),
                },
                () = timer => {}
                _ = tick.tick() => monitor.preflight(&self.progress()),
            }
            drain(&mut written, &mut self.lookups);
            if let Some(notice) = self.lookups.watch().news(Instant::now()) {
                monitor.notice(&notice);
            }
        }
    }

    fn answered(&mut self, call: Call, answer: GroupInfo) {
        for (group, state) in self.lookups.answered(call, answer, Instant::now()) {
            self.report.add(group, state);
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

/// The rows on their way, and what is known of them.
struct Input<'a> {
    feed: Feed,
    survey: &'a mut Survey,
    limit: Option<NonZeroU64>,
    groups: Groups,
    bytes: u64,
}

impl Input<'_> {
    /// Counts these rows, and offers the groups among them that are new.
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

    /// Bytes that are done with once the service has told of so many groups. What has been read
    /// says little of that: all of a short input is there before the first answer.
    fn done(&self, told: u64) -> u64 {
        let met = self.groups.met();
        let done = u128::from(self.bytes) * u128::from(told) / u128::from(met.max(1));
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

/// A call, from handing the request over to its whole answer.
fn ask(
    client: &mut Client,
    call: Call,
    written: &Written,
) -> impl Future<Output = (Call, GroupInfo)> + use<> {
    client
        .group_info(&call.groups, call.number, Some(written.clone()))
        .map(|answer| (call, answer))
}

fn drain(written: &mut UnboundedReceiver<u64>, lookups: &mut Lookups) {
    while let Ok(call) = written.try_recv() {
        lookups.written(call, Instant::now());
    }
}

fn error(given_up: &GivenUp) -> Error {
    let GivenUp { reply, why } = given_up;
    let known = codes::look_up(reply.code);
    let (kind, what, hint) = match why {
        Why::Refused => {
            let what = "the service refuses to tell".to_owned();
            (Kind::Stopped, what, known.advice)
        }
        Why::Faults(1) => {
            let what = "the service does not tell".to_owned();
            (Kind::Stopped, what, LATER)
        }
        Why::Faults(faults) => {
            let what = format!("in {faults} attempts the service did not tell");
            (Kind::Stopped, what, LATER)
        }
        Why::Outage(lasted) => {
            let lasted = time(*lasted);
            let what = format!("for {lasted} the service gave no real answer");
            (Kind::Outage, what, LATER)
        }
    };
    let why = known.and_words(&reply.info);
    let message = format!("{what} about the groups, so nothing was recalled: {why}");
    Error::new(kind, message).hint(hint)
}
