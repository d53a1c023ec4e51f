//! The interface that scripts rely on: exit codes, `--json`, and what goes to stdout and stderr.

use serde_json::Value;

use crate::stage::{Answer, Finished, Place, Service, rows};

const KEYS: [&str; 21] = [
    "by_code",
    "calls",
    "calls_per_s",
    "distinct",
    "duplicates",
    "elapsed_s",
    "failed",
    "failed_before",
    "failed_rows",
    "invalid",
    "latency_ms",
    "ledger",
    "limited_by",
    "pending",
    "recalled",
    "resumed",
    "retries",
    "rows",
    "skipped",
    "stopped",
    "worst_second",
];

/// Fails unless the output of `--json` has the documented keys and adds up.
#[track_caller]
fn assert_adds_up(done: &Finished) {
    let json = done.json();
    let mut keys: Vec<_> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    assert_eq!(keys, KEYS);
    let sum = |keys: &[&str]| keys.iter().map(|key| done.count(key)).sum::<u64>();
    assert_eq!(
        done.count("rows"),
        sum(&["distinct", "duplicates", "invalid"]),
        "{json}"
    );
    let parts = ["resumed", "recalled", "failed", "skipped", "pending"];
    assert_eq!(done.count("distinct"), sum(&parts), "{json}");
    let by_code = json["by_code"].as_object().unwrap().values();
    let failed: u64 = by_code.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(done.count("failed"), failed, "{json}");
    for percentile in ["p50", "p95", "p99"] {
        assert!(json["latency_ms"][percentile].is_number(), "{json}");
    }
    assert!(json["elapsed_s"].as_f64().unwrap() > 0.0);
    assert_eq!(done.stdout.lines().count(), 1, "one object on one line");
}

