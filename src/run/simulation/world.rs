//! A made-up world: rows, a service that works or is out, a clock, and what is on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::api::credentials::Auth;
use crate::api::secret::Secret;
use crate::api::usersig;
use crate::outcome::{Entry, Outcome};
use crate::rows::{BadRow, Row};
use crate::run::groups::{Groups, KnownGroups};
use crate::run::plan::Skip;

pub(in crate::run) const HOUR: u64 = 3_600;
/// The wall clock when a world begins, in Unix seconds.
pub(in crate::run) const BEGINNING: u64 = 1_700_000_000;

/// How the service answers a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::run) enum Nature {
    Good,
    Refused,
    /// Always with 10002, even if the service works.
    Stubborn,
    /// Always with 70001, whichever `UserSig` the call carries, and only after other rows have been
    /// answered.
    Expired,
    /// Not called: the row's group is known to be one in which a call would do nothing.
    Silent,
}

/// How a service is out.
#[derive(Clone, Copy, Debug)]
pub(in crate::run) enum Sickness {
    Refuses,
    Hangs,
    Answers(i64),
}

#[derive(Debug)]
pub(in crate::run) struct World {
    pub(super) rng: Rng,
    pub(in crate::run) start: Instant,
    pub(in crate::run) now: Instant,
    pub(in crate::run) natures: Vec<Nature>,
    pub(super) input: Vec<Result<Row, BadRow>>,
    pub(in crate::run) fault_share: f64,
    pub(in crate::run) too_often_share: f64,
    /// Whether the first call of each row gets a 10002.
    pub(in crate::run) slow_to_wake: bool,
    /// The rows called so far.
    called: BTreeSet<u64>,
    /// How often the process stalls for seconds after a sleep.
    pub(super) stall_share: f64,
    /// How often the pipe pauses.
    pub(super) pause_share: f64,
    pub(super) outages: Vec<(Instant, Instant, Sickness)>,
    /// When requests were on the wire, in all runs together.
    pub(in crate::run) wire: Vec<Instant>,
    /// How often the service recalled each row.
    pub(super) recalled: BTreeMap<u64, u32>,
    pub(in crate::run) disk: Vec<Entry<'static>>,
    pub(in crate::run) expired_until_renewed: bool,
    /// How often the machine sleeps for hours, while its monotonic clock stands still.
    pub(in crate::run) sleep_share: f64,
    /// How long it has slept.
    pub(super) slept: Duration,
    /// How far the service's clock is ahead of the machine's, in seconds.
    pub(in crate::run) service_ahead: u64,
    /// How often the service got an expired `UserSig`.
    pub(in crate::run) ran_out: u64,
}

impl World {
    /// Returns a world of good rows and a service that always works.
    pub(in crate::run) fn healthy(seed: u64, rows: u64) -> Self {
        let start = Instant::now();
        Self {
            start,
            now: start,
            natures: (0..rows).map(|_| Nature::Good).collect(),
            input: (0..rows).map(|line| Ok(row(line))).collect(),
            fault_share: 0.0,
            too_often_share: 0.0,
            slow_to_wake: false,
            called: BTreeSet::new(),
            stall_share: 0.0,
            pause_share: 0.0,
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

    /// Returns a world where anything may go wrong.
    pub(super) fn random(seed: u64, rows: u64) -> Self {
        let mut world = Self::healthy(seed, rows);
        let rng = &mut world.rng;
        // Twenty of them, with no other rows left, would rightly be taken for an outage.
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
        // In one block, as in a list sorted by group, or scattered.
        let is_sorted = rng.bool();
        if is_sorted {
            let first = rng.usize(..natures.len());
            natures.rotate_right(first);
        } else {
            rng.shuffle(&mut natures);
        }
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
        if !is_sorted {
            rng.shuffle(&mut world.input);
        }
        world.natures = natures;
        world.stall_share = 0.002;
        world.pause_share = [0.0, 0.1][rng.usize(..2)];
        world.fault_share = [0.0, 0.05, 0.3][rng.usize(..3)];
        world.too_often_share = [0.0, 0.0, 0.02][rng.usize(..3)];
        world.expired_until_renewed = rng.bool();
        world.sleep_share = [0.0, 0.001][rng.usize(..2)];
        // Up to half the lifetime of a minted UserSig, no calls should be lost to it.
        world.service_ahead = rng.u64(..12) * HOUR;
        world
    }

    /// Returns the machine's wall clock, in Unix seconds.
    pub(in crate::run) fn wall_clock(&self) -> u64 {
        BEGINNING + (self.now - self.start + self.slept).as_secs()
    }

    /// Adds an outage; `from` and `to` are in seconds from the start.
    pub(in crate::run) fn out(&mut self, from: u64, to: u64, sickness: Sickness) {
        let at = |seconds| self.start + Duration::from_secs(seconds);
        self.outages.push((at(from), at(to), sickness));
    }

    /// Returns what the preflight found about the groups: which of them are silent.
    pub(in crate::run) fn looked_up(&self) -> KnownGroups {
        self.looked_up_to(self.natures.len() as u64)
    }

    /// The same for an input that has since grown by the rows from `end` on.
    pub(in crate::run) fn looked_up_to(&self, end: u64) -> KnownGroups {
        let mut met = Groups::default();
        for line in 0..end {
            met.meet(&group(line));
        }
        let natures = (0..).zip(&self.natures);
        let silent = natures.filter(|(_, nature)| **nature == Nature::Silent);
        let skip = Skip {
            code: 0,
            reason: "made up",
        };
        KnownGroups::new(met, silent.map(|(line, _)| (group(line), skip)).collect())
    }

    /// Returns the number of entries with this outcome.
    pub(in crate::run) fn count(&self, outcome: Outcome) -> usize {
        self.disk
            .iter()
            .filter(|entry| entry.outcome == outcome)
            .count()
    }

    pub(super) fn answer(&mut self, line: u64) -> i64 {
        let at = usize::try_from(line).expect("few rows");
        let is_first = self.called.insert(line);
        match self.natures[at] {
            _ if self.expired_until_renewed => 70001,
            Nature::Expired => 70001,
            _ if self.rng.f64() < self.too_often_share => 60011,
            Nature::Stubborn => 10002,
            _ if self.slow_to_wake && is_first => 10002,
            _ if self.rng.f64() < self.fault_share => 10002,
            Nature::Refused => [10010, 10007, 10015][at % 3],
            Nature::Good | Nature::Silent => 0,
        }
    }

    /// Adds an outage of up to five minutes that starts within five seconds.
    pub(super) fn fall_ill(&mut self) {
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

/// Returns the secret key that `UserSig`s are minted with.
pub(in crate::run) fn key() -> Auth {
    Auth::SecretKey(Secret::new("key"))
}

/// Returns a `UserSig` minted when the world began, for this many hours.
pub(in crate::run) fn usersig_for(hours: u64) -> Auth {
    let key = Secret::new("key");
    Auth::UserSig(usersig::mint(
        &key,
        7,
        "administrator",
        BEGINNING,
        hours * HOUR,
    ))
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

/// Returns the row's group: each row has its own.
fn group(line: u64) -> String {
    format!("g{line}")
}
