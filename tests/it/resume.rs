//! Resuming an unfinished ledger: settled rows are not called again, all others are.

use crate::stage::{Answer, Place, Service, rows, senders};

/// A place where the first three of five rows are settled: u0 and u1 recalled, u2 failed.
fn half_done(service: &Service) -> Place {
    let place = Place::with_rows(rows(5));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--limit", "3"]).finish().exits(3);
    assert_eq!([done.count("recalled"), done.count("failed")], [2, 1]);
    place
}

/// A service that refuses only `u2`.
fn one_refusal() -> Service {
    Service::start(|call| match &*call.sender() {
        "u2" => Answer::code(10010),
        _ => Answer::ok(),
    })
}

#[test]
fn an_existing_ledger_is_refused_with_its_progress_and_both_options() {
    let service = one_refusal();
    let place = half_done(&service);
    let before = place.read("rows.ledger.jsonl");
    let done = place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(1);
    let words = [
        "rows.ledger.jsonl",
        "for rows.csv, begun ",
        "3 rows settled",
        "are not called again",
        "a new list needs another ledger",
        "--resume",
        "--ledger FILE",
    ];
    words.iter().fold(done, |done, words| done.says(words));
    assert_eq!(place.read("rows.ledger.jsonl"), before);
    assert_eq!(service.calls(), 3);
}

#[test]
fn a_resumed_run_calls_only_the_remaining_rows() {
    let service = one_refusal();
    let place = half_done(&service);
    let run = || {
        place
            .run("rows.csv")
            .on(service.address())
            .with(["--resume"])
    };
    // The failed row counts as settled, and still determines the exit code.
    let done = run().finish().exits(3);
    assert_eq!([done.count("resumed"), done.count("recalled")], [3, 2]);
    assert_eq!([done.count("failed"), done.count("pending")], [0, 0]);
    // One of the rows settled before has failed, so they are not counted as recalled.
    let done = done.says("2 of 5 distinct rows recalled");
    done.says("3  settled before this run");
    assert_eq!(service.called_senders(), ["u0", "u1", "u2", "u3", "u4"]);
    let done = run().finish().exits(3);
    assert_eq!([done.count("resumed"), done.count("calls")], [5, 0]);
    assert_eq!(
        place.ledger().sorted_senders(),
        ["u0", "u1", "u2", "u3", "u4"]
    );
}

