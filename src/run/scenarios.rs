//! What a run promises, one scenario each, in the world of the [simulation](super::simulation).

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use super::guard::MaxFailures;
use super::plan::Plan;
use super::simulation::{BEGINNING, End, HOUR, Life, Nature, Sickness, World, key, usersig_for};
use super::steps::Stop;
use crate::outcome::Outcome;

const STEPS: u64 = 10_000_000;

fn run(world: &mut World, plan: &Plan) -> End {
    Life::new(world, plan, usersig_for(1_000)).live(STEPS)
}

fn seconds(world: &World) -> f64 {
    (world.now - world.start).as_secs_f64()
}

#[test]
fn five_minutes_without_the_service_fail_no_row() {
    for sickness in [
        Sickness::Refuses,
        Sickness::Hangs,
        Sickness::Answers(502),
        Sickness::Answers(10002),
    ] {
        for concurrency in [1, 16, 200] {
            let mut world = World::healthy(1, 2_000);
            world.fault_share = 0.05;
            world.out(3, 303, sickness);
            let plan = Plan {
                concurrency: NonZeroUsize::new(concurrency).expect("not 0"),
                ..Plan::default()
            };
            assert_eq!(run(&mut world, &plan), End::Done(None), "{sickness:?}");
            assert_eq!(world.count(Outcome::Recalled), 2_000, "{sickness:?}");
            let in_the_outage = world
                .wire
                .iter()
                .filter(|call| (30..300).contains(&(**call - world.start).as_secs()))
                .count();
            assert!(in_the_outage < 100, "{sickness:?}: {in_the_outage} probes");
        }
    }
}

#[test]
fn rows_with_a_single_attempt_fail_only_until_an_outage_is_detected() {
    let mut world = World::healthy(1, 2_000);
    world.out(3, 303, Sickness::Refuses);
    let plan = Plan {
        concurrency: NonZeroUsize::MIN,
        max_attempts: NonZeroU32::MIN,
        ..Plan::default()
    };
    assert_eq!(run(&mut world, &plan), End::Done(None));
    // The twentieth makes it an outage.
    assert_eq!(world.count(Outcome::Failed), 19);
    assert_eq!(world.count(Outcome::Recalled), 1_981);
}

#[test]
fn calls_in_an_outage_do_not_count_as_attempts() {
    // Few rows, so that the probes come back to each of them, and a service that stays shaky.
    let mut world = World::healthy(2, 25);
    world.out(0, 1_500, Sickness::Answers(502));
    world.fault_share = 0.3;
    assert_eq!(run(&mut world, &Plan::default()), End::Done(None));
    assert_eq!(world.count(Outcome::Recalled), 25);
    assert!(
        world.disk.iter().any(|entry| entry.attempts > 8),
        "rows were probed many times"
    );
}

#[test]
fn a_service_that_faults_the_first_call_of_every_row_is_not_out_for_long() {
    for (rows, concurrency) in [(40, 1), (500, 1), (40, 200), (500, 200), (5_000, 200)] {
        let mut world = World::healthy(4, rows);
        world.slow_to_wake = true;
        let plan = Plan {
            concurrency: NonZeroUsize::new(concurrency).expect("not 0"),
            ..Plan::default()
        };
        assert_eq!(run(&mut world, &plan), End::Done(None), "{rows} rows");
        assert_eq!(world.count(Outcome::Recalled) as u64, rows);
        // Twenty first calls in a row still look like an outage, of a few seconds each.
        let took = seconds(&world);
        assert!(took < 15.0 + 0.4 * rows as f64, "{rows} rows took {took} s");
    }
}

#[test]
fn a_long_outage_ends_the_run_and_fails_no_row() {
    let mut world = World::healthy(3, 1_000);
    world.out(1, 100_000, Sickness::Refuses);
    let End::Done(Some(Stop::Outage { lasted })) = run(&mut world, &Plan::default()) else {
        panic!("an outage of a day should end the run");
    };
    assert!((1_800..1_810).contains(&lasted.as_secs()), "{lasted:?}");
    assert_eq!(world.count(Outcome::Failed), 0);
}

