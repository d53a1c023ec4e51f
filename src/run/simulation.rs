//! The whole schedule against a made-up world, from a seed: rows, faults, outages, stalls, a machine
//! that sleeps and kills between any two steps, hours of it in milliseconds.
//!
//! `RECALL_SEEDS=100000 cargo test --release simulat` runs more of them, `RECALL_SEED=7` that one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::{Duration, Instant};

use fastrand::Rng;
use jiff::Timestamp;

use super::guard::MaxFailures;
use super::plan::{Plan, Skip};
use super::queue::Job;
use super::schedule::Schedule;
use super::steps::{Answer, Effect, Next, Stop};
use crate::api::codes::{self, NO_CONNECTION, TIMED_OUT};
use crate::api::credentials::{Auth, Credentials};
use crate::api::reply::Reply;
use crate::api::secret::Secret;
use crate::api::usersig;
use crate::ledger::Settled;
use crate::outcome::{Entry, Outcome};
use crate::rows::{BadRow, Batch, Row};

const SECOND: Duration = Duration::from_secs(1);
pub(super) const HOUR: u64 = 3_600;
/// The clock on the wall when a world begins, in Unix seconds.
pub(super) const BEGINNING: u64 = 1_700_000_000;

/// What the service makes of a row whenever it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    Good,
    Refused,
    /// Nothing but 10002, whatever the service's health.
    Stubborn,
    /// In a group where a call would do nothing, as is known before.
    Silent,
}

/// How a service is out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sickness {
    Refuses,
    Hangs,
    Answers(i64),
}

#[derive(Debug)]
pub(super) struct World {
    rng: Rng,
    pub(super) start: Instant,
    pub(super) now: Instant,
    pub(super) natures: Vec<Nature>,
    input: Vec<Result<Row, BadRow>>,
    pub(super) fault_share: f64,
    pub(super) too_often_share: f64,
    /// How often the process stands still for seconds when it wanted to sleep.
    stall_share: f64,
    outages: Vec<(Instant, Instant, Sickness)>,
    /// When requests were on the wire, all runs together.
    pub(super) wire: Vec<Instant>,
    /// How often each row was recalled by the service.
    recalled: BTreeMap<u64, u32>,
    pub(super) disk: Vec<Entry<'static>>,
    pub(super) expired_until_renewed: bool,
    /// How often the machine goes to sleep for hours: then its monotonic clock stands still.
    pub(super) sleep_share: f64,
    /// For how long it has slept.
    slept: Duration,
    /// How far the service's clock is ahead of the machine's, in seconds.
    pub(super) service_ahead: u64,
    /// How often the service found a `UserSig` that had run out.
    pub(super) ran_out: u64,
}

/// Something that will happen.
#[derive(Debug)]
enum Event {
    Written(u64),
    Answered(Box<Job>, Reply, Duration),
    Recorded,
}

/// What a life of the process came to.
#[derive(Debug, PartialEq)]
pub(super) enum End {
    Done(Option<Stop>),
    Killed,
}

/// One process: it starts with what is on the disk, and ends or is killed.
pub(super) struct Life<'w> {
    world: &'w mut World,
    schedule: Schedule,
    credentials: Credentials,
    /// Until when the `UserSig` that calls carry holds, in Unix seconds.
    holds_until: u64,
    concurrency: usize,
    read: usize,
    events: BinaryHeap<Reverse<(Instant, u64)>>,
    happen: BTreeMap<u64, Event>,
    number: u64,
    in_flight: usize,
    buffered: Vec<Entry<'static>>,
}

