//! One run at a time for an app and endpoint: two together would break the cap.

use std::net::SocketAddr;

use rustix::process::Signal;

use crate::stage::{Answer, Gate, Place, Recall, Service, rows};

/// A run that can't end before the gate opens.
fn held_up(answer: Gate) -> Service {
    Service::start(move |_| Answer::ok().behind(&answer))
}

/// Another operator's run of other rows, on the same machine: the lock lies where both look.
fn another(first: &Place, other: &Place, address: SocketAddr) -> Recall {
    other
        .run("rows.csv")
        .on(address)
        .env("TMPDIR", first.temporary())
}

#[test]
fn a_second_run_for_the_same_app_is_refused_and_told_of_the_first() {
    let gate = Gate::default();
    let service = held_up(gate.clone());
    let (place, other) = (Place::with_rows(rows(2)), Place::with_rows(rows(3)));
    let first = place.run("rows.csv").on(service.address()).start();
    service.until_called(1);
    let refused = another(&place, &other, service.address()).finish().exits(1);
    assert!(
        refused.stderr.contains(&format!("process {}", first.id())),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("--wait"), "{}", refused.stderr);
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
    let gate = Gate::default();
    let service = held_up(gate.clone());
    let (place, other) = (Place::with_rows(rows(2)), Place::with_rows(rows(3)));
    let first = place.run("rows.csv").on(service.address()).start();
    service.until_called(1);
    let second = another(&place, &other, service.address())
        .with(["--wait"])
        .start();
    second.until_it_says("Waiting for another run");
    assert!(
        service
            .requests()
            .iter()
            .all(|call| call.json()["Sender_Account"] != "u2")
    );
    gate.open();
    first.finish().exits(0);
    second.finish().exits(0);
    other.ledger().has_recalled_each_of(3);
}

#[test]
fn a_killed_run_does_not_keep_its_turn() {
    let gate = Gate::default();
    let service = held_up(gate.clone());
    let (place, other) = (Place::with_rows(rows(2)), Place::with_rows(rows(3)));
    let first = place.run("rows.csv").on(service.address()).start();
    service.until_called(1);
    first.signal(Signal::KILL);
    first.finish();
    gate.open();
    another(&place, &other, service.address()).finish().exits(0);
}

#[test]
fn another_endpoint_has_a_turn_of_its_own() {
    let gate = Gate::default();
    let service = held_up(gate.clone());
    let well = Service::good();
    let (place, other) = (Place::with_rows(rows(2)), Place::with_rows(rows(3)));
    let first = place.run("rows.csv").on(service.address()).start();
    service.until_called(1);
    another(&place, &other, well.address()).finish().exits(0);
    gate.open();
    first.finish().exits(0);
}