#[test]
fn resuming_without_a_ledger_starts_one() {
    let service = Service::good();
    let place = Place::with_rows(rows(3));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--resume"]).finish().exits(0);
    done.says("There is no ledger rows.ledger.jsonl yet; this run starts it.");
    place.ledger().assert_all_recalled(3);
    let run = place.run("rows.csv").on(service.address());
    let again = run.with(["--resume"]).finish().exits(0);
    assert!(
        !again.stderr.contains("There is no ledger"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_dry_run_reports_the_state_of_the_ledger() {
    let service = one_refusal();
    let place = half_done(&service);
    let dry = |words: &[&str]| {
        let run = place.run("rows.csv").on(service.address());
        run.with(["--dry-run", "--resume"]).with(words).finish()
    };
    let typo = dry(&["--ledger", "rows.leger.jsonl"]).exits(0);
    typo.says("There is no ledger rows.leger.jsonl yet; this run starts it.");
    dry(&[]).exits(0).says("3 settled before");
    for words in [&[][..], &["--preflight"]] {
        let other_app = dry(&[&["--sdkappid", "1400000001"], words].concat()).exits(1);
        other_app.says("is the ledger of app 1400000000");
    }
    assert_eq!(service.calls(), 3);
}

#[test]
fn settled_rows_are_recognised_in_a_changed_or_reordered_input() {
    let line = |sender: &str| format!("@TGS#1,{sender}\n");
    let text = |senders: &[&str]| {
        let lines: String = senders.iter().map(|sender| line(sender)).collect();
        "group,sender\n".to_owned() + &lines
    };
    for (senders, called) in [
        (
            &["new", "u0", "u1", "u2", "u3", "u4", "last"][..],
            &["last", "new", "u3", "u4"][..],
        ),
        (&["u4", "u2"], &["u4"]),
        (&["u4", "u3", "u2", "u1", "u0"], &["u3", "u4"]),
        (&["u1", "u1", "u3", "u3"], &["u3"]),
        (&[], &[]),
    ] {
        let service = one_refusal();
        let place = half_done(&service);
        place.write("rows.csv", text(senders));
        let run = place.run("rows.csv").on(service.address());
        run.with(["--resume"]).finish().exits(3);
        let mut all = ["u0", "u1", "u2"].to_vec();
        all.extend(called);
        all.sort_unstable();
        assert_eq!(service.called_senders(), all, "{senders:?}");
        assert_eq!(place.ledger().sorted_senders(), all);
    }
}

#[test]
fn a_run_can_be_resumed_from_a_pipe_in_another_format() {
    let service = one_refusal();
    let place = half_done(&service);
    let lines = senders(6).map(|u| format!("{{\"user\":\"{u}\",\"group\":\"@TGS#1\"}}\n"));
    let run = place
        .run("-")
        .on(service.address())
        .stdin(lines.collect::<String>());
    let run = run.with(["--resume", "--ledger", "rows.ledger.jsonl"]);
    run.with(["--failed", "rows.failed.csv"]).finish().exits(3);
    assert_eq!(
        service.called_senders(),
        ["u0", "u1", "u2", "u3", "u4", "u5"]
    );
}

#[test]
fn bad_rows_are_recorded_once_however_often_a_run_is_resumed() {
    let service = Service::good();
    let place = Place::with_rows("group,sender\n@TGS#1,\n@TGS#1,u0\n,x\n");
    for _ in 0..3 {
        let run = place.run("rows.csv").on(service.address());
        let done = run.with(["--resume"]).finish().exits(3);
        assert_eq!(done.count("invalid"), 2);
    }
    assert_eq!(place.ledger().entries.len(), 3);
}

#[test]
fn a_fixed_bad_row_no_longer_counts_as_a_failure() {
    let service = Service::good();
    let place = Place::with_rows("group,sender\n@TGS#1,\n@TGS#1,u0\n");
    let run = || place.run("rows.csv").on(service.address());
    run().finish().exits(3);
    place.write("rows.csv", "group,sender\n@TGS#1,u1\n@TGS#1,u0\n");
    run().with(["--resume"]).finish().exits(0);
    assert_eq!(service.called_senders(), ["u0", "u1"]);
}

#[test]
fn the_ledger_of_another_app_or_service_is_refused() {
    let service = one_refusal();
    let place = half_done(&service);
    let before = place.read("rows.ledger.jsonl");
    let resume = || place.run("rows.csv").with(["--resume"]);
    let other_app = resume()
        .on(service.address())
        .with(["--sdkappid", "1400000001"]);
    other_app
        .finish()
        .exits(1)
        .says("app 1400000000")
        .says("app 1400000001");
    let elsewhere = Service::good();
    let there = elsewhere.address().to_string();
    let here = service.address().to_string();
    let done = resume().on(elsewhere.address()).finish().exits(1);
    done.says(&there).says(&here).says("--ledger FILE");
    let replay = place.recall(["replay", "rows.ledger.jsonl"]);
    replay.on(elsewhere.address()).finish().exits(1).says(&here);
    assert_eq!(place.read("rows.ledger.jsonl"), before);
    assert_eq!((service.calls(), elsewhere.calls()), (3, 0));
}

#[test]
fn an_empty_ledger_of_a_mistyped_app_can_be_used_by_the_right_app() {
    let service = Service::start(|call| match &*call.parameter("sdkappid") {
        "140000000" => Answer::code(70020),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(3));
    for words in [&["--resume"][..], &[]] {
        let run = || place.run("rows.csv").on(service.address());
        let typo = run().with(["--resume", "--sdkappid", "140000000"]);
        typo.finish().exits(4).says_wrapped("then go on");
        assert_eq!(place.ledger().header.app, 140_000_000);
        run().with(words).finish().exits(0);
        assert_eq!(place.ledger().header.app, 1_400_000_000);
        place.ledger().assert_all_recalled(3);
        std::fs::remove_file(place.path("rows.ledger.jsonl")).unwrap();
    }
}

#[test]
fn after_rows_were_recorded_from_a_wrong_endpoint_another_ledger_is_needed() {
    let wrong = Service::start(|call| match call.nth {
        0 => Answer::status("400 Bad Request"),
        _ => Answer::status("404 Not Found"),
    });
    let right = Service::good();
    let place = Place::with_rows(rows(3));
    let run = || place.run("rows.csv").with(["--concurrency", "1"]);
    let stopped = run().on(wrong.address()).finish().exits(4);
    stopped.says_wrapped("once rows are recorded, start a new ledger: recall run --ledger FILE.");
    let resumed = run().on(right.address()).with(["--resume"]).finish();
    resumed.exits(1).says("another ledger with --ledger FILE");
    let anew = run().on(right.address()).with(["--ledger", "anew"]);
    anew.finish().exits(0);
    place.ledger_named("anew").assert_all_recalled(3);
}

#[test]
fn a_ledger_of_a_newer_version_is_refused_and_not_changed() {
    let service = one_refusal();
    let place = half_done(&service);
    let newer = place
        .read("rows.ledger.jsonl")
        .replace("\"recall_ledger\":1", "\"recall_ledger\":2");
    place.write("rows.ledger.jsonl", &newer);
    for words in [
        &["run", "rows.csv", "--resume"][..],
        &["run", "rows.csv"],
        &["replay", "rows.ledger.jsonl"],
    ] {
        let done = place.recall(words).on(service.address()).finish().exits(1);
        done.says("version 2").says("newer");
    }
    place
        .recall(["export", "rows.ledger.jsonl"])
        .finish()
        .exits(1)
        .says("version 2");
    assert_eq!(place.read("rows.ledger.jsonl"), newer);
    assert_eq!(service.calls(), 3);
}

#[test]
fn a_file_that_is_not_a_ledger_is_refused_and_not_changed() {
    let service = Service::good();
    for text in [
        "group,sender\na,b\n",
        "{}\n",
        "\n",
        "{\"recall_ledger\":\"x\"}\n",
    ] {
        let place = Place::with_rows(rows(2));
        place.write("precious.txt", text);
        let run = || {
            place
                .run("rows.csv")
                .on(service.address())
                .with(["--ledger", "precious.txt"])
        };
        run().finish().exits(1).says("precious.txt");
        run()
            .with(["--resume"])
            .finish()
            .exits(1)
            .says("precious.txt");
        place
            .recall(["replay", "precious.txt"])
            .on(service.address())
            .finish()
            .exits(1);
        assert_eq!(place.read("precious.txt"), text);
    }
    assert_eq!(service.calls(), 0);
}

#[test]
fn a_second_run_on_the_same_ledger_is_refused() {
    let (service, gate) = Service::gated();
    let place = Place::with_rows(rows(3));
    let first = place.run("rows.csv").on(service.address()).start();
    service.wait_until_called(1);
    // Against another service, so that only the ledger's lock is in the way.
    let elsewhere = Service::good();
    for resume in [&["--resume"][..], &[]] {
        let second = place.run("rows.csv").on(elsewhere.address()).with(resume);
        second
            .finish()
            .exits(1)
            .says("another run")
            .says("rows.ledger.jsonl");
    }
    gate.open();
    first.finish().exits(0);
    assert_eq!(elsewhere.calls(), 0);
    place.ledger().assert_all_recalled(3);
}

/// A place with the stored ledger of format version 1, its endpoint replaced by this service.
fn version_1(service: &Service) -> Place {
    let kept = include_str!("ledgers/version-1.ledger.jsonl");
    let here = format!("http://{}", service.address());
    let place = Place::new();
    place.write(
        "rows.ledger.jsonl",
        kept.replace("https://adminapisgp.im.qcloud.com", &here),
    );
    place
}

#[test]
fn a_version_1_ledger_can_be_exported() {
    let place = version_1(&Service::good());
    let export = place.recall(["export", "rows.ledger.jsonl", "--outcome", "failed"]);
    assert_eq!(
        export.finish().exits(0).stdout,
        "row,group,sender,topic,outcome,code,info,attempts,sent_at,ms\n\
         3,\"Board \"\"games\"\", Lisbon\",用户,,failed,10010,group does not exist,1,2026-11-22T10:00:00.148Z,12\n\
         6,@TGS#_1,bob,@TGS#_1@TOPIC#_2,failed,-1,no answer in time; the call may have landed,8,2026-11-22T10:01:12.904Z,10000\n"
    );
    let all = place.recall(["export", "rows.ledger.jsonl", "--format", "jsonl"]);
    assert_eq!(all.finish().exits(0).stdout.lines().count(), 6);
}

#[test]
fn a_version_1_ledger_can_be_replayed() {
    let service = Service::lenient();
    let place = version_1(&service);
    place
        .recall(["replay", "rows.ledger.jsonl"])
        .finish()
        .exits(0);
    assert_eq!(service.called_senders(), ["bob", "用户"]);
    assert_eq!(place.ledger().entry_of("bob").topic, "@TGS#_1@TOPIC#_2");
}

#[test]
fn a_version_1_ledger_can_be_resumed() {
    let service = Service::good();
    let place = version_1(&service);
    let text = "group,sender,topic\n@TGS#2C5SZEAEF,leckie,\n@TGS#live,ann,\n@TGS#3,carol,\n\
                @TGS#_1,bob,@TGS#_1@TOPIC#_2\n\"Board \"\"games\"\", Lisbon\",用户,\nnew,row,\n";
    place.write("rows.csv", text);
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--resume"]).finish().exits(3);
    assert_eq!(done.count("resumed"), 5);
    assert_eq!(service.called_senders(), ["row"]);
}

/// The counts of recalled and invalid rows in the report of a ledger.
fn reported(place: &Place, ledger: &str) -> [u64; 2] {
    let report = place.recall(["report", ledger, "--json"]).finish().exits(0);
    [report.count("recalled"), report.count("invalid")]
}

#[test]
fn bad_rows_are_tracked_per_input_when_inputs_share_a_ledger() {
    let service = Service::good();
    let place = Place::new();
    place.write("a.csv", "group,sender\n@TGS#1,\n@TGS#1,u0\n");
    place.write("b.csv", "group,sender\n@TGS#1,\n@TGS#1,u1\n");
    place.write("c.csv", "group,sender\n@TGS#1,u2\n@TGS#1,u3\n");
    let run = |input: &str| {
        let run = place.run(input).on(service.address());
        run.with(["--ledger", "l", "--resume"]).finish()
    };
    for _ in 0..2 {
        run("a.csv").exits(3);
        run("./b.csv").exits(3);
        run("c.csv").exits(0);
    }
    assert_eq!(reported(&place, "l"), [4, 2]);
    // Fix the bad rows, one input at a time.
    place.write("b.csv", "group,sender\n@TGS#1,u4\n@TGS#1,u1\n");
    run("b.csv").exits(0);
    assert_eq!(reported(&place, "l"), [5, 1]);
    place.write("a.csv", "group,sender\n@TGS#1,u5\n@TGS#1,u0\n");
    run("./a.csv").exits(0);
    assert_eq!(reported(&place, "l"), [6, 0]);
}

#[test]
fn bad_rows_are_recorded_once_however_the_input_path_is_written() {
    let service = Service::good();
    let place = Place::new();
    for input in ["a.csv", "b.csv"] {
        place.write(input, "group,sender\n@TGS#1,\n");
    }
    for words in [
        &["a.csv", "b.csv"][..],
        &["./a.csv", "./b.csv"],
        &["./b.csv"],
    ] {
        let run = place.recall(["run", "--ledger", "l", "--resume"]);
        run.with(words).on(service.address()).finish().exits(3);
    }
    assert_eq!(reported(&place, "l"), [0, 2]);
}

#[test]
fn a_second_list_through_a_pipe_does_not_fix_bad_rows_of_the_first() {
    let service = Service::good();
    let place = Place::new();
    let run = |rows: &str| {
        let run = place.run("-").on(service.address()).with(["--resume"]);
        run.stdin(format!("group,sender\n{rows}")).finish()
    };
    for _ in 0..2 {
        run("@TGS#1,\n@TGS#1,u0\n").exits(3);
    }
    run("@TGS#1,u1\n").exits(0);
    assert_eq!(reported(&place, "recall.ledger.jsonl"), [2, 1]);
}
