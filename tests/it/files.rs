//! Where results go, and what is not overwritten.

use std::collections::BTreeMap;

use crate::stage::{Answer, Place, Service, rows};

#[test]
fn ledger_and_failed_rows_go_where_flags_say() {
    let service = Service::start(|_| Answer::code(10010));
    let place = Place::with_rows(rows(2));
    let run = place.run("rows.csv").on(service.address());
    let done = run
        .with(["--ledger", "a.jsonl", "--failed", "b.csv"])
        .finish()
        .exits(3);
    assert_eq!(place.files(), ["a.jsonl", "b.csv", "rows.csv"]);
    let json = done.json();
    assert_eq!(
        (&json["ledger"], &json["failed_rows"]),
        (&"a.jsonl".into(), &"b.csv".into())
    );
    let replay = place.recall(["replay", "a.jsonl", "--failed", "c.csv"]);
    replay.finish().exits(3);
    assert_eq!(place.files(), ["a.jsonl", "b.csv", "c.csv", "rows.csv"]);
    assert_eq!(place.read("b.csv").lines().count(), 3);
}

#[test]
fn files_that_would_overwrite_each_other_are_refused() {
    let service = Service::good();
    let place = Place::with_rows(rows(2));
    let before = place.read("rows.csv");
    for words in [
        &["--ledger", "rows.csv"][..],
        &["--ledger", "./rows.csv", "--resume"],
        &["--failed", "rows.csv"],
        &["--failed", "rows.ledger.jsonl"],
        &["--ledger", "x", "--failed", "x"],
    ] {
        let run = place.run("rows.csv").on(service.address()).with(words);
        let done = run.finish().exits(2);
        assert!(done.stderr.contains("--ledger"), "{}", done.stderr);
        assert_eq!(place.files(), ["rows.csv"]);
        assert_eq!(place.read("rows.csv"), before);
    }
    assert_eq!(service.calls(), 0);
}

#[test]
fn a_ledger_is_no_input() {
    let service = Service::good();
    let place = Place::with_rows(rows(2));
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    let run = place.run("rows.ledger.jsonl").on(service.address());
    run.finish()
        .exits(2)
        .says("recall replay rows.ledger.jsonl");
    assert_eq!(service.calls(), 2);
}

#[test]
fn a_rehearsal_has_files_of_its_own_and_starts_afresh() {
    let place = Place::with_rows(rows(3));
    for _ in 0..2 {
        let run = place.run("rows.csv").with(["--mock"]);
        let done = run
            .without("RECALL_SDKAPPID")
            .without("RECALL_USERSIG")
            .finish();
        assert_eq!(done.exits(0).count("recalled"), 3);
        assert_eq!(place.files(), ["rows.csv", "rows.mock.ledger.jsonl"]);
        place
            .ledger_called("rows.mock.ledger.jsonl")
            .has_recalled_each_of(3);
    }
    let run = place
        .run("rows.csv")
        .with(["--mock", "--mock-fail", "10010=100%"]);
    run.finish().exits(3);
    let names = ["rows.csv", "rows.mock.failed.csv", "rows.mock.ledger.jsonl"];
    assert_eq!(place.files(), names);
    let ledger = place.ledger_called("rows.mock.ledger.jsonl");
    assert_eq!(ledger.outcomes(), BTreeMap::from([("failed", 3)]));
}

#[test]
fn a_rehearsal_does_not_overwrite_the_ledger_of_the_real_thing() {
    let service = Service::good();
    let place = Place::with_rows(rows(3));
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    let before = place.read("rows.ledger.jsonl");
    for ledger in ["rows.ledger.jsonl", "rows.csv"] {
        let rehearsal = place.run("rows.csv").with(["--mock", "--ledger", ledger]);
        assert!(
            matches!(rehearsal.finish().status.code(), Some(1 | 2)),
            "{ledger}"
        );
    }
    place.write("notes.txt", "buy milk\n");
    let rehearsal = place
        .run("rows.csv")
        .with(["--mock", "--ledger", "notes.txt"]);
    rehearsal.finish().exits(1).says("is no ledger");
    assert_eq!(place.read("rows.ledger.jsonl"), before);
    assert_eq!(place.read("notes.txt"), "buy milk\n");
}

#[test]
fn the_failed_rows_do_not_overwrite_what_is_something_else() {
    let service = Service::start(|_| Answer::code(10010));
    let place = Place::with_rows(rows(3));
    place.write("other.csv", "group,sender\ng,s\n");
    let run = place.run("rows.csv").on(service.address());
    run.with(["--failed", "other.csv"])
        .finish()
        .exits(2)
        .says("holds something else");
    assert_eq!(service.calls(), 0);
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(3);
    let replay = place.recall(["replay", "rows.ledger.jsonl", "--failed", "other.csv"]);
    replay.finish().exits(2).says("holds something else");
    assert_eq!(place.read("other.csv"), "group,sender\ng,s\n");
    // Its own of before it does.
    place
        .recall(["replay", "rows.ledger.jsonl"])
        .finish()
        .exits(3);
}
