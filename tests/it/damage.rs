//! Ledgers damaged by a crash or a full disk.

use std::collections::HashMap;
use std::thread;

use crate::stage::{Answer, Place, Service, mock, rows, senders};

/// The ledger of a complete run of `count` rows against this service.
fn whole_ledger(service: &Service, count: usize) -> String {
    let place = Place::with_rows(rows(count));
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    place.read("rows.ledger.jsonl")
}

#[test]
fn a_torn_last_line_is_cut_and_its_row_called_again() {
    let service = Service::good();
    let whole = whole_ledger(&service, 3);
    let torn = &whole[..whole.len() - 10];
    let place = Place::with_rows(rows(3));
    place.write("rows.ledger.jsonl", torn);
    let lost = whole.lines().last().unwrap();
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--resume"]).finish().exits(0);
    assert_eq!([done.count("resumed"), done.count("recalled")], [2, 1]);
    let called_again = service.requests().last().unwrap().sender();
    assert!(lost.contains(&format!("\"{called_again}\"")), "{lost}");
    place.ledger().assert_all_recalled(3);
}

#[test]
fn a_torn_tail_is_cut_even_if_nothing_is_written_after_it() {
    let service = Service::good();
    let whole = whole_ledger(&service, 3);
    let place = Place::with_rows(rows(3));
    place.write("rows.ledger.jsonl", format!("{whole}{{\"row\":9,\"group"));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--resume"]).finish().exits(0);
    assert_eq!(done.count("calls"), 0);
    assert_eq!(place.read("rows.ledger.jsonl"), whole);
}

#[test]
fn a_ledger_that_ends_within_its_header_is_started_again() {
    let service = Service::good();
    let whole = whole_ledger(&service, 3);
    let header = whole.lines().next().unwrap();
    for cut in 0..=header.len() {
        let place = Place::with_rows(rows(3));
        place.write("rows.ledger.jsonl", &header[..cut]);
        let resume = if cut % 2 == 0 { &["--resume"][..] } else { &[] };
        let run = place.run("rows.csv").on(service.address()).with(resume);
        run.finish().exits(0);
        place.ledger().assert_all_recalled(3);
    }
}

#[test]
fn a_replay_of_a_ledger_without_rows_has_nothing_to_do() {
    let service = Service::good();
    let whole = whole_ledger(&service, 3);
    let header = whole.split_inclusive('\n').next().unwrap();
    let place = Place::new();
    place.write("rows.ledger.jsonl", header);
    let replay = place.recall(["replay", "rows.ledger.jsonl"]);
    let done = replay.finish().exits(0);
    done.says("Nothing to do: no row of rows.ledger.jsonl has failed.");
    assert_eq!(place.read("rows.ledger.jsonl"), header);
}

#[test]
fn an_export_ignores_a_torn_line() {
    let service = Service::good();
    let whole = whole_ledger(&service, 3);
    let place = Place::new();
    // A complete entry without its line feed: it may be the start of a longer line.
    place.write("rows.ledger.jsonl", whole.trim_end());
    let export = place.recall(["export", "rows.ledger.jsonl", "--format", "jsonl"]);
    assert_eq!(export.finish().exits(0).stdout.lines().count(), 2);
}

#[test]
fn a_ledger_cut_at_any_byte_of_its_last_three_entries_can_be_resumed() {
    const ROWS: usize = 5;
    let service = Service::good();
    let whole = whole_ledger(&service, ROWS);
    let kept: usize = whole
        .split_inclusive('\n')
        .take(1 + ROWS - 3)
        .map(str::len)
        .sum();
    let cuts: Vec<_> = (kept..whole.len()).collect();
    assert!(
        cuts.len() > 300,
        "three entries should be longer: {}",
        cuts.len()
    );
    thread::scope(|scope| {
        // A few in parallel, each against its own service, because runs against the same service
        // would exclude each other.
        for part in cuts.chunks(cuts.len().div_ceil(3)) {
            let (whole, here) = (&whole, format!("http://{}", service.address()));
            scope.spawn(move || {
                let service = Service::good();
                let there = format!("http://{}", service.address());
                for &cut in part {
                    let place = Place::with_rows(rows(ROWS));
                    place.write("rows.ledger.jsonl", whole[..cut].replace(&here, &there));
                    let lines_left = whole[..cut].matches('\n').count() - 1;
                    let run = place.run("rows.csv").on(service.address());
                    let done = run.with(["--resume"]).finish().exits(0);
                    assert_eq!(done.count("resumed"), lines_left as u64, "cut at {cut}");
                    assert_eq!(done.count("calls"), (ROWS - lines_left) as u64);
                    place.ledger().assert_all_recalled(ROWS);
                }
            });
        }
    });
}

