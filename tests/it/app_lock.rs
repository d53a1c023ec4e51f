//! One run at a time for an app: two together would break its cap, and so would two that follow
//! each other closely, if the second knew nothing of the first.

use std::fs;
use std::net::SocketAddr;

use rustix::process::Signal;

use crate::stage::{Place, Recall, Running, Service, peak_per_second, rows};

/// Another operator's run of other rows, on the same machine: the lock lies where both look.
fn another(first: &Place, other: &Place, address: SocketAddr) -> Recall {
    other
        .run("rows.csv")
        .on(address)
        .env("TMPDIR", first.tmp_dir())
}

#[test]
fn a_second_run_for_the_same_app_is_refused_and_told_of_the_first() {
    let (service, gate) = Service::gated();
    let (place, other) = (Place::with_rows(rows(2)), Place::with_rows(rows(3)));
    let first = place.run("rows.csv").on(service.address()).start();
    service.wait_until_called(1);
    let refused = another(&place, &other, service.address()).finish().exits(1);
    refused
        .says(&format!("process {}", first.id()))
        .says("ledger rows.ledger.jsonl")
        .says("--wait");
    assert!(
        !other.files().contains(&"rows.ledger.jsonl".to_owned()),
        "{:?}",
        other.files()
    );
    gate.open();
    first.finish().exits(0);
}

#[test]
fn with_wait_it_queues_behind_the_first() {
    let (service, gate) = Service::gated();
    let (place, other) = (Place::with_rows(rows(2)), Place::with_rows(rows(3)));
    let first = place.run("rows.csv").on(service.address()).start();
    service.wait_until_called(1);
    let second = another(&place, &other, service.address())
        .with(["--wait"])
        .start();
    second.wait_until_it_says("Waiting for another run");
    assert!(service.requests().iter().all(|call| call.sender() != "u2"));
    gate.open();
    first.finish().exits(0);
    second.finish().exits(0);
    other.ledger().assert_all_recalled(3);
}

#[test]
fn a_killed_run_does_not_keep_its_turn() {
    let (service, gate) = Service::gated();
    let (place, other) = (Place::with_rows(rows(2)), Place::with_rows(rows(3)));
    let first = place.run("rows.csv").on(service.address()).start();
    service.wait_until_called(1);
    first.signal(Signal::KILL);
    first.finish();
    gate.open();
    another(&place, &other, service.address()).finish().exits(0);
}

#[test]
fn the_same_service_by_another_name_is_the_same() {
    let (service, gate) = Service::gated();
    let (place, other) = (Place::with_rows(rows(2)), Place::with_rows(rows(3)));
    let first = place.run("rows.csv").on(service.address()).start();
    service.wait_until_called(1);
    let by_name = format!("http://localhost:{}", service.address().port());
    let second = other.run("rows.csv").with(["--endpoint", &by_name]);
    let refused = second.env("TMPDIR", place.tmp_dir()).finish().exits(1);
    refused.says("another run for app 1400000000 is in progress: process");
    gate.open();
    first.finish().exits(0);
}

#[test]
fn another_port_of_this_machine_has_a_turn_of_its_own() {
    let (service, gate) = Service::gated();
    let well = Service::good();
    let (place, other) = (Place::with_rows(rows(2)), Place::with_rows(rows(3)));
    let first = place.run("rows.csv").on(service.address()).start();
    service.wait_until_called(1);
    another(&place, &other, well.address()).finish().exits(0);
    gate.open();
    first.finish().exits(0);
}

/// So many rows a second.
const RATE: &str = "20";

/// A second's calls of [`RATE`], all made and none of them answered before the gate opens.
fn a_full_second(place: &Place, service: &Service) -> Running {
    let run = place.run("rows.csv").on(service.address());
    let running = run.with(["--concurrency", RATE]).start();
    service.wait_until_called(RATE.parse().unwrap());
    running
}

#[test]
fn a_run_that_is_gone_on_with_keeps_the_cap_together_with_the_one_that_was_stopped() {
    for signal in [Signal::KILL, Signal::INT] {
        let (service, gate) = Service::gated();
        let place = Place::with_rows(rows(25));
        let first = a_full_second(&place, &service);
        first.signal(signal);
        if signal == Signal::INT {
            first.wait_until_it_says("Stopping");
        }
        gate.open();
        first.finish();
        let rest = place.run("rows.csv").on(service.address()).rate(RATE);
        rest.with(["--resume"]).finish().exits(0);
        place.ledger().assert_all_recalled(25);
        let most = peak_per_second(service.arrivals());
        assert!(most <= 20, "{most} after {signal:?}");
    }
}

#[test]
fn a_run_that_has_queued_keeps_the_cap_together_with_the_one_before() {
    let (service, gate) = Service::gated();
    let (place, other) = (Place::with_rows(rows(20)), Place::with_rows(rows(5)));
    let first = a_full_second(&place, &service);
    let second = another(&place, &other, service.address()).rate(RATE);
    let second = second.with(["--wait"]).start();
    second.wait_until_it_says("Waiting for another run");
    gate.open();
    first.finish().exits(0);
    second.finish().exits(0);
    let most = peak_per_second(service.arrivals());
    assert!(most <= 20, "{most} in a second");
}

#[test]
fn what_is_no_note_of_a_run_is_left_alone() {
    let service = Service::good();
    let place = Place::with_rows(rows(1));
    let port = service.address().port();
    let name = format!("recall-1400000000-loopback-{port}.lock");
    let file = place.tmp_dir().join(name);
    fs::write(&file, "somebody's notes").unwrap();
    let run = place.run("rows.csv").on(service.address());
    let refused = run.finish().exits(1);
    refused.says(file.to_str().unwrap()).says("delete it");
    assert_eq!(fs::read_to_string(&file).unwrap(), "somebody's notes");
    assert_eq!(service.calls(), 0);
}
