//! One process in a made-up world, from its start until it ends or is killed, step by step.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::world::{HOUR, Nature, Sickness, World};
use crate::api::codes::{self, NO_CONNECTION, TIMED_OUT};
use crate::api::credentials::{Auth, Credentials};
use crate::api::reply::Reply;
use crate::api::usersig;
use crate::ledger::Settled;
use crate::monitor::Notice;
use crate::outcome::Entry;
use crate::rows::Batch;
use crate::run::plan::Plan;
use crate::run::queue::Job;
use crate::run::schedule::Schedule;
use crate::run::steps::{Answer, Effect, Next, Stop};

const SECOND: Duration = Duration::from_secs(1);

/// A future event.
#[derive(Debug)]
enum Event {
    Written(u64),
    Answered(Box<Job>, Reply, Duration),
    Recorded,
}

/// How a process ended.
#[derive(Debug, PartialEq)]
pub(in crate::run) enum End {
    Done(Option<Stop>),
    Killed,
}

/// One process. It starts with what is on disk, and ends or is killed.
pub(in crate::run) struct Life<'w> {
    world: &'w mut World,
    schedule: Schedule,
    credentials: Credentials,
    /// When the current `UserSig` expires, in Unix seconds.
    expires_at: u64,
    concurrency: usize,
    read: usize,
    /// When the pipe has more rows.
    rows_from: Instant,
    events: BinaryHeap<Reverse<(Instant, u64)>>,
    pending: BTreeMap<u64, Event>,
    number: u64,
    in_flight: usize,
    buffered: Vec<Entry<'static>>,
    notices: Vec<Notice>,
}

impl<'w> Life<'w> {
    pub(in crate::run) fn new(world: &'w mut World, plan: &Plan, auth: Auth) -> Self {
        let seed = world.rng.u64(..);
        let credentials = Credentials::new(7, "administrator", auth, world.wall_clock());
        let mut schedule = Schedule::new(plan.clone(), credentials.can_renew(), seed, world.now);
        let disk = &world.disk;
        schedule.seen().settled_earlier(disk.len(), |earlier| {
            for entry in disk {
                earlier.settled(&Settled {
                    row: entry.row,
                    input: entry.input.clone(),
                    group: entry.group.clone(),
                    sender: entry.sender.clone(),
                    topic: entry.topic.clone(),
                    outcome: entry.outcome,
                    info: entry.info.clone(),
                });
            }
        });
        Self {
            schedule,
            expires_at: expires_at(&credentials),
            credentials,
            concurrency: plan.concurrency.get(),
            read: 0,
            rows_from: world.now,
            events: BinaryHeap::new(),
            pending: BTreeMap::new(),
            number: 0,
            in_flight: 0,
            buffered: Vec::new(),
            notices: Vec::new(),
            world,
        }
    }

    /// Runs to the end, or until it is killed after this many steps.
    pub(in crate::run) fn live(mut self, steps: u64) -> End {
        self.take_steps(steps).unwrap_or(End::Killed)
    }

    /// Runs to the end, and asks the run to stop after this many steps.
    pub(in crate::run) fn live_until_asked(mut self, steps: u64) -> End {
        if let Some(end) = self.take_steps(steps) {
            return end;
        }
        self.carry_out();
        self.schedule.stop(Stop::Interrupted);
        self.notices.clear();
        let end = self.take_steps(u64::MAX).expect("the run ends");
        let of_outage =
            |notice: &Notice| matches!(notice, Notice::Outage { .. } | Notice::OutageOver { .. });
        assert!(
            !self.notices.iter().any(of_outage),
            "a stopping run reported an outage: {:?}",
            self.notices
        );
        end
    }

    fn take_steps(&mut self, steps: u64) -> Option<End> {
        for _ in 0..steps {
            if self.credentials.should_renew(self.world.wall_clock()) {
                self.schedule.renew_in_time();
            }
            self.carry_out();
            let wake = match self.schedule.next(self.world.now) {
                Next::Call(job) => {
                    self.call(job);
                    continue;
                }
                Next::Until(at, _) => Some(at),
                Next::Wait(_) => None,
                Next::Done => {
                    self.carry_out();
                    self.world.disk.append(&mut self.buffered);
                    return Some(End::Done(self.schedule.stopped().cloned()));
                }
            };
            self.carry_out();
            if !self.schedule.wants_rows() {
                self.sleep(wake);
            } else if self.world.now < self.rows_from {
                self.sleep(Some(
                    wake.map_or(self.rows_from, |at| at.min(self.rows_from)),
                ));
            } else {
                self.read();
            }
        }
        None
    }

