//! The guard: a run that is an obvious mistake stops before every row has failed.

use std::fs;

use rustix::process::Signal;

use crate::stage::{Answer, Gate, Place, Service, rows, senders, wait_until};

/// A service that refuses every row.
fn refusing() -> Service {
    Service::start(|_| Answer::code(10010))
}

#[test]
fn a_run_whose_first_20_rows_all_fail_with_one_code_is_stopped() {
    let service = refusing();
    let place = Place::with_rows(rows(60));
    let run = || place.run("rows.csv").on(service.address());
    let done = run().with(["--concurrency", "1"]).finish().exits(4);
    assert_eq!((service.calls(), done.count("failed")), (20, 20));
    assert_eq!(done.json()["stopped"], "guard");
    let done = done.says("the first 20 rows all failed with 10010");
    done.says("--max-failures none").says("--resume");
    // With the guard off, the rest of the rows may fail.
    let rest = run().with(["--resume", "--max-failures", "none"]).finish();
    assert_eq!(rest.exits(3).count("failed"), 40);
    assert_eq!(place.ledger().entries.len(), 60);
}

#[test]
fn calls_in_flight_when_the_guard_stops_a_run_are_recorded() {
    let service = refusing();
    let place = Place::with_rows(rows(300));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--concurrency", "10"]).finish().exits(4);
    assert!((20..=30).contains(&service.calls()), "{}", service.calls());
    assert_eq!(done.count("failed"), service.calls() as u64);
    assert_eq!(place.ledger().entries.len(), service.calls());
}

#[test]
fn a_signal_after_a_guard_stop_counts_as_the_first_and_loses_no_answer() {
    let gate = Gate::default();
    let held = gate.clone();
    let service = Service::start(move |call| {
        if senders(20).any(|sender| sender == call.sender()) {
            Answer::code(10010)
        } else {
            Answer::ok().held_by(&held)
        }
    });
    let place = Place::with_rows(rows(300));
    let run = place.run("rows.csv").on(service.address());
    let running = run.with(["--concurrency", "30"]).start();
    let ledger = place.path("rows.ledger.jsonl");
    wait_until("a header and 20 entries", || {
        fs::read_to_string(&ledger).is_ok_and(|text| text.matches('\n').count() == 21)
    });
    running.signal(Signal::INT);
    running.wait_until_it_says("in flight. Interrupt again to quit");
    gate.open();
    let done = running.finish().exits(4);
    assert_eq!(done.json()["stopped"], "guard");
    assert_eq!(place.ledger().entries.len(), service.calls());
}

#[test]
fn one_different_result_among_the_first_20_rows_lets_the_run_go_on() {
    for odd in [Answer::ok(), Answer::code(10015)] {
        let service = Service::start(move |call| match call.nth {
            7 => odd.clone(),
            _ => Answer::code(10010),
        });
        let place = Place::with_rows(rows(60));
        let run = place.run("rows.csv").on(service.address());
        run.with(["--concurrency", "1"]).finish().exits(3);
        assert_eq!(service.calls(), 60);
    }
}

#[test]
fn a_run_is_stopped_when_more_than_half_of_1000_rows_fail() {
    let service = Service::start(|call| match call.nth {
        0..450 => Answer::ok(),
        _ => Answer::code(10010),
    });
    let place = Place::with_rows(rows(1_200));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--concurrency", "1"]).finish().exits(4);
    assert_eq!(done.json()["stopped"], "guard");
    assert_eq!(done.count("recalled") + done.count("failed"), 1_000);
    done.says("more than the 50 % allowed");
}

#[test]
fn a_run_goes_on_when_half_of_the_rows_fail() {
    let service = Service::start(|call| match call.nth % 2 {
        0 => Answer::ok(),
        _ => Answer::code(10010),
    });
    let place = Place::with_rows(rows(1_100));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--concurrency", "1"]).finish().exits(3);
    assert_eq!(done.count("failed"), 550);
}

#[test]
fn max_failures_stops_the_run_when_it_is_exceeded() {
    let service = Service::start(|call| match call.nth {
        0 => Answer::ok(),
        _ => Answer::code(10010),
    });
    let place = Place::with_rows(rows(40));
    let run = place.run("rows.csv").on(service.address());
    let run = run.with(["--concurrency", "1", "--max-failures", "3"]);
    let done = run
        .finish()
        .exits(4)
        .says("4 rows failed, more than the 3 allowed");
    assert_eq!((service.calls(), done.count("failed")), (5, 4));
}

#[test]
fn max_failures_does_not_disable_the_check_of_the_first_20_rows() {
    for bound in ["30", "100%"] {
        let service = refusing();
        let place = Place::with_rows(rows(40));
        let run = place.run("rows.csv").on(service.address());
        let run = run.with(["--concurrency", "1", "--max-failures", bound]);
        run.finish().exits(4).says("the first 20 rows all failed");
        assert_eq!(service.calls(), 20);
    }
}

#[test]
fn the_help_describes_the_guard() {
    let place = Place::new();
    for command in ["run", "replay"] {
        let help = place.recall([command, "--help"]).env("COLUMNS", "80");
        let help = help.finish().exits(0).stdout;
        let words: Vec<_> = help.split_whitespace().collect();
        let words = words.join(" ");
        for phrase in [
            "Maximum rows that may fail [default: 50%]",
            "If more fail, the run stops",
            "a share (checked from 1,000 rows on)",
            "the run also stops if its first 20 rows all fail in the same way",
        ] {
            assert!(words.contains(phrase), "{phrase} is not in {help}");
        }
    }
}

#[test]
fn max_failures_0_stops_at_the_first_failure() {
    let service = refusing();
    let place = Place::with_rows(rows(40));
    let run = place.run("rows.csv").on(service.address());
    let run = run.with(["--concurrency", "1", "--max-failures", "0"]);
    run.finish().exits(4);
    assert_eq!(service.calls(), 1);
}

#[test]
fn max_failures_none_lets_every_row_fail() {
    let service = refusing();
    let place = Place::with_rows(rows(60));
    let run = place.run("rows.csv").on(service.address());
    run.with(["--max-failures", "none"]).finish().exits(3);
    assert_eq!(service.calls(), 60);
}

#[test]
fn the_guard_is_off_for_rows_that_have_failed_before() {
    let service = refusing();
    let place = Place::with_rows(rows(40));
    let run = place.run("rows.csv").on(service.address());
    run.with(["--max-failures", "none"]).finish().exits(3);
    // The guard is off for a replay,
    place
        .recall(["replay", "rows.ledger.jsonl"])
        .finish()
        .exits(3);
    assert_eq!(service.calls(), 80);
    // and for a run of a failed-rows file, recognised by its columns,
    place
        .run("rows.failed.csv")
        .on(service.address())
        .finish()
        .exits(3);
    assert_eq!(service.calls(), 120);
    // unless the operator sets a limit.
    let replay = place.recall(["replay", "rows.ledger.jsonl", "--max-failures", "5"]);
    replay.with(["--concurrency", "1"]).finish().exits(4);
    assert_eq!(service.calls(), 126);
}

#[test]
fn an_invalid_max_failures_is_refused() {
    let place = Place::with_rows(rows(1));
    for bound in ["-1", "half", "101%", "%", ""] {
        let run = place
            .run("rows.csv")
            .with(["--mock", &format!("--max-failures={bound}")]);
        run.finish().exits(2).says("--max-failures");
    }
}
