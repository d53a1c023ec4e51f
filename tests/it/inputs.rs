//! Several inputs in one run: read one after the other, as if they were one.

use std::fs;
use std::io::Write as _;

use serde_json::json;

use crate::stage::{Answer, Entry, Gate, Place, Recall, Service, rows, senders};

/// A place with `a.csv` of three rows and `b.jsonl` of two. One row is in both.
fn two_inputs() -> Place {
    let place = Place::new();
    place.write("a.csv", "group,sender\ng,ann\ng,bob\ng,carol\n");
    place.write(
        "b.jsonl",
        "{\"group\":\"g\",\"sender\":\"bob\"}\n{\"group\":\"g\",\"sender\":\"dan\"}\n",
    );
    place
}

/// `recall run INPUT… --ledger l.jsonl` against the service.
fn run(place: &Place, inputs: &[&str], service: &Service) -> Recall {
    let run = place.recall(["run", "--json", "--ledger", "l.jsonl"]);
    run.with(inputs).on(service.address()).rate("max")
}

/// The input and line of a row.
fn input_and_line(entry: &Entry) -> (&str, u64) {
    (&entry.input, entry.row)
}

#[test]
fn inputs_are_read_in_order_and_duplicates_are_found_across_them() {
    let service = Service::good();
    let place = two_inputs();
    place.write("c.tsv", "sender\tx\tgroup\nann\t\th\ndan\t\tg\n");
    let run = run(&place, &["a.csv", "b.jsonl", "c.tsv"], &service);
    let done = run.with(["--concurrency", "1"]).finish().exits(0);
    let counts = ["rows", "distinct", "duplicates"].map(|key| done.count(key));
    assert_eq!(counts, [7, 5, 2]);
    let ledger = place.ledger_named("l.jsonl");
    assert_eq!(ledger.senders(), ["ann", "bob", "carol", "dan", "ann"]);
    let places: Vec<_> = ledger.entries.iter().map(input_and_line).collect();
    assert_eq!(
        places,
        [
            ("a.csv", 2),
            ("a.csv", 3),
            ("a.csv", 4),
            ("b.jsonl", 2),
            ("c.tsv", 2)
        ]
    );
    assert_eq!(ledger.header.input, "a.csv and 2 more");
    assert_eq!(service.calls(), 5);
}

#[test]
fn a_single_input_is_not_named_in_every_entry() {
    let place = two_inputs();
    let service = Service::good();
    run(&place, &["a.csv"], &service).finish().exits(0);
    assert!(!place.read("l.jsonl").contains("\"input\":\"\""));
    assert_eq!(place.ledger_named("l.jsonl").entry_of("ann").input, "");
}

#[test]
fn stdin_is_read_at_its_position_among_the_inputs() {
    let service = Service::good();
    let place = two_inputs();
    let run = run(&place, &["b.jsonl", "-", "a.csv"], &service);
    let run = run.stdin("group,sender\ng,eve\n");
    run.with(["--concurrency", "1"]).finish().exits(0);
    let ledger = place.ledger_named("l.jsonl");
    assert_eq!(ledger.senders(), ["bob", "dan", "eve", "ann", "carol"]);
    assert_eq!(input_and_line(ledger.entry_of("eve")), ("stdin", 2));
}

#[test]
fn several_inputs_need_a_ledger_flag_even_in_a_rehearsal() {
    let service = Service::good();
    for on in [
        &["--mock"][..],
        &["--endpoint", &format!("http://{}", service.address())],
    ] {
        let place = two_inputs();
        let run = place.recall(["run", "a.csv", "b.jsonl"]).with(on);
        run.finish()
            .exits(2)
            .says("hint: name one, such as --ledger");
        assert_eq!(place.files(), ["a.csv", "b.jsonl"]);
    }
    assert_eq!(service.calls(), 0);
}