    fn read(&mut self) {
        for _ in 0..self.world.rng.usize(1..20) {
            let Some(read) = self.world.input.get(self.read) else {
                return self.schedule.input_ended();
            };
            let mut batch = Batch::default();
            match read {
                Ok(row) => batch.push(row.input.as_ref(), row.line, row.ids()),
                Err(bad) => batch.push_bad(bad.clone()),
            }
            self.schedule.offer(&batch);
            self.read += 1;
        }
        if self.world.rng.f64() < self.world.pause_share {
            let pause = Duration::from_millis(self.world.rng.u64(..60_000));
            self.rows_from = self.world.now + pause;
        }
    }

    fn sleep(&mut self, wake: Option<Instant>) {
        let next = self.events.peek().map(|Reverse((at, _))| *at);
        let to = [wake, next].into_iter().flatten().min();
        let to = to.expect("no event is pending: the schedule is stuck");
        // Timers are a little late, and sometimes the whole process stalls.
        let late = if self.world.rng.f64() < self.world.stall_share {
            Duration::from_millis(self.world.rng.u64(..7_000))
        } else {
            Duration::from_micros(self.world.rng.u64(..1_500))
        };
        self.world.now = self.world.now.max(to) + late;
        if self.world.rng.f64() < self.world.sleep_share {
            self.world.slept += Duration::from_secs(self.world.rng.u64(..30 * HOUR));
        }
        while let Some(Reverse((at, number))) = self.events.peek().copied() {
            if at > self.world.now {
                break;
            }
            self.events.pop();
            let event = self.pending.remove(&number).expect("numbers are unique");
            self.happened(event);
        }
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Written(call) => self.schedule.written(call, self.world.now),
            Event::Answered(job, reply, took) => {
                self.in_flight -= 1;
                let sent_at = Timestamp::UNIX_EPOCH;
                let answer = Answer {
                    reply,
                    sent_at,
                    took,
                };
                self.schedule.answered(*job, answer, self.world.now);
            }
            Event::Recorded => {
                let entries = self.buffered.len();
                self.world.disk.append(&mut self.buffered);
                self.schedule.recorded(entries);
            }
        }
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.schedule.next_effect() {
            match effect {
                Effect::Record(entry) => {
                    if self.buffered.is_empty() {
                        let at =
                            self.world.now + Duration::from_micros(self.world.rng.u64(..3_000));
                        self.plan(at, Event::Recorded);
                    }
                    self.buffered.push(entry);
                }
                Effect::Renew => {
                    self.credentials.renew(self.world.wall_clock());
                    self.expires_at = expires_at(&self.credentials);
                    self.world.expired_until_renewed = false;
                }
                Effect::Tell(notice) => self.notices.push(notice),
            }
        }
    }

    fn plan(&mut self, at: Instant, event: Event) {
        self.number += 1;
        self.events.push(Reverse((at, self.number)));
        self.pending.insert(self.number, event);
    }

    fn call(&mut self, job: Job) {
        self.in_flight += 1;
        let called = self.buffered.iter().filter(|entry| entry.attempts > 0);
        let called = called.count();
        assert!(
            self.in_flight + called <= self.concurrency,
            "more calls in flight than allowed"
        );
        let world = &mut *self.world;
        let nature = world.natures[usize::try_from(job.row.line).expect("few rows")];
        assert_ne!(nature, Nature::Silent, "a row to skip was called");
        let wire =
            world.now + Duration::from_micros(world.rng.u64(..30_000).saturating_sub(25_000));
        let latency = Duration::from_millis(world.rng.u64(1..200));
        let sick = world
            .outages
            .iter()
            .find(|(from, to, _)| (*from..*to).contains(&wire));
        let (code, took) = match sick.map(|(_, _, sickness)| *sickness) {
            Some(Sickness::Refuses) => (NO_CONNECTION, Duration::from_millis(1)),
            Some(Sickness::Hangs) => (TIMED_OUT, 10 * SECOND),
            Some(Sickness::Answers(code)) => (code, latency),
            None if self.expires_at <= world.wall_clock() + world.service_ahead => {
                world.ran_out += 1;
                (70001, latency)
            }
            None if nature == Nature::Expired => (world.answer(job.row.line), SECOND),
            None => (world.answer(job.row.line), latency),
        };
        if code == 0 {
            *world.recalled.entry(job.row.line).or_default() += 1;
        }
        if code != NO_CONNECTION {
            world.wire.push(wire);
            let heard = wire + Duration::from_micros(world.rng.u64(..300));
            self.plan(heard, Event::Written(job.call));
        }
        let reply = Reply {
            code,
            verdict: codes::look_up(code).verdict,
            info: String::new(),
        };
        let answered = wire + Duration::from_micros(300) + took;
        self.plan(answered, Event::Answered(Box::new(job), reply, took));
    }
}

/// Returns when the `UserSig` expires, as the service reads it from a call.
fn expires_at(credentials: &Credentials) -> u64 {
    let claims = usersig::decode(credentials.usersig().expose());
    claims.expect("it was minted").ends()
}
