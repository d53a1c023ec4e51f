//! The ledger of a run, and what is made from it: failed rows, replay, export.

use crate::stage::{Answer, Entry, Place, Request, Service, rows};

/// Answers with the code that the sender's name starts with, or with success if there is none.
fn code_by_name(call: &Request) -> Answer {
    let sender = call.sender();
    let digits: String = sender.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().map_or_else(|_| Answer::ok(), Answer::code)
}

#[test]
fn every_distinct_row_is_called_once_and_has_one_line() {
    let service = Service::good();
    let place = Place::with_rows(rows(40) + "@TGS#1,u7\n@TGS#1,u7\n@TGS#1,u39\n");
    let done = place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    assert_eq!([done.count("rows"), done.count("distinct")], [43, 40]);
    assert_eq!([done.count("duplicates"), done.count("calls")], [3, 40]);
    assert_eq!(service.calls(), 40);
    place.ledger().assert_all_recalled(40);
}

#[test]
fn rows_that_differ_only_in_group_sender_or_topic_are_distinct() {
    let service = Service::lenient();
    let place = Place::with_rows("group,sender,topic\ng,s,\ng,s,t\ng,S,\ng2,s,\ng,s ,\ngs,,\n");
    let done = place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(3);
    assert_eq!([done.count("distinct"), done.count("invalid")], [5, 1]);
    assert_eq!(service.calls(), 5);
}

#[test]
fn the_header_names_the_app_the_endpoint_and_the_input() {
    let service = Service::good();
    let place = Place::with_rows(rows(1));
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    let header = place.ledger().header;
    assert_eq!((header.recall_ledger, header.app), (1, 1_400_000_000));
    assert_eq!(header.endpoint, format!("http://{}", service.address()));
    assert_eq!(header.input, "rows.csv");
    let age = jiff::Timestamp::now().duration_since(header.created);
    assert!((0..600).contains(&age.as_secs()), "{age}");
}

#[test]
fn an_entry_has_the_row_and_its_outcome() {
    let service = Service::start(|call| match (&*call.sender(), call.nth_of_row) {
        ("ann", 0) => Answer::code(10002),
        ("ann", _) => Answer::always_ok(),
        _ => Answer::error(10010, "group \"g\" is\ngone"),
    });
    let place = Place::with_rows("sender,group,topic\nann,\"g, 1\",t\n\nbob,g2,\n");
    let before = jiff::Timestamp::now();
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(3);
    let ledger = place.ledger();
    let Entry {
        row,
        group,
        topic,
        outcome,
        code,
        info,
        attempts,
        sent_at,
        ms,
        ..
    } = ledger.entry_of("ann").clone();
    assert_eq!((row, &*group, &*topic), (2, "g, 1", "t"));
    assert_eq!((&*outcome, code, &*info, attempts), ("recalled", 0, "", 2));
    assert!(sent_at.unwrap().duration_since(before).as_secs() < 60);
    assert!(ms.unwrap() < 10_000);
    let bob = ledger.entry_of("bob");
    assert_eq!((bob.row, &*bob.outcome, bob.code), (4, "failed", 10010));
    assert_eq!((&*bob.info, bob.attempts), ("group \"g\" is gone", 1));
}

#[test]
fn the_failed_rows_file_has_the_format_of_the_input_and_can_be_run() {
    let csv =
        "note,group,sender,topic\nx,\"a, \"\"b\"\"\",\"10010,1\",\nx,g,10002 x,t\nx,g,fine,\n";
    let tsv = "group\tnote\tsender\ttopic\n\"a, \"\"b\"\"\"\tx\t10010,1\t\ng\tx\t10002 x\tt\ng\tx\tfine\t\n";
    let jsonl = "{\"group\":\"a, \\\"b\\\"\",\"sender\":\"10010,1\"}\n\
                 {\"group\":\"g\",\"sender\":\"10002 x\",\"topic\":\"t\"}\n\
                 {\"group\":\"g\",\"sender\":\"fine\"}\n";
    for (input, text, failed) in [
        ("rows.csv", csv, "rows.failed.csv"),
        ("rows.tsv", tsv, "rows.failed.tsv"),
        ("rows.jsonl", jsonl, "rows.failed.jsonl"),
    ] {
        let service = Service::start(code_by_name);
        let place = Place::new();
        place.write(input, text);
        let run = place.run(input).on(service.address());
        let done = run.with(["--max-attempts", "1"]).finish().exits(3);
        assert_eq!(done.json()["failed_rows"], failed);
        assert_eq!(
            done.json()["by_code"].to_string(),
            r#"{"10002":1,"10010":1}"#
        );
        let mut files = [failed, input, "rows.ledger.jsonl"];
        files.sort_unstable();
        assert_eq!(place.files(), files);
        let again = Service::lenient();
        place.run(failed).on(again.address()).finish().exits(0);
        let mut called: Vec<_> = again.requests().iter().map(|c| c.body.clone()).collect();
        called.sort();
        assert_eq!(
            called,
            [
                r#"{"GroupId":"a, \"b\"","Sender_Account":"10010,1"}"#,
                r#"{"GroupId":"g","Sender_Account":"10002 x","TopicId":"t"}"#,
            ]
        );
        assert!(
            place
                .files()
                .contains(&"rows.failed.ledger.jsonl".to_owned())
        );
    }
}

