//! Outages: it is the service that failed, not the rows, and none of them fails by it.

use crate::stage::{Answer, Place, Request, Service, rows, unused_address};

const IS_OUT: &str = "The service is out";
const IS_BACK: &str = "The service is back";

/// A run of 40 rows meets a service that does nothing but this until it is noticed. A good answer has
/// the time that it may take where the machine is busy.
#[track_caller]
fn no_row_fails_by(sick: Answer) {
    let service = Service::failing(sick);
    let place = Place::with_rows(rows(40));
    let run = place.run("rows.csv").on(service.address());
    let running = run.with(["--max-attempts", "2", "--timeout", "2s"]).start();
    running.wait_until_it_says(IS_OUT);
    service.recovers();
    let done = running.finish().exits(0).says(IS_BACK);
    assert_eq!([done.count("recalled"), done.count("failed")], [40, 0]);
    place.ledger().assert_all_recalled(40);
}

#[test]
fn no_row_fails_by_10002_for_every_row() {
    no_row_fails_by(Answer::code(10002));
}

#[test]
fn no_row_fails_by_a_gateway_without_a_service() {
    no_row_fails_by(Answer::status("502 Bad Gateway"));
}

#[test]
fn no_row_fails_by_a_service_that_hangs() {
    no_row_fails_by(Answer::silence());
}

#[test]
fn no_row_fails_by_connections_that_break() {
    no_row_fails_by(Answer::reset());
}

#[test]
fn no_row_fails_by_a_portal_in_the_service_s_place() {
    no_row_fails_by(Answer::html("<html>Please log in</html>"));
}

#[test]
fn no_row_fails_by_connections_refused_until_the_service_is_started() {
    let address = unused_address();
    let place = Place::with_rows(rows(40));
    let run = place.run("rows.csv").on(address);
    let running = run.with(["--max-attempts", "2"]).start();
    running.wait_until_it_says(IS_OUT);
    let service = Service::start_at(address, |_| Answer::ok());
    running.finish().exits(0).says(IS_BACK);
    place.ledger().assert_all_recalled(40);
    assert_eq!(service.calls(), 40);
}

#[test]
fn while_it_lasts_single_calls_ask_whether_the_service_is_back() {
    // Twenty rows make it an outage, one call asks in vain, the next one is answered.
    let service = Service::start(|call| match call.nth {
        0..21 => Answer::code(60008),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(40));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--concurrency", "1"]).finish().exits(0);
    let (before, after) = done.stderr.split_once(IS_OUT).unwrap();
    assert!(!before.contains(IS_BACK) && after.contains(IS_BACK));
    let arrivals = service.arrivals();
    for probe in [20, 21] {
        let alone = arrivals[probe].duration_since(arrivals[probe - 1]);
        assert!(alone.as_millis() >= 900, "{alone:?} before call {probe}");
    }
    assert_eq!(service.calls(), 21 + 40);
    place.ledger().assert_all_recalled(40);
}

#[test]
fn an_outage_in_the_middle_holds_what_is_left() {
    let sick = |call: &Request| match call.nth {
        0..30 => Answer::ok(),
        _ => Answer::code(60008),
    };
    let service = Service::recovering(sick, |_| Answer::ok());
    let place = Place::with_rows(rows(100));
    let running = place.run("rows.csv").on(service.address()).start();
    running.wait_until_it_says(IS_OUT);
    service.recovers();
    running.finish().exits(0);
    place.ledger().assert_all_recalled(100);
}

#[test]
fn in_an_outage_the_service_is_left_alone() {
    let service = Service::failing(Answer::code(10002));
    let place = Place::with_rows(rows(60));
    let run = place.run("rows.csv").on(service.address());
    let run = run.with(["--concurrency", "1", "--max-outage", "3500ms"]);
    run.finish().exits(4);
    // Twenty rows make it an outage; then single calls ask after 1 s, after 2 s more, and at the end.
    assert!(service.calls() <= 23, "{} calls", service.calls());
}

#[test]
fn an_outage_that_lasts_too_long_ends_the_run_and_it_can_be_gone_on_with() {
    let service = Service::failing(Answer::code(10002));
    let place = Place::with_rows(rows(40));
    let run = || place.run("rows.csv").on(service.address());
    let done = run().with(["--max-outage", "1500ms"]).finish().exits(4);
    assert_eq!(done.json()["stopped"], "outage");
    assert_eq!([done.count("pending"), done.count("failed")], [40, 0]);
    done.says("no real answer").says("--resume");
    assert!(place.ledger().entries.is_empty());
    service.recovers();
    run().with(["--resume"]).finish().exits(0);
    place.ledger().assert_all_recalled(40);
}

#[test]
fn without_patience_rows_use_up_their_attempts_and_fail() {
    let service = Service::failing(Answer::code(10002));
    let place = Place::with_rows(rows(40));
    let run = place.run("rows.csv").on(service.address());
    let run = run.with(["--max-outage", "0", "--max-attempts", "2"]);
    let done = run.with(["--max-failures", "none"]).finish().exits(3);
    assert_eq!((done.count("failed"), service.calls()), (40, 80));
    done.never_says(IS_OUT);
}

#[test]
fn a_few_rows_that_always_fail_make_no_outage() {
    let service = Service::start(|call| match &*call.sender() {
        "u3" | "u7" | "u9" => Answer::code(10002),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(60));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--max-attempts", "3"]).finish().exits(3);
    assert_eq!([done.count("recalled"), done.count("failed")], [57, 3]);
    done.never_says(IS_OUT);
}