#[test]
fn a_damaged_line_in_the_middle_costs_one_more_call() {
    let service = Service::good();
    let whole = whole_ledger(&service, 4);
    let second = whole.lines().nth(2).unwrap();
    for damage in [
        "",
        "garbage",
        "{\"row\":3}",
        "\u{0}\u{0}\u{0}",
        &second[..40],
    ] {
        let place = Place::with_rows(rows(4));
        place.write("rows.ledger.jsonl", whole.replace(second, damage));
        let run = place.run("rows.csv").on(service.address());
        let done = run.with(["--resume"]).finish().exits(0);
        assert_eq!(
            [done.count("resumed"), done.count("recalled")],
            [3, 1],
            "{damage:?}"
        );
        done.says("are not entries");
        let exported = place.recall(["export", "rows.ledger.jsonl", "--format", "jsonl"]);
        assert_eq!(exported.finish().exits(0).stdout.lines().count(), 4);
    }
}

#[test]
fn a_full_disk_at_the_start_is_reported_and_nothing_is_called() {
    let service = Service::good();
    let place = Place::with_rows(rows(3));
    let run = place.run("rows.csv").on(service.address());
    let done = run
        // No file may grow at all; writing is an error as on a full disk.
        .after_shell("trap '' XFSZ; ulimit -f 0")
        .finish()
        .exits(1);
    done.says("rows.ledger.jsonl").says("File too large");
    assert_eq!(service.calls(), 0);
}

#[test]
fn a_disk_that_fills_up_stops_the_run_and_keeps_the_entries_so_far() {
    let mock = mock("0", &[]);
    let place = Place::with_rows(rows(400));
    // Files can't grow beyond 8 KiB; further writes fail as on a full disk.
    let run = place.run("rows.csv").on(mock.address());
    let done = run
        .after_shell("trap '' XFSZ; ulimit -f 8")
        .finish()
        .exits(1)
        .says("rows.ledger.jsonl")
        .says("File too large")
        .says("To go on: ");
    assert!(
        done.count("pending") > 0,
        "it should still report its counts"
    );
    assert_eq!(done.json()["stopped"], "ledger");
    let written = place.read("rows.ledger.jsonl");
    assert!(written.len() <= 8 * 1024);
    let kept: Vec<_> = written
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .collect();
    assert!(kept.len() > 10, "{written}");
    let called = mock.seen().calls;
    assert!(called < 400, "it should stop calling: {called}");

    let run = place.run("rows.csv").on(mock.address());
    let done = run.with(["--resume"]).finish().exits(0);
    assert_eq!(done.count("resumed"), kept.len() as u64 - 1);
    let after = place.read("rows.ledger.jsonl");
    assert!(after.starts_with(&kept.concat()), "no byte should be lost");
    place.ledger().assert_all_recalled(400);
    let doubles = mock.seen().calls - 400;
    assert!(
        doubles <= 200,
        "{doubles} rows called twice, more than were in flight"
    );
}

#[test]
fn a_ledger_that_can_not_be_opened_is_named() {
    let service = Service::good();
    let place = Place::with_rows(rows(3));
    for ledger in ["no/such/folder.jsonl", "."] {
        let run = place.run("rows.csv").on(service.address());
        let done = run.with(["--ledger", ledger]).finish().exits(1);
        done.says(&format!("the ledger {ledger}"));
    }
    assert_eq!(service.calls(), 0);
}

#[test]
fn a_failed_rows_file_that_can_not_be_written_is_reported_and_the_ledger_has_the_rows() {
    let place = Place::with_rows(rows(3));
    let folder = place.path("folder");
    std::fs::create_dir(&folder).unwrap();
    let service = Service::start(move |_| {
        // This fails for all calls but the first.
        let _ = std::fs::remove_dir(&folder);
        Answer::code(10010)
    });
    let run = place.run("rows.csv").on(service.address());
    let run = run.with(["--failed", "folder/failed.csv"]);
    let done = run.finish().exits(1);
    let done = done
        .says("0 of 3 distinct rows recalled")
        .says("cannot write the failed rows to folder/failed.csv")
        .says("recall export rows.ledger.jsonl --outcome failed");
    assert_eq!(
        (done.count("failed"), &done.json()["failed_rows"]),
        (3, &serde_json::Value::Null)
    );
    let ledger = place.ledger();
    let each: HashMap<_, _> = ledger
        .entries
        .iter()
        .map(|e| (e.sender.clone(), e.code))
        .collect();
    assert_eq!(each, senders(3).map(|sender| (sender, 10010)).collect());
}