#[test]
fn a_run_without_failures_leaves_no_failed_rows_file() {
    let place = Place::with_rows(rows(2));
    let run = || place.run("rows.csv").with(["--resume"]);
    let service = Service::start(|call| match call.nth {
        0 | 1 => Answer::code(10010),
        _ => Answer::ok(),
    });
    run().on(service.address()).finish().exits(3);
    assert!(place.files().contains(&"rows.failed.csv".to_owned()));
    let replay = place.recall(["replay", "rows.ledger.jsonl", "--json"]);
    let done = replay.finish().exits(0);
    assert_eq!(done.json()["failed_rows"], serde_json::Value::Null);
    assert_eq!(place.files(), ["rows.csv", "rows.ledger.jsonl"]);
}

#[test]
fn a_replay_sends_the_failed_rows_again_into_the_same_ledger() {
    let service = Service::start(|call| match (&*call.sender(), call.nth_of_row) {
        ("u1" | "u3", 0) | ("u3", 1) => Answer::error(10010, &format!("no {}", call.nth_of_row)),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(5) + "@TGS#1,\n");
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(3);
    // A replay takes the endpoint from the ledger.
    let replay = || place.recall(["replay", "rows.ledger.jsonl", "--json"]);
    let done = replay().finish().exits(3);
    assert_eq!(
        [
            done.count("rows"),
            done.count("recalled"),
            done.count("failed")
        ],
        [2, 1, 1]
    );
    assert_eq!(service.calls(), 7);
    let ledger = place.ledger();
    assert_eq!(ledger.entries.len(), 8, "lines should only be added");
    let last = ledger.entry_of("u3");
    assert_eq!((last.row, &*last.info), (5, "no 1"));
    assert_eq!(place.read("rows.failed.csv").lines().count(), 2);
    let done = replay().finish().exits(0);
    assert_eq!([done.count("recalled"), done.count("failed")], [1, 0]);
    replay().finish().exits(0).says("Nothing to do: no row of");
    assert_eq!(service.calls(), 8);
}

#[test]
fn an_export_has_the_last_outcome_of_every_row() {
    let service = Service::start(|call| match (&*call.sender(), call.nth_of_row) {
        ("u1", 0) => Answer::code(10010),
        ("u2", _) => Answer::error(10015, "not \"valid\", they say"),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(4) + "@TGS#1,\n");
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(3);
    place
        .recall(["replay", "rows.ledger.jsonl"])
        .finish()
        .exits(3);
    let export = |words: &[&str]| {
        let export = place.recall(["export", "rows.ledger.jsonl"]).with(words);
        export.finish().exits(0).stdout
    };
    let all = export(&[]);
    let header = "row,group,sender,topic,outcome,code,info,attempts,sent_at,ms";
    assert_eq!(all.lines().next(), Some(header));
    assert_eq!(all.lines().count(), 1 + 5, "{all}");
    assert!(
        all.contains("4,@TGS#1,u2,,failed,10015,\"not \"\"valid\"\", they say\",1,"),
        "{all}"
    );
    let of = |outcome| {
        let text = export(&["--outcome", outcome, "--format", "jsonl"]);
        let senders = text.lines().map(|line| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(entry["outcome"], outcome);
            entry["sender"].as_str().unwrap().to_owned()
        });
        let mut senders: Vec<_> = senders.collect();
        senders.sort();
        senders
    };
    assert_eq!(of("recalled"), ["u0", "u1", "u3"]);
    assert_eq!(of("failed"), ["u2"]);
    assert_eq!(of("invalid"), [""]);
    assert_eq!(of("skipped"), [""; 0]);
    let none = export(&["--outcome", "skipped"]);
    assert_eq!(
        none,
        format!("{header}\n"),
        "an empty export should have its header"
    );
}
