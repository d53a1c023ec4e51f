//! One run at a time per app. Two concurrent runs would exceed the cap, and so would two in quick
//! succession if the second knew nothing about the calls of the first.

use std::fs;
use std::net::SocketAddr;

use rustix::process::Signal;

use crate::stage::{Place, Recall, Running, Service, peak_per_second, rows};

/// Another operator's run of other rows on the same machine, with the same lock folder.
fn another(first: &Place, other: &Place, address: SocketAddr) -> Recall {
    other
        .run("rows.csv")
        .on(address)
        .env("TMPDIR", first.tmp_dir())
}

#[test]
fn a_second_run_for_the_same_app_is_refused_and_names_the_first() {
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
fn with_wait_a_second_run_starts_when_the_first_ends() {
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
fn a_killed_run_releases_the_lock() {
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
fn the_same_service_under_another_name_shares_the_lock() {
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
fn another_port_on_this_machine_has_its_own_lock() {
    let (service, gate) = Service::gated();
    let well = Service::good();
    let (place, other) = (Place::with_rows(rows(2)), Place::with_rows(rows(3)));
    let first = place.run("rows.csv").on(service.address()).start();
    service.wait_until_called(1);
    another(&place, &other, well.address()).finish().exits(0);
    gate.open();
    first.finish().exits(0);
}

/// Calls per second.
const RATE: &str = "20";

/// Starts a run that makes a full second's worth of calls at [`RATE`]. None is answered before the
/// gate opens.
fn a_full_second(place: &Place, service: &Service) -> Running {
    let run = place.run("rows.csv").on(service.address());
    let running = run.with(["--concurrency", RATE]).start();
    service.wait_until_called(RATE.parse().unwrap());
    running
}

#[test]
fn a_resumed_run_and_the_stopped_run_before_it_keep_the_cap_together() {
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
        let peak = peak_per_second(service.arrivals());
        assert!(peak <= 20, "{peak} in a second after {signal:?}");
    }
}

#[test]
fn a_run_that_waited_and_the_run_before_it_keep_the_cap_together() {
    let (service, gate) = Service::gated();
    let (place, other) = (Place::with_rows(rows(20)), Place::with_rows(rows(5)));
    let first = a_full_second(&place, &service);
    let second = another(&place, &other, service.address()).rate(RATE);
    let second = second.with(["--wait"]).start();
    second.wait_until_it_says("Waiting for another run");
    gate.open();
    first.finish().exits(0);
    second.finish().exits(0);
    let peak = peak_per_second(service.arrivals());
    assert!(peak <= 20, "{peak} in a second");
}

#[test]
fn a_lock_file_that_recall_did_not_write_is_not_changed() {
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