#[test]
fn a_failed_rows_file_that_can_not_be_written_is_reported_along_with_a_broken_input() {
    let place = Place::new();
    place.write(
        "rows.json",
        r#"[{"group":"@TGS#1","sender":"u0"},{"group":"@TGS#1","sender":"u1"}"#,
    );
    let folder = place.path("folder");
    std::fs::create_dir(&folder).unwrap();
    let service = Service::start(move |_| {
        // This fails for all calls but the first.
        let _ = std::fs::remove_dir(&folder);
        Answer::code(10010)
    });
    let run = place.run("rows.json").on(service.address());
    let run = run.with(["--failed", "folder/failed.csv"]);
    let done = run.finish().exits(1);
    let done = done
        .says("error: cannot write the failed rows to folder/failed.csv")
        .says("error: rows.json")
        .says("its JSON array is not closed");
    assert_eq!(done.json()["stopped"], "input");
}

#[test]
fn an_old_failed_rows_file_is_removed_when_no_row_has_failed() {
    let place = Place::with_rows(rows(3));
    place.write(
        "rows.failed.csv",
        "group,sender,topic,code,info,attempts,sent_at\n",
    );
    let service = Service::start(|_| Answer::ok());
    let done = place.run("rows.csv").on(service.address()).finish();
    assert_eq!(done.exits(0).count("failed"), 0);
    assert!(!place.files().contains(&"rows.failed.csv".to_owned()));
}

#[test]
fn an_old_failed_rows_file_that_can_not_be_removed_is_reported() {
    let place = Place::with_rows(rows(3));
    let in_the_way = place.path("rows.failed.csv");
    let service = Service::start(move |_| {
        // This fails for all calls but the first.
        let _ = std::fs::create_dir(&in_the_way);
        Answer::ok()
    });
    let done = place.run("rows.csv").on(service.address()).finish();
    done.exits(1)
        .says("3 of 3 distinct rows recalled")
        .says("cannot remove rows.failed.csv, the failed rows of an earlier run")
        .says("remove it by hand");
}

#[test]
fn a_ledger_removed_or_replaced_during_a_run_is_reported() {
    for replaced in [false, true] {
        let place = Place::with_rows(rows(3));
        let ledger = place.path("rows.ledger.jsonl");
        let service = Service::start(move |_| {
            let _ = std::fs::remove_file(&ledger);
            if replaced {
                std::fs::write(&ledger, "").unwrap();
            }
            Answer::ok()
        });
        let done = place.run("rows.csv").on(service.address()).finish();
        let done = done
            .exits(1)
            .says("3 of 3 distinct rows recalled")
            .says("the ledger rows.ledger.jsonl is no longer the file that was written to");
        assert_eq!(done.json()["stopped"], "ledger");
    }
}

#[test]
fn a_replay_says_that_it_does_not_send_the_rows_of_damaged_lines() {
    let service = Service::start(|_| Answer::code(10010));
    let place = Place::with_rows(rows(3));
    let run = place.run("rows.csv").on(service.address());
    run.finish().exits(3);
    let damaged = place
        .read("rows.ledger.jsonl")
        .replacen("\"code\"", "code", 1);
    place.write("rows.ledger.jsonl", damaged);
    let replay = place.recall(["replay", "rows.ledger.jsonl", "--json"]);
    let done = replay.finish().exits(3);
    assert_eq!(done.count("rows"), 2);
    let done = done.says("a replay does not send their rows again, a run with --resume does");
    done.never_says("called again");
}

#[test]
fn a_failed_row_with_a_damaged_entry_is_called_again() {
    let service = Service::start(|_| Answer::code(10010));
    let place = Place::with_rows(rows(3));
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(3);
    let whole = place.read("rows.ledger.jsonl");
    for (from, to) in [
        ("\"sent_at\":\"20", "\"sent_at\":\"2X"),
        ("\"attempts\":1,", "\"attempts\":4294967297,"),
        ("\"code\":10010,", "\"code\":18446744073709551615,"),
    ] {
        place.write("rows.ledger.jsonl", whole.replacen(from, to, 1));
        let report = place.recall(["report", "rows.ledger.jsonl", "--json"]);
        let report = report.finish().exits(0).json();
        assert_eq!(
            (&report["rows"], &report["unreadable"]),
            (&2.into(), &1.into())
        );
        let run = place.run("rows.csv").on(service.address());
        let done = run.with(["--resume"]).finish().exits(3);
        assert_eq!([done.count("resumed"), done.count("calls")], [2, 1], "{to}");
        let replay = place.recall(["replay", "rows.ledger.jsonl", "--json"]);
        assert_eq!(replay.finish().exits(3).count("calls"), 3, "{to}");
    }
}