#[test]
fn without_holding_off_rows_use_up_their_attempts() {
    let mut world = World::healthy(4, 100);
    world.out(0, 100_000, Sickness::Refuses);
    let plan = Plan {
        max_outage: Duration::ZERO,
        max_failures: MaxFailures::Any,
        ..Plan::default()
    };
    assert_eq!(run(&mut world, &plan), End::Done(None));
    assert_eq!(world.count(Outcome::Failed), 100);
    assert!(world.disk.iter().all(|entry| entry.attempts == 8));
}

#[test]
fn stubborn_rows_in_one_place_do_not_hold_up_the_others() {
    // A list sorted by group, with a group that never gets a real answer.
    for stubborn in [30, 500, 1_500] {
        let mut world = World::healthy(4, 3_000);
        world.natures[1_000..1_000 + stubborn].fill(Nature::Stubborn);
        let plan = Plan {
            max_failures: MaxFailures::Any,
            ..Plan::default()
        };
        run(&mut world, &plan);
        assert_eq!(
            world.count(Outcome::Recalled),
            3_000 - stubborn,
            "{stubborn} stubborn rows"
        );
    }
}

#[test]
fn stubborn_rows_in_several_places_do_not_hold_up_the_others() {
    let plan = Plan {
        max_failures: MaxFailures::Any,
        ..Plan::default()
    };
    // Also if the rows read last are stubborn: probes must not try them one after another.
    for at_the_end in [50, 250, 500] {
        let mut world = World::healthy(4, 3_000);
        world.natures[1_000..1_500].fill(Nature::Stubborn);
        world.natures[3_000 - at_the_end..].fill(Nature::Stubborn);
        run(&mut world, &plan);
        let good = 2_500 - at_the_end;
        assert_eq!(
            world.count(Outcome::Recalled),
            good,
            "{at_the_end} stubborn rows at the end"
        );
    }
    let mut world = World::healthy(4, 20_000);
    world.natures[1_000..1_500].fill(Nature::Stubborn);
    world.natures[8_500..11_000].fill(Nature::Stubborn);
    run(&mut world, &plan);
    assert_eq!(world.count(Outcome::Recalled), 17_000);
}

#[test]
fn if_the_input_has_grown_the_earlier_rows_still_get_all_their_attempts() {
    for stop in [Stop::UnknownGroup, Stop::NotAgreed] {
        let mut world = World::healthy(4, 600);
        world.fault_share = 0.3;
        world.out(0, 5, Sickness::Hangs);
        let looked_up = (stop == Stop::UnknownGroup).then(|| world.looked_up_to(150));
        let plan = Plan {
            groups: looked_up,
            agreed: (stop == Stop::NotAgreed).then_some(150),
            max_attempts: NonZeroU32::new(30).expect("not 0"),
            ..Plan::default()
        };
        let end = run(&mut world, &plan);
        assert_eq!(end, End::Done(Some(stop)));
        assert_eq!(world.count(Outcome::Recalled), 150);
    }
}

#[test]
fn an_input_with_no_more_rows_than_agreed_to_is_called_to_its_end() {
    for agreed in [600, 700] {
        let mut world = World::healthy(4, 600);
        let plan = Plan {
            agreed: Some(agreed),
            ..Plan::default()
        };
        assert_eq!(run(&mut world, &plan), End::Done(None));
        assert_eq!(world.count(Outcome::Recalled), 600);
    }
}

#[test]
fn rows_that_always_get_10002_fail_and_make_no_outage() {
    let mut world = World::healthy(5, 10_000);
    for row in (0..10_000).step_by(40) {
        world.natures[row] = Nature::Stubborn;
    }
    assert_eq!(run(&mut world, &Plan::default()), End::Done(None));
    assert_eq!(world.count(Outcome::Failed), 250);
    assert_eq!(world.count(Outcome::Recalled), 9_750);
    let failed = world
        .disk
        .iter()
        .filter(|entry| entry.outcome == Outcome::Failed);
    assert!(failed.into_iter().all(|entry| entry.attempts == 8));
}