#[test]
fn the_numbers_of_json_add_up_in_every_kind_of_run() {
    let service = Service::start(|call| match (&*call.sender(), call.nth_of_row) {
        ("u1", _) => Answer::code(10010),
        ("u2", 0) => Answer::code(10002),
        ("u8", 0) => Answer::code(60020),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(12) + "@TGS#1,u0\n@TGS#1,\n@TGS#1,u4\n");
    let run = |words: &[&str]| {
        let run = place.run("rows.csv").on(service.address()).with(words);
        run.with(["--concurrency", "1"]).finish()
    };
    let canary = run(&["--limit", "4"]).exits(3);
    assert_adds_up(&canary);
    let stopped = run(&["--resume"]).exits(4);
    assert_adds_up(&stopped);
    assert_eq!(stopped.json()["stopped"], "service");
    assert!(stopped.count("pending") > 0);
    let rest = run(&["--resume"]).exits(3);
    assert_adds_up(&rest);
    assert_eq!(rest.json()["stopped"], Value::Null);
    assert_eq!([rest.count("rows"), rest.count("invalid")], [15, 1]);
    let again = run(&["--resume"]).exits(3);
    assert_adds_up(&again);
    assert_eq!([again.count("resumed"), again.count("calls")], [12, 0]);
    let replay = place.recall(["replay", "rows.ledger.jsonl", "--json"]);
    let replay = replay.finish().exits(3);
    assert_adds_up(&replay);
    assert_eq!(replay.json()["by_code"].to_string(), r#"{"10010":1}"#);
}

#[test]
fn data_goes_to_stdout_and_messages_to_stderr() {
    let service = Service::start(|call| match &*call.sender() {
        "u1" => Answer::code(10010),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(3));
    let run = place.recall(["run", "rows.csv"]).on(service.address());
    let done = run.finish().exits(3).says("2 of 3 distinct rows recalled");
    assert_eq!(done.stdout, "");
    let replay = place.recall(["replay", "rows.ledger.jsonl"]);
    assert_eq!(replay.finish().exits(3).stdout, "");
    let export = place
        .recall(["export", "rows.ledger.jsonl"])
        .finish()
        .exits(0);
    assert_eq!((export.stdout.lines().count(), &*export.stderr), (4, ""));
    let explain = place.recall(["explain", "10010"]).finish().exits(0);
    assert_eq!(explain.stderr, "");
    for words in [&["--help"][..], &["--version"], &["run", "--help"]] {
        let help = place.recall(words).finish().exits(0);
        assert!(!help.stdout.is_empty());
        assert_eq!(help.stderr, "");
    }
    let wrong = place.recall(["run"]).finish().exits(2);
    assert_eq!(wrong.stdout, "");
    let gone = place
        .recall(["export", "gone.jsonl"])
        .finish()
        .exits(1)
        .says("gone.jsonl");
    assert_eq!(gone.stdout, "");
}

#[test]
fn a_reader_that_closes_the_pipe_early_is_not_an_error() {
    let service = Service::good();
    let place = Place::with_rows(rows(3_000));
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    let head = "recall() { \"$0\" export rows.ledger.jsonl; echo $? > code; }; \
                set -o pipefail; recall | head -n 1; exit";
    let done = place.recall([""; 0]).after_shell(head).finish();
    assert_eq!(done.stdout.lines().count(), 1);
    assert_eq!((&*place.read("code"), &*done.stderr), ("0\n", ""));
}

#[test]
fn without_progress_only_the_summary_is_printed() {
    let service = Service::good();
    let place = Place::with_rows(rows(5));
    let run = place.run("rows.csv").on(service.address());
    let done = run
        .with(["--progress", "none"])
        .env("RECALL_USERSIG", "x")
        .finish()
        .exits(0);
    let lines = done.stderr.lines().filter(|line| !line.contains("WARN"));
    let first = lines.into_iter().next().unwrap();
    assert!(
        first.starts_with("5 of 5 distinct rows recalled"),
        "{}",
        done.stderr
    );
}

/// Whether a character controls the terminal, breaks a line or changes the text direction.
fn is_harmful(c: char) -> bool {
    c.is_control() || "\u{61c}\u{2028}\u{2029}\u{202e}".contains(c)
}

/// Fails if the output has anything but text and line feeds.
#[track_caller]
fn assert_harmless(done: &Finished) {
    for text in [&done.stdout, &done.stderr] {
        assert!(!text.replace('\n', "").contains(is_harmful), "{text:?}");
    }
}

const ESCAPES: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\r\u{8}\u{9b}31m\n\u{0}\u{61c}\u{2028}\u{2029}\u{202e}";

#[test]
fn text_from_the_service_can_not_control_the_terminal() {
    for (code, exit) in [(10010, 3), (60026, 4), (70001, 4), (10002, 3)] {
        let service = Service::start(move |_| Answer::error(code, ESCAPES));
        let place = Place::with_rows(rows(3));
        let run = place.run("rows.csv").on(service.address());
        let done = run.with(["--max-attempts", "1"]).finish().exits(exit);
        assert_harmless(&done);
        let ledger = place.read("rows.ledger.jsonl");
        assert!(!ledger.replace('\n', "").contains(is_harmful), "{ledger:?}");
        let export = place.recall(["export", "rows.ledger.jsonl"]).finish();
        assert_harmless(&export);
    }
    let service = Service::start(|_| Answer::error(10002, ESCAPES));
    let place = Place::with_rows(rows(30));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--max-outage", "100ms"]).finish().exits(4);
    assert_harmless(&done.says("The service is out"));
}

#[test]
fn text_from_the_input_can_not_control_the_terminal() {
    let service = Service::good();
    let place = Place::with_rows(format!("room{ESCAPES},uid\nr,u\n").replace('\n', " ") + "\n");
    assert_harmless(
        &place
            .run("rows.csv")
            .on(service.address())
            .finish()
            .exits(1),
    );
    let place = Place::with_rows(format!("group,sender\n\"g{ESCAPES}\",u\ng,\"{ESCAPES}"));
    let done = place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(3);
    assert_harmless(&done);
    assert_harmless(
        &place
            .recall(["export", "rows.ledger.jsonl"])
            .finish()
            .exits(0),
    );
    let named = place.run("rows.csv").on(service.address());
    assert_harmless(&named.with(["--columns", "group=\u{1b}[2J"]).finish());
    assert_eq!(service.calls(), 0);
}

#[test]
fn file_names_can_not_control_the_terminal() {
    let service = Service::start(|_| Answer::code(10010));
    let name = |end: &str| format!("\u{1b}[2J\u{9b}31m\r\u{202e}\u{2028}{end}");
    let (rows, more) = (name("rows.csv"), name("more.csv"));
    let place = Place::new();
    place.write(&rows, "group,sender\ng1,\ng1,null\ng1,ann\n");
    place.write(&more, "group,sender\ng1,\ng2,null\n");
    let harmless = |words: &[&str], exit| {
        let done = place.recall(words).finish().exits(exit);
        assert_harmless(&done);
        done
    };
    harmless(&["check", &rows], 3).prints(r"\u{1b}[2J\u{9b}31m\u{d}\u{202e}\u{2028}rows.csv");
    harmless(&["check", &rows, &more], 3).prints(r"\u{2028}more.csv:2: the sender is empty");
    harmless(&["check", &name("gone.csv")], 1).says(r"\u{2028}gone.csv: cannot be opened");
    harmless(&["check", &rows, &rows], 2).says("is given twice");
    let ledger = name("ledger.jsonl");
    for command in ["replay", "export", "report"] {
        harmless(&[command, &ledger], 1).says(r"cannot read the ledger \u{1b}[2J");
    }
    let run = place.recall(["run", &rows, &more, "--ledger", &ledger]);
    assert_harmless(&run.on(service.address()).finish().exits(3));
    harmless(&["check", &ledger], 2).says("is a ledger");
    harmless(&["report", &ledger], 0);
    harmless(&["report", &ledger, "--html", &name("page.html")], 0).says("Report: ");
    harmless(&["report", &ledger, "--html", &rows], 2).says("is not a recall report");
    harmless(&["export", &ledger], 0).prints(r"\u{2028}rows.csv");
}

#[test]
fn the_samples_give_the_expected_counts_in_a_rehearsal() {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/");
    let mut found = Vec::new();
    for sample in ["spam-wave.csv", "spam-wave.jsonl", "failed-rows.csv"] {
        let place = Place::new();
        place.write(sample, std::fs::read(samples.to_owned() + sample).unwrap());
        let run = place.run(sample).with(["--mock"]);
        let done = run.finish();
        assert_adds_up(&done);
        let counts = ["distinct", "duplicates", "invalid", "recalled"];
        found.push((done.status.code(), counts.map(|key| done.count(key))));
    }
    assert_eq!(found[0], (Some(3), [38, 6, 1, 38]));
    assert_eq!(found[1], found[0], "JSONL should give the same");
    assert_eq!(found[2], (Some(0), [5, 0, 0, 5]));
}
