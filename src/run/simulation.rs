//! The whole schedule against a made-up world, generated from a seed: rows, pipes that dry up,
//! faults, outages, stalls, a machine that sleeps, and kills and requests to stop between any two
//! steps. Hours pass in milliseconds.
//!
//! `RECALL_SEEDS=100000 cargo test --release --lib simulated_worlds` runs more worlds,
//! `RECALL_SEED=7` only that one.

mod life;
mod scale;
mod world;

use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use fastrand::Rng;

pub(super) use life::{End, Life};
pub(super) use world::{BEGINNING, HOUR, Nature, Sickness, World, key, usersig_for};

use super::guard::MaxFailures;
use super::plan::Plan;
use super::steps::Stop;
use super::window::LastSecond;
use crate::outcome::{Entry, Outcome};

const SECOND: Duration = Duration::from_secs(1);

/// What happened in a world.
#[derive(Debug, Default)]
struct Figures {
    kills: u64,
    stops: u64,
    calls: usize,
    hours: f64,
    twice: u64,
}

/// Runs one process after another in a world from a seed, until every row is settled.
fn simulate(seed: u64) -> Figures {
    let mut dice = Rng::with_seed(seed ^ 0x5eed);
    let rows = dice.u64(1..600);
    let mut world = World::random(seed, rows);
    let cap = [Some(1 + dice.u32(..20)), Some(50), Some(200), None][dice.usize(..4)];
    let mut plan = Plan {
        rate: cap.and_then(NonZeroU32::new),
        concurrency: NonZeroUsize::new(dice.usize(1..60)).expect("from 1"),
        max_failures: MaxFailures::Any,
        groups: Some(world.looked_up()),
        agreed: Some(rows),
        ..Plan::default()
    };
    let mut figures = Figures::default();
    let ends_early = dice.u64(..6);
    // A run of only the first rows, before one of all rows.
    let mut canary = dice.bool();
    loop {
        // With fewer than 20 rows available, an outage can't be told from stubborn rows.
        if !canary && world.pause_share == 0.0 && dice.bool() {
            world.fall_ill();
        }
        plan.limit = if canary {
            NonZeroU64::new(dice.u64(1..=rows))
        } else {
            None
        };
        let life = Life::new(&mut world, &plan, key());
        let end = if figures.kills + figures.stops == ends_early {
            life.live(20_000_000)
        } else if dice.bool() {
            life.live(dice.u64(..4_000))
        } else {
            life.live_until_asked(dice.u64(..4_000))
        };
        plan.before = LastSecond::Unknown;
        match end {
            End::Killed => {
                assert!(
                    figures.kills + figures.stops < ends_early,
                    "the run does not end"
                );
                figures.kills += 1;
                // Requests being written may still arrive; the next process takes a while to start.
                world.now += Duration::from_millis(dice.u64(5..2_000));
            }
            End::Done(Some(Stop::Interrupted)) => figures.stops += 1,
            End::Done(stopped) => {
                assert_eq!(stopped, None, "nothing here should stop a run");
                if !std::mem::take(&mut canary) {
                    break;
                }
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
        // With fewer than 20 rows left, an outage can't be told from stubborn rows.
        !world.outages.is_empty() && entry.code != 10010 && settled.len() < 20
            || world
                .disk
                .iter()
                .rev()
                .take(40)
                .any(|last| last.row == entry.row)
    };
    let mut unlucky = 0;
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
            _ if few_left(entry) => {}
            _ => unlucky += 1,
        }
    }
    // Eight faults in a row are rare if one in three calls gets one, and don't happen otherwise.
    let max = if world.fault_share > 0.1 { 3 } else { 0 };
    assert!(unlucky <= max, "{unlucky} good rows have failed");
    figures.twice = world
        .recalled
        .values()
        .map(|times| u64::from(times - 1))
        .sum();
    let max = figures.kills * plan.concurrency.get() as u64;
    assert!(
        figures.twice <= max,
        "{} rows called twice, at most {max} may be",
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
        None => 0..number("RECALL_SEEDS").unwrap_or(1_000),
    };
    let mut sum = Figures::default();
    for seed in seeds.clone() {
        let figures = std::panic::catch_unwind(|| simulate(seed)).unwrap_or_else(|cause| {
            eprintln_seed(seed);
            std::panic::resume_unwind(cause)
        });
        sum.kills += figures.kills;
        sum.stops += figures.stops;
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
        "{seeds} worlds, {:.0} hours, {} calls, {} kills, {} stops, {} rows called twice, 0 lost",
        sum.hours, sum.calls, sum.kills, sum.stops, sum.twice
    );
}
