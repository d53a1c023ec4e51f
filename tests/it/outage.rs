//! Outages: the service fails, not the rows, so no row fails because of one.

use crate::stage::{Answer, Place, Request, Service, rows, unused_address};

const IS_OUT: &str = "The service is out";
const IS_BACK: &str = "The service is back";

/// Runs 40 rows against a service that gives only this answer until the outage is noticed. Fails
/// unless all rows are recalled. The timeout is long enough for a good answer on a busy machine.
#[track_caller]
fn assert_no_row_fails(answer: Answer) {
    let service = Service::failing(answer);
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
fn no_row_fails_when_every_call_gets_10002() {
    assert_no_row_fails(Answer::code(10002));
}

#[test]
fn no_row_fails_when_a_gateway_answers_502() {
    assert_no_row_fails(Answer::status("502 Bad Gateway"));
}

#[test]
fn no_row_fails_when_the_service_hangs() {
    assert_no_row_fails(Answer::silence());
}

#[test]
fn no_row_fails_when_connections_are_reset() {
    assert_no_row_fails(Answer::reset());
}

#[test]
fn no_row_fails_when_a_login_page_answers_instead() {
    assert_no_row_fails(Answer::html("<html>Please log in</html>"));
}

#[test]
fn no_row_fails_when_connections_are_refused_until_the_service_starts() {
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
fn during_an_outage_single_calls_probe_the_service() {
    // Twenty failing rows make an outage; the first probe fails, the second is answered.
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
        let gap = arrivals[probe].duration_since(arrivals[probe - 1]);
        assert!(gap.as_millis() >= 900, "{gap:?} before call {probe}");
    }
    assert_eq!(service.calls(), 21 + 40);
    place.ledger().assert_all_recalled(40);
}

#[test]
fn an_outage_in_the_middle_of_a_run_holds_the_remaining_rows() {
    let failing = |call: &Request| match call.nth {
        0..30 => Answer::ok(),
        _ => Answer::code(60008),
    };
    let service = Service::recovering(failing, |_| Answer::ok());
    let place = Place::with_rows(rows(100));
    let running = place.run("rows.csv").on(service.address()).start();
    running.wait_until_it_says(IS_OUT);
    service.recovers();
    running.finish().exits(0);
    place.ledger().assert_all_recalled(100);
}

#[test]
fn during_an_outage_there_are_few_calls() {
    let service = Service::failing(Answer::code(10002));
    let place = Place::with_rows(rows(60));
    let run = place.run("rows.csv").on(service.address());
    let run = run.with(["--concurrency", "1", "--max-outage", "3500ms"]);
    run.finish().exits(4);
    // Twenty failing rows make an outage; then there are probes after 1 s, after 2 s more, and at
    // the end.
    assert!(service.calls() <= 23, "{} calls", service.calls());
}

#[test]
fn an_outage_that_lasts_too_long_stops_the_run_which_can_be_resumed() {
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
fn with_max_outage_0_rows_use_up_their_attempts_and_fail() {
    let service = Service::failing(Answer::code(10002));
    let place = Place::with_rows(rows(40));
    let run = place.run("rows.csv").on(service.address());
    let run = run.with(["--max-outage", "0", "--max-attempts", "2"]);
    let done = run.with(["--max-failures", "none"]).finish().exits(3);
    assert_eq!((done.count("failed"), service.calls()), (40, 80));
    done.never_says(IS_OUT);
}

#[test]
fn a_few_rows_that_always_fail_are_not_an_outage() {
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
