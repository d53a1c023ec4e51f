//! Where results go, and which files are never overwritten.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::stage::{Answer, Place, Service, rows};

#[test]
fn ledger_and_failed_rows_go_where_the_flags_say() {
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
        &["--ledger", "x", "--failed", "./x"],
    ] {
        let run = place.run("rows.csv").on(service.address()).with(words);
        run.finish().exits(2).says("--ledger");
        assert_eq!(place.files(), ["rows.csv"]);
        assert_eq!(place.read("rows.csv"), before);
    }
    assert_eq!(service.calls(), 0);
}

#[test]
fn a_run_refuses_a_ledger_as_input() {
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
fn a_rehearsal_has_its_own_files_and_overwrites_them() {
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
            .ledger_named("rows.mock.ledger.jsonl")
            .assert_all_recalled(3);
    }
    let run = place
        .run("rows.csv")
        .with(["--mock", "--mock-fail", "10010=100%"]);
    run.finish().exits(3);
    let names = ["rows.csv", "rows.mock.failed.csv", "rows.mock.ledger.jsonl"];
    assert_eq!(place.files(), names);
    let ledger = place.ledger_named("rows.mock.ledger.jsonl");
    assert_eq!(ledger.outcomes(), BTreeMap::from([("failed", 3)]));
}

#[test]
fn a_rehearsal_does_not_overwrite_the_ledger_of_a_real_run() {
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
    rehearsal.finish().exits(1).says("is not a ledger");
    assert_eq!(place.read("rows.ledger.jsonl"), before);
    assert_eq!(place.read("notes.txt"), "buy milk\n");
}

#[test]
fn the_failed_rows_do_not_overwrite_other_files() {
    let service = Service::start(|_| Answer::code(10010));
    let place = Place::with_rows(rows(3));
    place.write("other.csv", "group,sender\ng,s\n");
    let run = place.run("rows.csv").on(service.address());
    run.with(["--failed", "other.csv"])
        .finish()
        .exits(2)
        .says("contains something else");
    assert_eq!(service.calls(), 0);
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(3);
    let replay = place.recall(["replay", "rows.ledger.jsonl", "--failed", "other.csv"]);
    replay.finish().exits(2).says("contains something else");
    assert_eq!(place.read("other.csv"), "group,sender\ng,s\n");
    // It does overwrite its own earlier file.
    place
        .recall(["replay", "rows.ledger.jsonl"])
        .finish()
        .exits(3);
}

#[test]
fn run_and_replay_write_the_failed_rows_next_to_the_ledger() {
    let service = Service::start(|call| match (&*call.sender(), call.nth_of_row) {
        ("u1", 0) => Answer::code(10010),
        _ => Answer::ok(),
    });
    let place = Place::new();
    let row = |n| format!("{{\"group\":\"@TGS#1\",\"sender\":\"u{n}\"}}\n");
    let run = place.run("-").on(service.address());
    let run = run.with(["--ledger", "wave.jsonl"]);
    let run = run.stdin(row(0) + &row(1)).finish().exits(3);
    assert_eq!(run.json()["failed_rows"], "wave.failed.jsonl");
    assert_eq!(place.files(), ["wave.failed.jsonl", "wave.jsonl"]);
    let replay = place
        .recall(["replay", "wave.jsonl", "--json"])
        .finish()
        .exits(0);
    assert_eq!(replay.count("recalled"), 1);
    assert_eq!(
        place.files(),
        ["wave.jsonl"],
        "no failed rows should be left"
    );
}

#[test]
fn the_failed_rows_can_be_in_a_folder_whose_name_is_not_utf_8() {
    let service = Service::start(|_| Answer::code(10010));
    let place = Place::new();
    let folder = OsStr::from_bytes(b"f\xff");
    fs::create_dir(place.path(folder)).unwrap();
    let file = |name: &str| Path::new(folder).join(name);
    fs::write(place.path(file("rows.csv")), rows(2)).unwrap();
    let run = place.recall([OsStr::new("run"), file("rows.csv").as_os_str()]);
    let run = run.with(["--json"]).on(service.address());
    let json = run.finish().exits(3).json();
    assert_eq!(json["failed_rows"], "f\u{fffd}/rows.failed.csv");
    assert_eq!(json["ledger"], "f\u{fffd}/rows.ledger.jsonl");
    let failed = fs::read_to_string(place.path(file("rows.failed.csv"))).unwrap();
    assert_eq!(failed.lines().count(), 3);
    let replay = place.recall([OsStr::new("replay"), file("rows.ledger.jsonl").as_os_str()]);
    replay.on(service.address()).finish().exits(3);
    let report = place.recall([OsStr::new("report"), file("rows.ledger.jsonl").as_os_str()]);
    let report = report.with(["--json"]).finish().exits(0).json();
    assert_eq!(report["ledger"], "f\u{fffd}/rows.ledger.jsonl");
}

#[test]
fn a_replay_with_nothing_to_send_says_so_and_leaves_no_failed_rows() {
    let service = Service::good();
    let place = Place::with_rows(rows(2));
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    let stale = "group,sender,topic,code,info,attempts,sent_at\ng,s,,10010,,1,\n";
    place.write("rows.failed.csv", stale);
    let replay = place.recall(["replay", "rows.ledger.jsonl", "--json"]);
    let done = replay.finish().exits(0);
    let done = done.says("Nothing to do: no row of rows.ledger.jsonl has failed.");
    assert_eq!((done.count("calls"), service.calls()), (0, 2));
    assert_eq!(place.files(), ["rows.csv", "rows.ledger.jsonl"]);
}

