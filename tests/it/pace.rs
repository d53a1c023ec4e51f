//! The cap on the wire: never more calls in any sliding second than allowed, retries included.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::stage::{Link, Place, Service, mock, row_calls, rows, wait_until};

#[test]
fn at_200_per_second_with_retries_every_row_is_recalled_once_and_the_cap_is_kept() {
    let mock = mock("1ms..30ms", &["10002=5%", "60008=1%"]);
    let place = Place::with_rows(rows(1_200) + &rows(200)["group,sender\n".len()..]);
    let run = place.run("rows.csv").on(mock.address()).rate("200");
    let done = run.finish().exits(0);
    place.ledger().assert_all_recalled(1_200);
    let seen = mock.seen();
    assert!(seen.worst_second <= 200, "{seen:?}");
    assert!(done.count("worst_second") <= 200);
    assert!(seen.by_code[&10002] > 0, "{seen:?}");
    assert_eq!(done.count("retries"), seen.calls - 1_200);
    assert_eq!(seen.repeated_randoms, 0);
    // The run's own count matches what the mock saw.
    assert_eq!(done.count("calls"), seen.calls);
    let calls = row_calls(mock.address());
    assert!(
        calls.iter().all(|row| row.ok == 1),
        "no row should be recalled twice"
    );
    assert_eq!(done.json()["limited_by"], "cap");
}

#[test]
fn a_lower_rate_is_kept_too() {
    let mock = mock("0ms", &["10002=10%"]);
    let place = Place::with_rows(rows(110));
    let run = place.run("rows.csv").on(mock.address()).rate("50");
    run.finish().exits(0);
    let seen = mock.seen();
    assert!((1..=50).contains(&seen.worst_second), "{seen:?}");
}

#[test]
fn plain_progress_has_a_line_every_five_seconds() {
    let mock = mock("0ms", &[]);
    let start = Instant::now();
    let place = Place::with_rows(rows(40));
    let words = ["run", "rows.csv", "--progress", "plain"];
    let done = place
        .recall(words)
        .on(mock.address())
        .rate("7")
        .finish()
        .exits(0);
    assert!(mock.seen().worst_second <= 7, "{:?}", mock.seen());
    let progress: Vec<_> = done
        .stderr
        .lines()
        .filter(|line| line.contains("/7 calls/s"))
        .collect();
    // One line, unless a busy machine delays the run.
    let limit = start.elapsed().as_secs() / 5;
    assert!(
        (1..=limit).contains(&(progress.len() as u64)),
        "{}",
        done.stderr
    );
    for word in [" of 40 rows (", " recalled", " 0 failed", " left"] {
        assert!(
            progress.iter().all(|line| line.contains(word)),
            "{word}: {progress:?}"
        );
    }
    assert_eq!(done.stdout, "", "progress should not go to stdout");
}

#[test]
fn a_process_that_was_stopped_does_not_exceed_the_cap_when_it_continues() {
    let mock = mock("0ms", &[]);
    let place = Place::with_rows(rows(150));
    let running = place.run("rows.csv").on(mock.address()).rate("60").start();
    wait_until("thirty calls", || mock.seen().calls >= 30);
    running.signal(Signal::STOP);
    // The stall: long enough to miss a full second's worth of calls.
    thread::sleep(Duration::from_millis(1_300));
    running.signal(Signal::CONT);
    running.finish().exits(0);
    let seen = mock.seen();
    assert!(seen.worst_second <= 60, "{seen:?}");
    place.ledger().assert_all_recalled(150);
}

#[test]
fn calls_held_by_a_stalled_network_count_when_they_arrive() {
    let mock = mock("20ms..80ms", &[]);
    let link = Link::to(mock.address());
    let place = Place::with_rows(rows(400));
    let run = place.run("rows.csv").on(link.address()).rate("100");
    let running = run.start();
    wait_until("a hundred and fifty calls", || mock.seen().calls >= 150);
    link.stall();
    // The stall: more than a second's worth of calls is written.
    thread::sleep(Duration::from_millis(2_500));
    link.resume();
    running.finish().exits(0);
    let seen = mock.seen();
    // Calls may take slightly different times through the test's own proxy. If the held calls were
    // not counted on arrival, this would be more than twice the cap.
    assert!(seen.worst_second <= 120, "{seen:?}");
    place.ledger().assert_all_recalled(400);
}

#[test]
fn no_more_calls_are_in_flight_than_concurrency_allows() {
    for concurrency in [1, 3, 7] {
        let (service, gate) = Service::gated();
        let place = Place::with_rows(rows(60));
        let run = place.run("rows.csv").on(service.address());
        let running = run
            .with(["--concurrency", &concurrency.to_string()])
            .start();
        // As many calls as allowed are in flight; then the rest go through at full speed.
        service.wait_until_called(concurrency);
        gate.open();
        let done = running.finish().exits(0);
        assert_eq!(service.max_in_flight(), concurrency);
        assert_eq!(done.count("calls"), 60);
    }
}

#[test]
fn a_rate_above_the_documented_cap_is_only_allowed_on_loopback() {
    let place = Place::with_rows(rows(1));
    for rate in ["201", "max", "1000"] {
        let run = place.recall(["run", "rows.csv", "--region", "tokyo", "--rate", rate]);
        run.finish()
            .exits(2)
            .says(&format!("--rate {rate}"))
            .says("200");
    }
    let mock = mock("0ms", &[]);
    place
        .run("rows.csv")
        .on(mock.address())
        .rate("1000")
        .finish()
        .exits(0);
}