#[test]
fn an_input_given_twice_is_refused() {
    let service = Service::good();
    let place = two_inputs();
    for (inputs, twice) in [
        (&["a.csv", "b.jsonl", "./a.csv"][..], "./a.csv"),
        (&["-", "a.csv", "-"], "-"),
    ] {
        let done = run(&place, inputs, &service).finish().exits(2);
        done.says(&format!("{twice} is given twice"));
    }
    assert_eq!(service.calls(), 0);
}

#[test]
fn an_unusable_input_is_named_before_the_first_call() {
    let service = Service::good();
    let place = two_inputs();
    place.write("room.csv", "room,uid\nr,u\n");
    place.write("empty.csv", "");
    for (last, words) in [
        ("gone.csv", "gone.csv: cannot be opened"),
        ("room.csv", "room.csv: no columns for the group"),
        ("empty.csv", "empty.csv: is empty"),
    ] {
        let inputs = ["a.csv", "b.jsonl", last];
        run(&place, &inputs, &service).finish().exits(1).says(words);
    }
    let first = run(&place, &["a.csv"], &service);
    first.finish().exits(0);
    fs::rename(place.path("l.jsonl"), place.path("old.jsonl")).unwrap();
    let with_a_ledger = run(&place, &["b.jsonl", "old.jsonl"], &service);
    with_a_ledger
        .finish()
        .exits(2)
        .says("old.jsonl is a ledger");
    assert_eq!(service.calls(), 3);
    assert!(!place.files().contains(&"l.jsonl".to_owned()));
}

#[test]
fn results_never_overwrite_an_input() {
    let service = Service::good();
    for flag in ["--ledger", "--failed"] {
        for input in ["a.csv", "b.jsonl"] {
            let place = two_inputs();
            let before = place.read(input);
            let run = place.recall(["run", "a.csv", "b.jsonl", flag, input]);
            let run = match flag {
                "--failed" => run.with(["--ledger", "l.jsonl"]),
                _ => run,
            };
            let done = run.on(service.address()).finish().exits(2);
            done.says("and the input are both").says(input);
            assert_eq!(place.read(input), before);
        }
    }
    assert_eq!(service.calls(), 0);
}

#[test]
fn the_failed_rows_are_named_after_the_ledger_and_have_the_format_of_the_first_input() {
    let service = Service::start(|call| match (&*call.sender(), call.nth_of_row) {
        ("dan", 0) | ("bob", _) => Answer::code(10010),
        _ => Answer::ok(),
    });
    for (inputs, failed) in [
        (["a.csv", "b.jsonl"], "wave.failed.csv"),
        (["b.jsonl", "a.csv"], "wave.failed.jsonl"),
    ] {
        let place = two_inputs();
        let run = place.recall(["run", "--ledger", "wave.ledger.jsonl"]);
        let run = run.with(inputs).on(service.address());
        run.finish().exits(3);
        let names = ["a.csv", "b.jsonl", failed, "wave.ledger.jsonl"];
        assert_eq!(place.files(), names);
        // A replay writes the rows that still fail to the same file, and keeps their input and
        // line.
        let replay = place.recall(["replay", "wave.ledger.jsonl"]);
        replay.finish().exits(3);
        assert_eq!(place.files(), names);
        let ledger = place.ledger_named("wave.ledger.jsonl");
        let bob = ledger.entry_of("bob");
        let again: Vec<_> = ledger
            .entries
            .iter()
            .filter(|e| e.sender == "bob")
            .collect();
        assert_eq!(again.len(), 2);
        assert_eq!(input_and_line(bob), input_and_line(again[0]));
    }
}

