//! `limited_by`: what kept calls from starting for the longest time.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use crate::stage::{Answer, Finished, Place, Service, rows, wait_until};

#[track_caller]
fn assert_limited_by(done: &Finished, limit: &str) {
    assert_eq!(done.json()["limited_by"], limit, "{}", done.stdout);
}

#[test]
fn concurrency_is_the_limit_when_answers_are_slow() {
    let service = Service::start(|_| Answer::ok().delayed_by(Duration::from_millis(50)));
    let place = Place::with_rows(rows(40));
    let run = place.run("rows.csv").on(service.address()).rate("200");
    let done = run.with(["--concurrency", "2"]).finish().exits(0);
    assert_limited_by(&done, "concurrency");
    done.says("raise --concurrency");
}

#[test]
fn the_input_is_the_limit_when_rows_arrive_slowly() {
    let service = Service::good();
    let place = Place::new();
    let pipe = place.pipe("rows.fifo");
    let running = place.run("rows.fifo").on(service.address()).start();
    let mut pipe = pipe.open();
    let ledger = place.path("rows.ledger.jsonl");
    for (before, line) in rows(10).split_inclusive('\n').enumerate() {
        pipe.write_all(line.as_bytes()).unwrap();
        // The ledger also has a header and then one entry per row, so no call is in flight when the
        // next row is written.
        wait_until("an entry", || {
            let text = fs::read_to_string(&ledger).unwrap_or_default();
            before == 0 || text.matches('\n').count() == 1 + before
        });
    }
    drop(pipe);
    assert_limited_by(&running.finish().exits(0), "input");
}

#[test]
fn retries_are_the_limit_when_only_retries_are_left() {
    let service = Service::start(|call| match call.nth_of_row {
        0..3 => Answer::code(10002),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(1));
    let done = place.run("rows.csv").on(service.address()).finish();
    assert_limited_by(&done.exits(0), "retries");
}

#[test]
fn the_service_is_the_limit_when_it_was_out_most_of_the_time() {
    // Twenty failing rows make an outage; the first probe comes a second later.
    let service = Service::start(|call| match call.nth {
        0..20 => Answer::code(60008),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(30));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--concurrency", "1"]).finish().exits(0);
    assert_limited_by(&done, "service");
    done.says("waiting for the service: it was out");
}