impl<'w> Life<'w> {
    pub(super) fn new(world: &'w mut World, plan: &Plan, auth: Auth) -> Self {
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
            holds_until: holds_until(&credentials),
            credentials,
            concurrency: plan.concurrency.get(),
            read: 0,
            events: BinaryHeap::new(),
            happen: BTreeMap::new(),
            number: 0,
            in_flight: 0,
            buffered: Vec::new(),
            world,
        }
    }

    /// Lives until the end, or until `steps` have been made.
    pub(super) fn live(mut self, steps: u64) -> End {
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
                    return End::Done(self.schedule.stopped().cloned());
                }
            };
            self.carry_out();
            if self.schedule.wants_rows() {
                self.read();
            } else {
                self.sleep(wake);
            }
        }
        End::Killed
    }

    fn read(&mut self) {
        for _ in 0..self.world.rng.usize(1..20) {
            let Some(read) = self.world.input.get(self.read) else {
                return self.schedule.input_ended();
            };
            let mut batch = Batch::default();
            match read {
                Ok(row) => batch.push(row.as_ref()),
                Err(bad) => batch.push_bad(bad.clone()),
            }
            self.schedule.offer(&batch);
            self.read += 1;
        }
    }

    fn sleep(&mut self, wake: Option<Instant>) {
        let next = self.events.peek().map(|Reverse((at, _))| *at);
        let to = [wake, next].into_iter().flatten().min();
        let to = to.expect("nothing will ever happen again: the schedule is stuck");
        // A timer is late by a little, and at times the whole process stands still.
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
            let event = self.happen.remove(&number).expect("numbers are unique");
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
        while let Some(effect) = self.schedule.effect() {
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
                    self.holds_until = holds_until(&self.credentials);
                    self.world.expired_until_renewed = false;
                }
                Effect::Tell(_) => {}
            }
        }
    }

    fn plan(&mut self, at: Instant, event: Event) {
        self.number += 1;
        self.events.push(Reverse((at, self.number)));
        self.happen.insert(self.number, event);
    }

    fn call(&mut self, job: Job) {
        self.in_flight += 1;
        assert!(
            self.in_flight + self.buffered.len() <= self.concurrency,
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
            None if self.holds_until <= world.wall_clock() + world.service_ahead => {
                world.ran_out += 1;
                (70001, latency)
            }
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

impl World {
    /// A world with so many good rows and a service that is always well.
    pub(super) fn healthy(seed: u64, rows: u64) -> Self {
        let start = Instant::now();
        Self {
            start,
            now: start,
            natures: (0..rows).map(|_| Nature::Good).collect(),
            input: (0..rows).map(|line| Ok(row(line))).collect(),
            fault_share: 0.0,
            too_often_share: 0.0,
            stall_share: 0.0,
            outages: Vec::new(),
            wire: Vec::new(),
            recalled: BTreeMap::new(),
            disk: Vec::new(),
            expired_until_renewed: false,
            sleep_share: 0.0,
            slept: Duration::ZERO,
            service_ahead: 0,
            ran_out: 0,
            rng: Rng::with_seed(seed),
        }
    }

    /// A world where anything may be wrong.
    fn random(seed: u64, rows: u64) -> Self {
        let mut world = Self::healthy(seed, rows);
        let rng = &mut world.rng;
        // Twenty of them, with nothing else left to ask, would rightly be taken for an outage.
        let stubborn = rng.u64(..20);
        let refused = rng.f64() * 0.2;
        let silent = rng.f64() * 0.2;
        let mut natures: Vec<_> = (0..rows)
            .map(|row| match row {
                _ if row < stubborn => Nature::Stubborn,
                _ if rng.f64() < refused => Nature::Refused,
                _ if rng.f64() < silent => Nature::Silent,
                _ => Nature::Good,
            })
            .collect();
        rng.shuffle(&mut natures);
        for _ in 0..rng.u64(..=rows / 2) {
            let again = rng.usize(..world.input.len());
            world.input.push(world.input[again].clone());
        }
        for line in 0..rng.u64(..5) {
            let reason = "made up".to_owned();
            let line = 100_000 + line;
            let bad = BadRow {
                input: None,
                line,
                reason,
            };
            world.input.push(Err(bad));
        }
        rng.shuffle(&mut world.input);
        world.natures = natures;
        world.stall_share = 0.002;
        world.fault_share = [0.0, 0.05, 0.3][rng.usize(..3)];
        world.too_often_share = [0.0, 0.0, 0.02][rng.usize(..3)];
        world.expired_until_renewed = rng.bool();
        world.sleep_share = [0.0, 0.001][rng.usize(..2)];
        // Up to half of the time that a minted one holds, no calls should be lost to it.
        world.service_ahead = rng.u64(..12) * HOUR;
        world
    }

    /// The machine's clock on the wall, in Unix seconds.
    pub(super) fn wall_clock(&self) -> u64 {
        BEGINNING + (self.now - self.start + self.slept).as_secs()
    }

    /// The service is out from then to then, in seconds from the start.
    pub(super) fn out(&mut self, from: u64, to: u64, sickness: Sickness) {
        let at = |seconds| self.start + Duration::from_secs(seconds);
        self.outages.push((at(from), at(to), sickness));
    }

    /// The groups that a look at them has found to be silent.
    pub(super) fn skips(&self) -> HashMap<String, Skip> {
        let natures = (0..).zip(&self.natures);
        let silent = natures.filter(|(_, nature)| **nature == Nature::Silent);
        let skip = Skip {
            code: 0,
            reason: "made up",
        };
        silent.map(|(line, _)| (group(line), skip)).collect()
    }

    /// Entries with this outcome.
    pub(super) fn count(&self, outcome: Outcome) -> usize {
        self.disk
            .iter()
            .filter(|entry| entry.outcome == outcome)
            .count()
    }

    fn answer(&mut self, line: u64) -> i64 {
        let at = usize::try_from(line).expect("few rows");
        match self.natures[at] {
            _ if self.expired_until_renewed => 70001,
            _ if self.rng.f64() < self.too_often_share => 60011,
            Nature::Stubborn => 10002,
            _ if self.rng.f64() < self.fault_share => 10002,
            Nature::Refused => [10010, 10007, 10015][at % 3],
            Nature::Good | Nature::Silent => 0,
        }
    }

    /// An outage of minutes, some time from now.
    fn fall_ill(&mut self) {
        let from = self.now + Duration::from_millis(self.rng.u64(..5_000));
        let to = from + Duration::from_millis(self.rng.u64(1_000..300_000));
        let sickness = match self.rng.u32(..4) {
            0 => Sickness::Refuses,
            1 => Sickness::Hangs,
            2 => Sickness::Answers(502),
            _ => Sickness::Answers(10002),
        };
        self.outages.push((from, to, sickness));
    }
}

/// The secret key, with which `UserSig`s are minted.
pub(super) fn key() -> Auth {
    Auth::SecretKey(Secret::new("key"))
}

/// A `UserSig` that was minted when the world began, for so many hours.
pub(super) fn usersig_for(hours: u64) -> Auth {
    let key = Secret::new("key");
    Auth::UserSig(usersig::mint(
        &key,
        7,
        "administrator",
        BEGINNING,
        hours * HOUR,
    ))
}

/// As the service reads it from a call.
fn holds_until(credentials: &Credentials) -> u64 {
    let claims = usersig::decode(credentials.usersig().expose());
    claims.expect("it was minted").ends()
}

fn row(line: u64) -> Row {
    Row {
        input: None,
        line,
        group: group(line),
        sender: "s".to_owned(),
        topic: String::new(),
    }
}

/// Each row has a group of its own.
fn group(line: u64) -> String {
    format!("g{line}")
}

/// What a world has seen.
#[derive(Debug, Default)]
struct Figures {
    kills: u64,
    calls: usize,
    hours: f64,
    twice: u64,
}

/// A world from a seed, lived in by one process after another until every row is settled.
fn simulate(seed: u64) -> Figures {
    let mut dice = Rng::with_seed(seed ^ 0x5eed);
    let rows = dice.u64(1..600);
    let mut world = World::random(seed, rows);
    let cap = [Some(1 + dice.u32(..20)), Some(50), Some(200), None][dice.usize(..4)];
    let plan = Plan {
        rate: cap.and_then(NonZeroU32::new),
        concurrency: NonZeroUsize::new(dice.usize(1..60)).expect("from 1"),
        max_attempts: NonZeroU32::new(8).expect("from 1"),
        max_outage: 1_800 * SECOND,
        max_failures: MaxFailures::Any,
        limit: None,
        skip: world.skips(),
    };
    let mut figures = Figures::default();
    let kills = dice.u64(..4);
    loop {
        if dice.bool() {
            world.fall_ill();
        }
        let steps = if figures.kills < kills {
            dice.u64(..4_000)
        } else {
            20_000_000
        };
        match Life::new(&mut world, &plan, key()).live(steps) {
            End::Killed => {
                assert!(figures.kills < kills, "the run does not end");
                figures.kills += 1;
                world.now += SECOND * dice.u32(1..5);
            }
            End::Done(stopped) => {
                assert_eq!(stopped, None, "nothing here should stop a run");
                break;
            }
        }
    }
    figures.calls = world.wire.len();
    figures.hours = (world.now - world.start).as_secs_f64() / 3_600.0;
    check(&mut world, &plan, rows, &mut figures);
    figures
}

fn check(world: &mut World, plan: &Plan, rows: u64, figures: &mut Figures) {
    assert_eq!(world.ran_out, 0, "a UserSig ran out");
    world.wire.sort_unstable();
    if let Some(cap) = plan.rate {
        let cap = cap.get() as usize;
        for calls in world.wire.windows(cap + 1) {
            assert!(calls[cap] - calls[0] >= SECOND, "over the cap of {cap}/s");
        }
    }
    let settled: Vec<_> = world
        .disk
        .iter()
        .filter(|entry| entry.outcome != Outcome::Invalid)
        .collect();
    let distinct: BTreeSet<_> = settled.iter().map(|entry| entry.row).collect();
    assert_eq!(distinct, (0..rows).collect(), "a row was lost");
    assert_eq!(settled.len() as u64, rows, "a row has two final lines");
    let few_left = |entry: &Entry<'_>| {
        // With less than 20 rows left nobody can tell an outage from stubborn rows.
        !world.outages.is_empty() && entry.code != 10010 && settled.len() < 20
            || world
                .disk
                .iter()
                .rev()
                .take(40)
                .any(|last| last.row == entry.row)
    };
    for entry in &settled {
        let at = usize::try_from(entry.row).expect("few rows");
        match world.natures[at] {
            Nature::Refused if entry.outcome == Outcome::Failed => {}
            Nature::Stubborn => assert_eq!(entry.outcome, Outcome::Failed, "{entry:?}"),
            Nature::Silent => assert_eq!(entry.outcome, Outcome::Skipped, "{entry:?}"),
            _ if entry.outcome == Outcome::Recalled => {
                assert!(
                    world.recalled.contains_key(&entry.row),
                    "never recalled: {entry:?}"
                );
            }
            _ => assert!(
                world.fault_share > 0.1 || world.too_often_share > 0.0 || few_left(entry),
                "a good row has failed: {entry:?}"
            ),
        }
    }
    figures.twice = world
        .recalled
        .values()
        .map(|times| u64::from(times - 1))
        .sum();
    let most = figures.kills * plan.concurrency.get() as u64;
    assert!(
        figures.twice <= most,
        "{} rows called twice, at most {most} may be",
        figures.twice
    );
}

#[test]
fn thousands_of_simulated_worlds_keep_every_promise() {
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse::<u64>().ok())
    };
    let seeds = match number("RECALL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("RECALL_SEEDS").unwrap_or(2_000),
    };
    let mut sum = Figures::default();
    for seed in seeds.clone() {
        let figures = std::panic::catch_unwind(|| simulate(seed)).unwrap_or_else(|cause| {
            eprintln_seed(seed);
            std::panic::resume_unwind(cause)
        });
        sum.kills += figures.kills;
        sum.calls += figures.calls;
        sum.hours += figures.hours;
        sum.twice += figures.twice;
    }
    println_figures(seeds.end - seeds.start, &sum);
}

#[expect(
    clippy::print_stderr,
    reason = "a failing seed must be seen to be replayed"
)]
fn eprintln_seed(seed: u64) {
    eprintln!("replay it with RECALL_SEED={seed}");
}

#[expect(clippy::print_stdout, reason = "the figures of a long run")]
fn println_figures(seeds: u64, sum: &Figures) {
    println!(
        "{seeds} worlds, {:.0} hours, {} calls, {} kills, {} rows called twice, 0 lost",
        sum.hours, sum.calls, sum.kills, sum.twice
    );
}