#[test]
fn bad_rows_on_the_same_line_of_two_inputs_are_each_recorded_once() {
    let service = Service::good();
    let place = Place::new();
    place.write("a.csv", "group,sender\ng,ann\ng,\n");
    place.write("b.csv", "group,sender\ng,bob\ng,\n");
    for _ in 0..2 {
        let run = run(&place, &["a.csv", "b.csv"], &service);
        let done = run.with(["--resume"]).finish().exits(3);
        assert_eq!(done.count("invalid"), 2);
    }
    let ledger = place.ledger_named("l.jsonl");
    let bad = ledger.entries.iter().filter(|e| e.outcome == "invalid");
    let places: Vec<_> = bad.map(input_and_line).collect();
    assert_eq!(places, [("a.csv", 3), ("b.csv", 3)]);

    let report = place.recall(["report", "l.jsonl"]).finish().exits(0);
    let line = "2  the sender is empty (lines a.csv:3, b.csv:3)";
    assert!(report.stdout.contains(line), "{}", report.stdout);
    let report = place.recall(["report", "l.jsonl", "--json"]).finish();
    let unsent = &report.json()["unsent"][0];
    assert_eq!(unsent["lines"], json!([3, 3]));
    assert_eq!(unsent["inputs"], json!(["a.csv", "b.csv"]));
    let export = place.recall(["export", "l.jsonl", "--outcome", "invalid"]);
    assert_eq!(
        export.finish().exits(0).stdout,
        "row,input,group,sender,topic,outcome,code,info,attempts,sent_at,ms\n\
         3,a.csv,,,,invalid,0,the sender is empty,0,,\n\
         3,b.csv,,,,invalid,0,the sender is empty,0,,\n"
    );
}

#[test]
fn failed_rows_in_a_report_name_their_input() {
    let service = Service::start(|_| Answer::code(10010));
    let place = two_inputs();
    run(&place, &["a.csv", "b.jsonl"], &service)
        .finish()
        .exits(3);
    let report = place.recall(["report", "l.jsonl"]).finish().exits(0);
    assert!(
        report.stdout.contains("b.jsonl:2  10010  g  dan"),
        "{}",
        report.stdout
    );
    let words = ["report", "l.jsonl", "--html", "report.html"];
    place.recall(words).finish().exits(0);
    assert!(
        place
            .read("report.html")
            .contains("<td class=\"number\">b.jsonl:2</td>")
    );
}

#[test]
fn a_resumed_run_with_changed_inputs_calls_only_the_new_rows() {
    let service = Service::good();
    let place = two_inputs();
    let inputs = ["a.csv", "b.jsonl"];
    let begun = run(&place, &inputs, &service).with(["--limit", "2"]);
    begun.finish().exits(0);
    assert_eq!(service.called_senders(), ["ann", "bob"]);
    place.write("a.csv", "group,sender\ng,carol\ng,bob\ng,ann\n");
    let grown = place.read("b.jsonl") + "{\"group\":\"g\",\"sender\":\"eve\"}\n";
    place.write("b.jsonl", grown);
    place.write("more.csv", "group,sender\ng,ann\ng,fay\n");
    let inputs = ["b.jsonl", "a.csv", "more.csv"];
    let done = run(&place, &inputs, &service).with(["--resume"]).finish();
    let counts = ["resumed", "recalled", "duplicates"].map(|key| done.count(key));
    assert_eq!((done.exits(0).status.code(), counts), (Some(0), [2, 4, 2]));
    assert_eq!(
        service.called_senders(),
        ["ann", "bob", "carol", "dan", "eve", "fay"]
    );
}

#[test]
fn a_killed_run_of_two_inputs_can_be_resumed() {
    let gate = Gate::default();
    let held = gate.clone();
    let service = Service::start(move |call| match call.nth {
        0..7 => Answer::ok(),
        _ => Answer::ok().held_by(&held),
    });
    let place = Place::new();
    place.write("a.csv", rows(5));
    place.write("b.csv", rows(10));
    let run = || run(&place, &["a.csv", "b.csv"], &service).with(["--concurrency", "2"]);
    let running = run().start();
    service.wait_until_called(9);
    // Dropping it kills it.
    drop(running);
    gate.open();
    let done = run().with(["--resume"]).finish().exits(0);
    assert_eq!([done.count("resumed"), done.count("duplicates")], [7, 5]);
    assert_eq!(service.calls(), 12);
    place.ledger_named("l.jsonl").assert_all_recalled(10);
}

