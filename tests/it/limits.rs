//! What kept calls from starting for longest, as `limited_by` has it.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use crate::stage::{Answer, Finished, Place, Service, rows, wait_until};

#[track_caller]
fn is_limited_by(done: &Finished, limit: &str) {
    assert_eq!(done.json()["limited_by"], limit, "{}", done.stdout);
}

#[test]
fn slots_are_the_limit_where_answers_take_long_and_calls_at_once_are_few() {
    let service = Service::start(|_| Answer::ok().delayed_by(Duration::from_millis(50)));
    let place = Place::with_rows(rows(40));
    let run = place.run("rows.csv").on(service.address()).rate("200");
    let done = run.with(["--concurrency", "2"]).finish().exits(0);
    is_limited_by(&done, "concurrency");
    done.says("raise --concurrency");
}

#[test]
fn the_input_is_the_limit_where_each_row_is_called_before_the_next_one_comes() {
    let service = Service::good();
    let place = Place::new();
    let pipe = place.pipe("rows.fifo");
    let running = place.run("rows.fifo").on(service.address()).start();
    let mut pipe = pipe.open();
    let ledger = place.path("rows.ledger.jsonl");
    for (before, line) in rows(10).split_inclusive('\n').enumerate() {
        pipe.write_all(line.as_bytes()).unwrap();
        // The ledger too has a header, and then an entry a row: no answer is waited for.
        wait_until("an entry", || {
            let text = fs::read_to_string(&ledger).unwrap_or_default();
            before == 0 || text.matches('\n').count() == 1 + before
        });
    }
    drop(pipe);
    is_limited_by(&running.finish().exits(0), "input");
}

#[test]
fn retries_are_the_limit_where_one_row_is_left_and_tried_again_and_again() {
    let service = Service::start(|call| match call.nth_of_row {
        0..3 => Answer::code(10002),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(1));
    let done = place.run("rows.csv").on(service.address()).finish();
    is_limited_by(&done.exits(0), "retries");
}

#[test]
fn the_service_is_the_limit_where_it_was_out_for_most_of_the_time() {
    // Twenty rows make it an outage, and a call asks a second later.
    let service = Service::start(|call| match call.nth {
        0..20 => Answer::code(60008),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(30));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--concurrency", "1"]).finish().exits(0);
    is_limited_by(&done, "service");
    done.says("waiting for the service: it was out");
}