#[test]
fn failed_rows_are_not_written_to_a_device_a_pipe_or_a_missing_folder() {
    let service = Service::start(|_| Answer::code(10010));
    let place = Place::with_rows(rows(2));
    let _pipe = place.pipe("pipe");
    for (failed, why) in [
        ("pipe", "which is not a regular file"),
        ("/dev/null", "which is not a regular file"),
        (".", "which is not a regular file"),
        ("no/such/failed.csv", "whose folder does not exist"),
    ] {
        let run = place.run("rows.csv").on(service.address());
        let done = run.with(["--failed", failed]).finish().exits(2);
        done.says(why);
    }
    assert_eq!(service.calls(), 0);
}

#[test]
fn a_ledger_that_is_not_a_regular_file_is_refused_at_once() {
    let service = Service::good();
    let place = Place::with_rows(rows(2));
    let _pipe = place.pipe("pipe");
    std::os::unix::fs::symlink("pipe", place.path("link")).unwrap();
    for ledger in ["pipe", "link", "/dev/null", "."] {
        let refused = format!("the ledger {ledger} is not a regular file");
        for words in [&["--resume"][..], &["--resume", "--dry-run"], &[]] {
            let run = place.run("rows.csv").on(service.address()).with(words);
            let run = run.with(["--ledger", ledger, "--failed", "failed.csv"]);
            run.finish().exits(1).says(&refused);
        }
        for command in ["report", "export", "replay"] {
            place
                .recall([command, ledger])
                .finish()
                .exits(1)
                .says(&refused);
        }
    }
    assert_eq!(service.calls(), 0);
}

#[test]
fn the_results_of_a_device_input_go_to_the_working_folder() {
    let service = Service::good();
    let place = Place::with_rows(rows(2));
    let run = place.run("/dev/stdin").on(service.address());
    run.after_shell("exec < rows.csv").finish().exits(0);
    assert_eq!(place.files(), ["recall.ledger.jsonl", "rows.csv"]);
}

#[test]
fn a_ledger_named_dash_is_not_confused_with_stdin() {
    let service = Service::good();
    let place = Place::with_rows(rows(2));
    let run = place.run("rows.csv").on(service.address());
    run.with(["--ledger", "./-"]).finish().exits(0);
    let run = place.run("-").on(service.address());
    run.stdin(rows(3)).finish().exits(0);
    assert_eq!(service.calls(), 5);
}

#[test]
fn ledger_and_failed_rows_can_not_go_to_stdout() {
    let service = Service::good();
    let place = Place::with_rows(rows(2));
    for (flag, what) in [
        ("--ledger", "--ledger -: the ledger must be a file"),
        (
            "--failed",
            "--failed -: the failed-rows file must be a file",
        ),
    ] {
        let run = place.run("rows.csv").on(service.address());
        run.with([flag, "-"]).finish().exits(2).says(what);
    }
    assert_eq!(
        (service.calls(), place.files()),
        (0, vec!["rows.csv".to_owned()])
    );
}

#[test]
fn failed_rows_have_the_format_of_their_file_name_and_can_be_read_as_input() {
    let service = Service::start(|_| Answer::code(10010));
    let place = Place::with_rows(rows(2));
    place.write("other.jsonl", "{\"group\":\"g\",\"sender\":\"u\"}\n");
    for input in ["rows.csv", "other.jsonl"] {
        for failed in ["a.csv", "b.tsv", "c.jsonl", "d.ndjson", "e"] {
            let run = place.recall(["run", input, "--mock", "--mock-fail", "10010=100%"]);
            run.with(["--failed", failed]).finish().exits(3);
            let again = place.recall(["check", failed, "--json"]).finish().exits(0);
            let count = if input == "rows.csv" { 2 } else { 1 };
            assert_eq!(again.count("calls"), count, "{input} {failed}");
        }
    }
    let run = place.run("rows.csv").on(service.address());
    run.finish().exits(3);
    let replay = place.recall(["replay", "rows.ledger.jsonl", "--failed", "f.jsonl"]);
    replay.finish().exits(3);
    assert!(place.read("f.jsonl").starts_with('{'));
}

#[test]
fn a_ledger_has_one_failed_rows_file_whatever_its_inputs() {
    let service = Service::start(|call| match call.nth_of_row {
        0 => Answer::code(10010),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(2));
    place.write("other.jsonl", "{\"group\":\"g\",\"sender\":\"u\"}\n");
    for input in ["rows.csv", "other.jsonl"] {
        let run = place.recall(["run", input, "--ledger", "wave.jsonl", "--resume"]);
        run.on(service.address()).finish().exits(3);
    }
    let names = ["other.jsonl", "rows.csv", "wave.failed.csv", "wave.jsonl"];
    assert_eq!(place.files(), names);
    assert_eq!(place.read("wave.failed.csv").lines().count(), 4);
    let replay = place.recall(["replay", "wave.jsonl"]);
    replay.finish().exits(0);
    assert_eq!(place.files(), ["other.jsonl", "rows.csv", "wave.jsonl"]);
}
