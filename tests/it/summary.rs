//! The summary at the end of a run, and the commands it suggests.

use crate::stage::{Answer, Place, Service, rows};

/// Returns the rest of the first line that starts with this prefix.
#[track_caller]
fn after<'a>(text: &'a str, prefix: &str) -> &'a str {
    let mut lines = text.lines();
    let found = lines.find_map(|line| line.strip_prefix(prefix));
    found.unwrap_or_else(|| panic!("{prefix:?} is not in\n{text}"))
}

#[test]
fn the_printed_replay_command_sends_the_failed_rows_again() {
    let service = Service::start(|call| match (&*call.sender(), call.nth_of_row) {
        ("u1" | "u2", 0) => Answer::code(10010),
        _ => Answer::ok(),
    });
    let place = Place::new();
    place.write("it's; my rows.csv", rows(5));
    let run = place.run("it's; my rows.csv").on(service.address());
    // Without these flags, a replay would be for another app or have no credentials.
    let run = run.with([
        "--sdkappid=1400000001",
        "--identifier",
        "the admin",
        "--limit",
        "5",
    ]);
    let done = run.with_secret_key().finish().exits(3);
    let shell = |command: &str| place.shell(command).with_secret_key().finish();
    let command = after(&done.stderr, "To send the failed rows again: ");
    assert!(!command.contains("--limit"), "{command}");
    // The command that the report prints takes the rest from the environment.
    let report = place
        .recall(["report", "it's; my rows.ledger.jsonl"])
        .finish();
    let export = after(&report.stdout, "See all of them: ");
    assert_eq!(shell(export).exits(0).stdout.lines().count(), 3);
    let replayed = shell(command).exits(0);
    assert_eq!(
        [replayed.count("recalled"), replayed.count("failed")],
        [2, 0]
    );
    assert_eq!(service.calls(), 7);
}

#[test]
fn the_replay_printed_for_a_rehearsal_is_a_rehearsal() {
    let place = Place::with_rows(rows(40));
    let run = place
        .run("rows.csv")
        .with(["--mock", "--mock-fail", "10010=20%"]);
    let done = run.with(["--max-failures", "none"]).finish().exits(3);
    let summary = after(&done.stderr, "To send the failed rows again: ");
    assert!(summary.starts_with("recall replay rows.mock.ledger.jsonl --json --mock --mock-fail"));
    let report = place.recall(["report", "rows.mock.ledger.jsonl"]).finish();
    let replay = after(&report.stdout, "Send them again: ");
    assert_eq!(replay, "recall replay rows.mock.ledger.jsonl --mock");
}

#[test]
fn the_summary_counts_rows_that_needed_a_retry() {
    let service = Service::start(|call| match (&*call.sender(), call.nth_of_row) {
        ("u1" | "u2" | "u3", 0) | ("u4", _) => Answer::code(10002),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(9));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--max-attempts", "2"]).finish().exits(3);
    done.says("8 of 9 distinct rows recalled")
        .says("        3  of them at the second call or later")
        .says("        1  10002: internal error, try again")
        .says("       13  calls, 4 of them retries");
}

#[test]
fn a_run_with_nothing_left_to_do_says_so_in_one_line() {
    let service = Service::start(|call| match &*call.sender() {
        "u1" => Answer::code(10010),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(5));
    let run = || {
        place
            .run("rows.csv")
            .on(service.address())
            .with_secret_key()
    };
    run().finish().exits(3);
    let again = run().with(["--resume"]).finish().exits(3);
    let said: Vec<_> = again.stderr.lines().collect();
    assert_eq!(
        said[0],
        "Nothing to do: all 5 distinct rows of rows.csv were settled before, in rows.ledger.jsonl; \
         1 failed there."
    );
    assert!(
        said[1].starts_with("To send the failed rows again: "),
        "{said:?}"
    );
    assert_eq!((said.len(), service.calls()), (2, 5));
    let empty = Place::with_rows("group,sender\n");
    let done = empty
        .run("rows.csv")
        .on(service.address())
        .with_secret_key();
    let said = done.finish().exits(0).stderr;
    assert_eq!(said, "Nothing to do: there are no rows in rows.csv.\n");
}

#[test]
fn log_lines_have_a_timestamp() {
    let service = Service::start(|call| match call.nth {
        0..20 => Answer::code(60008),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(30));
    let run = place
        .run("rows.csv")
        .on(service.address())
        .with_secret_key();
    let done = run.with(["--concurrency", "1"]).finish().exits(0);
    for notice in [
        "The service is out (",
        "The service is back after ",
        "; 1 call asked",
    ] {
        let line = done.stderr.lines().find(|line| line.contains(notice));
        let line = line.unwrap_or_else(|| panic!("{notice:?} is not in\n{}", done.stderr));
        let (date, _) = line.split_once("Z The service").unwrap();
        assert_eq!(date.len(), "2026-11-22T10:00:00".len(), "{line}");
    }
}

#[test]
fn the_summary_mentions_failed_rows_of_earlier_runs() {
    let service = Service::start(|call| match &*call.sender() {
        "u0" | "u1" => Answer::code(10010),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(5));
    let run = || place.run("rows.csv").on(service.address());
    run().with(["--limit", "3"]).finish().exits(3);
    let rest = run().with(["--resume"]).finish().exits(3);
    let rest = rest
        .says("2 of 5 distinct rows recalled")
        .says("        3  settled before this run, not called again")
        .says("Failed rows: rows.failed.csv (with 2 of earlier runs)");
    assert_eq!([rest.count("failed"), rest.count("resumed")], [0, 3]);
}

#[test]
fn a_stopped_run_does_not_report_the_rows_read_so_far_as_the_total() {
    let service = Service::start(|_| Answer::code(60020));
    let place = Place::with_rows(rows(50_000));
    let done = place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(4);
    done.says("0 of the ")
        .says(" distinct rows read so far recalled in");
}