#[test]
fn the_cap_is_fully_used_while_retries_pile_up() {
    let mut world = World::healthy(6, 20_000);
    world.fault_share = 0.05;
    assert_eq!(run(&mut world, &Plan::default()), End::Done(None));
    let per_second = world.wire.len() as f64 / seconds(&world);
    // The rest goes to timers that are up to 1.5 ms late, and to the last row's retries.
    assert!(per_second > 197.0, "{per_second}/s");
}

#[test]
fn frequency_errors_slow_the_run_down_and_fail_no_row() {
    let mut world = World::healthy(7, 3_000);
    world.too_often_share = 0.1;
    assert_eq!(run(&mut world, &Plan::default()), End::Done(None));
    assert_eq!(world.count(Outcome::Recalled), 3_000);
    assert!(
        seconds(&world) > 3_000.0 / 150.0,
        "{} s is not slower",
        seconds(&world)
    );
}

#[test]
fn an_expired_usersig_without_the_key_stops_the_run_and_loses_nothing() {
    let mut world = World::healthy(8, 500);
    world.expired_until_renewed = true;
    let End::Done(Some(Stop::Service { code: 70001, .. })) = run(&mut world, &Plan::default())
    else {
        panic!("70001 should stop a run that has no key");
    };
    assert_eq!(world.disk, []);
    // With the key, one renewal fixes every call in flight.
    assert_eq!(
        Life::new(&mut world, &Plan::default(), key()).live(STEPS),
        End::Done(None)
    );
    assert_eq!(world.count(Outcome::Recalled), 500);
}

#[test]
fn a_row_refused_with_every_usersig_fails_after_a_few_renewals() {
    let mut world = World::healthy(16, 2_000);
    world.natures[100] = Nature::Expired;
    let plan = Plan {
        max_attempts: NonZeroU32::MIN,
        ..Plan::default()
    };
    assert_eq!(
        Life::new(&mut world, &plan, key()).live(STEPS),
        End::Done(None)
    );
    assert_eq!(world.count(Outcome::Recalled), 1_999);
    let failed = world.disk.iter().find(|entry| entry.row == 100);
    let failed = failed.expect("it is settled");
    assert_eq!(
        (failed.outcome, failed.code, failed.attempts),
        (Outcome::Failed, 70001, 4)
    );
}

/// One call a second, so that an hour takes few rows.
fn slow() -> Plan {
    Plan {
        rate: NonZeroU32::new(1),
        ..Plan::default()
    }
}

#[test]
fn with_the_key_a_run_of_three_days_never_uses_an_expired_usersig() {
    let mut world = World::healthy(11, 72 * HOUR);
    world.fault_share = 0.01;
    assert_eq!(
        Life::new(&mut world, &slow(), key()).live(STEPS),
        End::Done(None)
    );
    assert!(seconds(&world) > (71 * HOUR) as f64);
    assert_eq!(world.count(Outcome::Recalled) as u64, 72 * HOUR);
    assert_eq!(world.ran_out, 0);
}

#[test]
fn after_the_machine_slept_for_days_the_usersig_is_renewed_before_a_call() {
    let mut world = World::healthy(12, 2 * HOUR);
    world.sleep_share = 0.01;
    assert_eq!(
        Life::new(&mut world, &slow(), key()).live(STEPS),
        End::Done(None)
    );
    let awake = seconds(&world);
    let days = (world.wall_clock() - BEGINNING) / (24 * HOUR);
    assert!(
        days > 20 && awake < (3 * HOUR) as f64,
        "{days} days, {awake} s"
    );
    assert_eq!(world.ran_out, 0);
}

#[test]
fn unanswered_calls_of_a_stopping_run_are_not_reported_as_an_outage() {
    let mut world = World::healthy(15, 2_000);
    world.out(0, 60, Sickness::Hangs);
    // `live_until_asked` checks that no outage is reported.
    let end = Life::new(&mut world, &Plan::default(), key()).live_until_asked(200);
    assert_eq!(end, End::Done(Some(Stop::Interrupted)));
    assert!(world.wire.len() > 20 && world.disk.is_empty());
}

