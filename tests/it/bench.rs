//! `recall bench`: the figures it prints, and that it leaves no files.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::stage::{Finished, Place, Recall, wait_until};

const KEYS: [&str; 17] = [
    "busy",
    "calls",
    "calls_per_s",
    "concurrency",
    "cpu_s_per_100k_calls",
    "elapsed_s",
    "failed",
    "lag_ms",
    "latency_ms",
    "limited_by",
    "mean_of_cap",
    "peak_memory",
    "rate",
    "recalled",
    "retries",
    "rows",
    "worst_second",
];

/// `recall bench --json` with these arguments.
fn bench(place: &Place, words: &[&str]) -> Recall {
    place.recall(["bench", "--json"]).with(words)
}

fn keys(json: &Value) -> Vec<&str> {
    let keys = json.as_object().unwrap().keys();
    let mut keys: Vec<_> = keys.map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// A count in a part.
#[track_caller]
fn count(part: &Value, key: &str) -> u64 {
    part[key]
        .as_u64()
        .unwrap_or_else(|| panic!("{key} in {part}"))
}

/// Returns the only part of the output. Fails unless it has the documented keys and they add up.
#[track_caller]
fn only_part(done: &Finished) -> Value {
    assert_eq!(done.stdout.lines().count(), 1, "one object on one line");
    let json = done.json();
    assert_eq!(keys(&json), ["cores", "parts", "version"]);
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert!(count(&json, "cores") > 0);
    let [part] = &json["parts"].as_array().unwrap()[..] else {
        panic!("{json}")
    };
    assert_eq!(keys(part), KEYS);
    assert_eq!(keys(&part["worst_second"]), ["client", "mock"]);
    assert_eq!(keys(&part["latency_ms"]), ["p50", "p99"]);
    let settled = count(part, "recalled") + count(part, "failed");
    assert_eq!(count(part, "rows"), settled, "{part}");
    let calls = count(part, "rows") + count(part, "retries");
    assert_eq!(count(part, "calls"), calls, "{part}");
    let number = |key: &str| part[key].as_f64().unwrap();
    let whole = number("calls_per_s") * number("elapsed_s");
    assert!((whole - calls as f64).abs() < 0.5, "{part}");
    part.clone()
}

/// Fails unless its ledger is gone and the working folder is empty.
#[track_caller]
fn assert_left_clean(place: &Place) {
    let temporary = fs::read_dir(place.tmp_dir()).unwrap();
    assert_eq!(temporary.count(), 0);
    assert!(place.files().is_empty(), "{:?}", place.files());
}

#[test]
fn the_figures_are_one_object_that_adds_up() {
    let place = Place::new();
    let done = bench(&place, &["--rate", "max", "--rows", "200"]).finish();
    let part = only_part(&done.exits(0));
    assert_eq!([count(&part, "rows"), count(&part, "recalled")], [200, 200]);
    assert_eq!(count(&part, "concurrency"), 200);
    for none in ["rate", "mean_of_cap", "lag_ms"] {
        assert_eq!(part[none], Value::Null, "{none} without a cap");
    }
    assert_left_clean(&place);
}

#[test]
fn it_needs_no_credentials_and_no_service() {
    let place = Place::new();
    let bench = bench(&place, &["--rows", "5"]).without("RECALL_SDKAPPID");
    let done = bench.without("RECALL_USERSIG").finish().exits(0);
    assert_eq!(count(&only_part(&done), "recalled"), 5);
}

#[test]
fn at_a_rate_it_keeps_the_cap_and_reports_how_close_it_came() {
    let place = Place::new();
    let done = bench(&place, &["--rate", "40", "--rows", "90"]).finish();
    let part = only_part(&done.exits(0));
    assert_eq!([count(&part, "rate"), count(&part, "rows")], [40, 90]);
    for side in ["client", "mock"] {
        let most = count(&part["worst_second"], side);
        assert!((1..=40).contains(&most), "{side}: {part}");
    }
    let mean = part["mean_of_cap"].as_f64().unwrap();
    assert!(mean > 0.0, "{part}");
    assert_eq!(keys(&part["lag_ms"]), ["p50", "p99"]);
    assert_eq!(part["limited_by"], "cap");
}

#[test]
fn no_more_calls_are_in_flight_than_concurrency_allows() {
    let place = Place::new();
    let words = ["--rows", "12", "--concurrency", "3"];
    let bench = bench(&place, &words).with(["--mock-latency", "100ms"]);
    let part = only_part(&bench.finish().exits(0));
    assert_eq!(count(&part, "concurrency"), 3);
    // Twelve calls, three at a time, take four rounds of 100 ms.
    assert!(part["elapsed_s"].as_f64() >= Some(0.4), "{part}");
    assert!(part["latency_ms"]["p50"].as_f64() >= Some(100.0), "{part}");
    assert_eq!(part["limited_by"], "concurrency");
}

#[test]
fn faults_of_the_mock_are_counted_and_the_bench_succeeds() {
    let place = Place::new();
    let faults = ["--mock-fail", "10002=10%", "--mock-fail", "10010=20%"];
    let done = bench(&place, &["--rows", "200"]).with(faults).finish();
    let part = only_part(&done.exits(0));
    let failed = count(&part, "failed");
    assert!((1..200).contains(&failed), "{part}");
    assert!(count(&part, "retries") > 0, "{part}");
}

#[test]
fn the_text_has_a_title_and_then_the_figures() {
    let place = Place::new();
    for (words, title) in [
        (&["--rows", "20"][..], "At full speed, immediate answers"),
        (
            &["--rows", "20", "--rate", "200", "--mock-latency", "5ms"],
            "At 200 calls/s, answers after 5ms",
        ),
    ] {
        let done = place.recall(["bench"]).with(words).finish().exits(0);
        assert_eq!(done.stdout.lines().next(), Some(title));
        for words in [
            "  calls         20 (0 retries) in ",
            "  worst second  ",
            "  latency       p50 ",
            "  schedule lag  ",
            "  limited by    ",
        ] {
            let mut lines = done.stdout.lines();
            assert!(
                lines.any(|line| line.starts_with(words)),
                "{words:?} is not in\n{}",
                done.stdout
            );
        }
    }
}

#[test]
fn an_interrupted_bench_reports_its_calls_so_far_and_leaves_no_files() {
    let place = Place::new();
    let words = ["--rate", "40", "--rows", "100000"];
    let running = bench(&place, &words).start();
    wait_until("an entry in its ledger", || {
        let mut folders = fs::read_dir(place.tmp_dir()).unwrap();
        folders.any(|folder| {
            let ledger = folder.unwrap().path().join("bench.ledger.jsonl");
            fs::read_to_string(ledger).is_ok_and(|text| text.matches('\n').count() > 1)
        })
    });
    running.signal(Signal::INT);
    let done = running.finish().exits(130);
    let parts = &done.json()["parts"];
    let recalled = count(&parts[0], "recalled");
    assert!((1..100_000).contains(&recalled), "{parts}");
    done.says("Stopped early");
    assert_left_clean(&place);
}

#[test]
fn invalid_flag_values_are_refused() {
    let place = Place::new();
    for (flag, value, words) in [
        ("--rate", "0", "--rate 0 is not"),
        ("--rate", "fast", "--rate fast is not"),
        ("--rows", "0", "'0' for '--rows"),
        ("--concurrency", "0", "'0' for '--concurrency"),
        ("--mock-latency", "soon", "\"soon\" is not a duration"),
        ("--mock-fail", "10002", "\"10002\" has no ="),
    ] {
        bench(&place, &[flag, value]).finish().exits(2).says(words);
    }
    assert_left_clean(&place);
}