#[test]
fn an_input_that_disappears_during_the_run_is_named_and_loses_nothing() {
    let service = Service::good();
    let place = two_inputs();
    let pipe = place.pipe("first.fifo");
    let inputs = ["first.fifo", "a.csv"];
    let running = run(&place, &inputs, &service).start();
    let mut pipe = pipe.open();
    pipe.write_all(rows(2).as_bytes()).unwrap();
    service.wait_until_called(2);
    fs::remove_file(place.path("a.csv")).unwrap();
    drop(pipe);
    let done = running.finish().exits(1);
    done.says("a.csv: cannot be opened");
    place.ledger_named("l.jsonl").assert_all_recalled(2);
}

#[test]
fn each_pipe_is_read_only_once_although_headers_are_checked_first() {
    let service = Service::good();
    let place = two_inputs();
    let run = place.recall(["run", "--json", "--ledger", "l.jsonl", "a.csv"]);
    let run = run.with(["/dev/fd/7", "/dev/fd/8"]).on(service.address());
    let pipes = "exec 7< <(cat b.jsonl) 8< <(printf 'group,sender\\nh,eve\\n')";
    let done = run.after_shell(pipes).finish().exits(0);
    assert_eq!(done.count("distinct"), 5);
    assert_eq!(
        service.called_senders(),
        ["ann", "bob", "carol", "dan", "eve"]
    );
}

#[test]
fn the_guard_is_off_only_if_all_inputs_are_failed_rows() {
    let failed = |from: usize| {
        let senders = senders(from + 30).skip(from);
        let lines = senders.map(|sender| format!("g,{sender},,10010,gone,1,\n"));
        "group,sender,topic,code,info,attempts,sent_at\n".to_owned() + &lines.collect::<String>()
    };
    for (second, exit, calls) in [(failed(30), 3, 60), (rows(30), 4, 20)] {
        let service = Service::start(|_| Answer::code(10010));
        let place = Place::new();
        place.write("a.csv", failed(0));
        place.write("b.csv", second);
        let run = run(&place, &["a.csv", "b.csv"], &service);
        run.with(["--concurrency", "1"]).finish().exits(exit);
        assert_eq!(service.calls(), calls);
    }
}

#[test]
fn a_hundred_inputs_are_not_all_open_at_once() {
    let service = Service::good();
    let place = Place::new();
    let names: Vec<_> = (0..100).map(|n| format!("{n}.csv")).collect();
    for (name, sender) in names.iter().zip(senders(100)) {
        place.write(name, format!("group,sender\n@TGS#1,{sender}\n"));
    }
    let names: Vec<_> = names.iter().map(|name| &**name).collect();
    let run = run(&place, &names, &service).with(["--concurrency", "4"]);
    run.after_shell("ulimit -n 40").finish().exits(0);
    place.ledger_named("l.jsonl").assert_all_recalled(100);
}

#[test]
fn a_check_reads_all_inputs_and_names_the_input_of_each_bad_row() {
    let place = two_inputs();
    place.write("c.csv", "group,sender\ng,ann\n,bob\ng,null\n");
    let words = ["check", "a.csv", "b.jsonl", "c.csv"];
    let done = place.recall(words).finish().exits(3);
    for line in [
        "a.csv and 2 more",
        "  c.csv:3: the group is empty",
        "  c.csv:4: the sender is a word for nothing: `null`",
    ] {
        assert!(
            done.stdout.lines().any(|printed| printed == line),
            "{}",
            done.stdout
        );
    }
    let done = place.recall(words).with(["--json", "--strict"]).finish();
    let json = done.exits(3).json();
    assert_eq!([&json["rows"], &json["invalid"]], [8, 2]);
    let first = &json["invalid_rows"]["first"][1];
    assert_eq!(
        (&first["input"], &first["line"]),
        (&json!("c.csv"), &json!(4))
    );
}