#[test]
fn with_a_service_clock_far_ahead_the_run_renews_more_often() {
    // With the service's clock 18 hours ahead, a UserSig for a day is valid for 6 hours.
    let mut world = World::healthy(13, 20 * HOUR);
    world.service_ahead = 18 * HOUR;
    assert_eq!(
        Life::new(&mut world, &slow(), key()).live(STEPS),
        End::Done(None)
    );
    assert_eq!(world.count(Outcome::Recalled) as u64, 20 * HOUR);
    assert!(world.ran_out >= 2, "{}", world.ran_out);
}

#[test]
fn a_given_usersig_stops_the_run_when_it_expires_and_another_resumes_it() {
    let mut world = World::healthy(14, 3 * HOUR);
    let stopped = Life::new(&mut world, &slow(), usersig_for(2)).live(STEPS);
    let End::Done(Some(Stop::Service { code: 70001, .. })) = stopped else {
        panic!("the UserSig should expire after two of three hours");
    };
    assert!((2 * HOUR - 60..=2 * HOUR).contains(&(world.disk.len() as u64)));
    assert_eq!(world.count(Outcome::Failed), 0);
    assert_eq!(run(&mut world, &slow()), End::Done(None));
    assert_eq!(world.count(Outcome::Recalled) as u64, 3 * HOUR);
}

#[test]
fn the_guard_ends_a_run_that_fails_from_the_start() {
    let mut world = World::healthy(9, 5_000);
    world
        .natures
        .iter_mut()
        .for_each(|nature| *nature = Nature::Refused);
    // Three codes alternate, so only the share of failures can end the run.
    let End::Done(Some(Stop::Guard(why))) = run(&mut world, &Plan::default()) else {
        panic!("the guard should end it");
    };
    assert_eq!(
        why,
        "1,000 of 1,000 rows failed, more than the 50 % allowed"
    );
    assert!(
        world.disk.len() < 1_000 + 200,
        "only calls in flight are added afterwards"
    );
}

#[test]
fn rows_of_groups_to_skip_are_recorded_and_not_called() {
    let mut world = World::healthy(11, 1_000);
    world.natures[..900].fill(Nature::Silent);
    let plan = Plan {
        groups: Some(world.looked_up()),
        ..Plan::default()
    };
    assert_eq!(run(&mut world, &plan), End::Done(None));
    assert_eq!(world.count(Outcome::Skipped), 900);
    assert_eq!(world.count(Outcome::Recalled), 100);
    // Skipped rows take no permit: the hundred rows called need half a second and an answer.
    assert!(seconds(&world) < 1.0, "{} s", seconds(&world));
    let skipped = &world.disk[0];
    assert_eq!((skipped.code, &*skipped.info), (0, "made up"));
    assert_eq!(
        (skipped.attempts, skipped.sent_at, skipped.ms),
        (0, None, None)
    );
    // They are settled, so nothing is left for a resumed run.
    assert_eq!(run(&mut world, &plan), End::Done(None));
    assert_eq!(world.disk.len(), 1_000);
}

#[test]
fn a_canary_counts_skipped_rows() {
    let mut world = World::healthy(12, 50);
    world.natures[..4].fill(Nature::Silent);
    let plan = Plan {
        limit: NonZeroU64::new(10),
        groups: Some(world.looked_up()),
        ..Plan::default()
    };
    assert_eq!(run(&mut world, &plan), End::Done(None));
    let counts = [Outcome::Skipped, Outcome::Recalled].map(|outcome| world.count(outcome));
    assert_eq!(counts, [4, 6]);
}

#[test]
fn a_canary_calls_as_many_rows_as_asked_and_no_more() {
    let mut world = World::healthy(10, 500);
    let plan = Plan {
        limit: NonZeroU64::new(10),
        ..Plan::default()
    };
    assert_eq!(run(&mut world, &plan), End::Done(None));
    assert_eq!(world.disk.len(), 10);
    assert_eq!(run(&mut world, &plan), End::Done(None));
    assert_eq!(world.disk.len(), 20, "the next ten after a resume");
}
