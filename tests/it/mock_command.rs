//! `recall mock`: the service as a process of its own, for rehearsals and benchmarks.

use std::net::SocketAddr;

use rustix::process::Signal;
use serde_json::Value;

use crate::stage::{Place, Running, calls_of_rows, get, rows};

/// Starts a mock with these words on any free port.
fn start(place: &Place, words: &[&str]) -> (Running, SocketAddr) {
    let mock = place
        .recall(["mock", "--listen", "127.0.0.1:0"])
        .with(words);
    let running = mock.start();
    let banner = running.until_it_prints("Ctrl-C");
    let address = banner.split("http://").nth(1).unwrap();
    let address = address.lines().next().unwrap().parse().unwrap();
    (running, address)
}

fn seen(address: SocketAddr) -> Value {
    serde_json::from_str(&get(address, "/mock/seen")).unwrap()
}

#[test]
fn it_tells_what_it_saw_when_asked_and_at_its_end() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = Place::with_rows(rows(30));
        let (mock, address) = start(&place, &["--count-rows"]);
        place.run("rows.csv").on(address).finish().exits(0);
        let figures = seen(address);
        assert_eq!(
            (&figures["calls"], &figures["rows"]),
            (&30.into(), &30.into())
        );
        assert_eq!(figures["by_code"].to_string(), r#"{"0":30}"#);
        assert_eq!(figures["most_calls_for_a_row"], 1);
        assert_eq!(calls_of_rows(address).len(), 30);
        mock.signal(signal);
        let done = mock.finish().exits(0);
        let last: Value = serde_json::from_str(done.stdout.lines().last().unwrap()).unwrap();
        assert_eq!(last["calls"], 30);
    }
}

#[test]
fn faults_come_as_often_as_asked_for_and_the_same_for_the_same_seed() {
    let outcomes = |words: &[&str]| {
        let place = Place::with_rows(rows(300));
        let words = [&["--count-rows", "--fail", "10010=20%"], words].concat();
        let (_mock, address) = start(&place, &words);
        let run = place.run("rows.csv").on(address);
        run.finish().exits(3);
        let mut failed = place.ledger().entries;
        failed.retain(|entry| entry.code == 10010);
        let mut failed: Vec<_> = failed.into_iter().map(|entry| entry.sender).collect();
        failed.sort();
        assert_eq!(seen(address)["by_code"]["10010"], failed.len());
        failed
    };
    let first = outcomes(&["--seed", "7"]);
    assert!((30..90).contains(&first.len()), "{}", first.len());
    assert_eq!(outcomes(&["--seed", "7"]), first);
    assert_ne!(outcomes(&["--seed", "8"]), first);
    assert_ne!(outcomes(&[]), first);
}

#[test]
fn answers_take_as_long_as_asked_for() {
    let place = Place::with_rows(rows(5));
    let (_mock, address) = start(&place, &["--latency", "80ms..120ms"]);
    let done = place.run("rows.csv").on(address).finish().exits(0);
    let least = place
        .ledger()
        .entries
        .iter()
        .map(|entry| entry.ms.unwrap())
        .min();
    assert!(least >= Some(80), "{least:?}");
    assert!(done.json()["latency_ms"]["p50"].as_f64().unwrap() >= 80.0);
}

#[test]
fn calls_above_its_cap_get_the_frequency_error() {
    let place = Place::with_rows(rows(40));
    let (_mock, address) = start(&place, &["--cap", "25"]);
    place
        .run("rows.csv")
        .on(address)
        .finish()
        .exits(0)
        .says("called too often");
    let figures = seen(address);
    assert!(figures["over_cap"].as_u64() >= Some(15), "{figures}");
    assert_eq!(figures["by_code"]["60007"], figures["over_cap"]);
    place.ledger().has_recalled_each_of(40);
}

#[test]
fn other_machines_reach_it_only_if_that_is_wanted() {
    let place = Place::new();
    let refused = place.recall(["mock", "--listen", "0.0.0.0:0"]).finish();
    refused.exits(2).says("--public");
}

#[test]
fn a_port_that_is_taken_is_told() {
    let place = Place::new();
    let (_mock, address) = start(&place, &[]);
    let second = place.recall(["mock", "--listen", &address.to_string()]);
    second.finish().exits(1).says(&address.to_string());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let place = Place::new();
    for words in [
        ["--fail", "10002", "10002"],
        ["--fail", "10002=101%", "101%"],
        ["--latency", "soon", "soon"],
        ["--cap", "x", "cap"],
        ["--listen", "here", "here"],
    ] {
        let mock = place.recall(["mock"]).with(&words[..2]);
        mock.finish().exits(2).says(words[2]);
    }
}

#[test]
fn the_mock_inside_a_run_has_the_same_knobs() {
    let place = Place::with_rows(rows(40));
    let rehearse = |words: &[&str]| {
        let run = place.run("rows.csv").with(["--mock"]).with(words);
        let done = run.finish();
        (done, place.ledger_called("rows.mock.ledger.jsonl"))
    };
    let (done, ledger) = rehearse(&["--mock-latency", "60ms"]);
    done.exits(0);
    assert!(ledger.entries.iter().all(|entry| entry.ms >= Some(60)));
    let failing = |seed: &str| {
        let (done, ledger) = rehearse(&["--mock-fail", "10010=30%", "--mock-seed", seed]);
        done.exits(3).count("failed") + u64::try_from(ledger.entries.len()).unwrap()
    };
    assert!((41..80).contains(&failing("3")), "some fail");
    let (done, _) = rehearse(&["--mock-cap", "25"]);
    assert!(done.exits(0).says("called too often").count("retries") >= 15);
}
