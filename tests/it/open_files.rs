//! The limit of open files of this machine, which must not pass for an outage of the service.

use crate::stage::{Finished, Place, mock, rows};

/// Runs 100 rows, all of which fit in flight, after this has been done in the shell.
fn run_after(shell: &str) -> (Finished, u64) {
    let mock = mock("300ms..400ms", &[]);
    let place = Place::with_rows(rows(100));
    let run = place.run("rows.csv").on(mock.address()).after_shell(shell);
    let done = run.finish().exits(0);
    place.ledger().assert_all_recalled(100);
    assert_eq!(done.count("retries"), 0, "{}", done.stderr);
    done.never_says("The service is out");
    (done, mock.stop().most_in_flight)
}

#[test]
fn a_run_makes_fewer_calls_at_once_if_it_may_open_few_files() {
    let (done, in_flight) = run_after("ulimit -n 64");
    done.says(
        "Only 32 calls in flight instead of 200: this process may open 64 files. \
         Raise the limit with ulimit -n 232.\n",
    );
    assert!(in_flight <= 32, "{in_flight}");
}

#[test]
fn a_run_raises_the_soft_limit_of_open_files_silently() {
    let (done, in_flight) = run_after("ulimit -S -n 64");
    done.never_says("files");
    assert!(in_flight > 32, "{in_flight}");
}

#[test]
fn a_call_to_the_mock_inside_takes_two_files() {
    let place = Place::with_rows(rows(100));
    for (command, calls) in [
        ("run rows.csv --mock --mock-latency 100ms --json", 100),
        (
            "bench --rows 100 --rate max --mock-latency 100ms --concurrency 200 --json",
            100,
        ),
    ] {
        let run = place.recall(command.split(' ')).after_shell("ulimit -n 64");
        let done = run.finish().exits(0);
        let json = done.json();
        let counts = json.pointer("/parts/0").unwrap_or(&json);
        assert_eq!(
            (&counts["recalled"], &counts["retries"]),
            (&calls.into(), &0.into())
        );
        done.says("Only 16 calls in flight instead of 200");
    }
}

#[test]
fn a_preflight_keeps_within_the_limit_too() {
    let mock = mock("0ms", &[]);
    let place = Place::with_rows(rows(100));
    let check = place
        .recall(["check", "rows.csv", "--online"])
        .on(mock.address());
    let done = check.after_shell("ulimit -n 64").finish().exits(0);
    done.says("Only 32 calls in flight instead of 200");
    let offline = place
        .recall(["check", "rows.csv"])
        .after_shell("ulimit -n 64");
    offline.finish().exits(0).never_says("files");
}

#[test]
fn without_room_for_a_single_call_there_is_no_run() {
    let mock = mock("0ms", &[]);
    let place = Place::with_rows(rows(1));
    let run = place.run("rows.csv").on(mock.address());
    let done = run.after_shell("ulimit -n 32").finish().exits(1);
    done.says("error: this process may open only 32 files, too few to make a call\n")
        .says("ulimit -n 33 for one call in flight, ulimit -n 232 for 200\n");
    assert_eq!(mock.stop().calls, 0);
    assert_eq!(place.files(), ["rows.csv"]);
}
