//! `run --preflight` and `check --online`: look up the groups first, and skip the rows whose recall
//! would do nothing.

use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt as _;

use recall_worker::mock::{Mock, Options, World};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::stage::{
    Answer, Gate, Place, Request, Service, mock, peak_per_second, row_calls, rows, unused_address,
};

const GROUP_INFO_PATH: &str = "/v4/group_open_http_svc/get_group_info";

const WORLD: &str = r#"
    [app]
    sdkappid = 1400000000
    key = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
    admins = ["administrator"]
    accounts = ["u0", "u1", "u2", "u3", "u4", "u5"]
    [[group]]
    id = "@TGS#town"
    type = "Public"
    [[group]]
    id = "@TGS#work"
    type = "Work"
    [[group]]
    id = "@TGS#live"
    type = "AVChatRoom"
    [[group]]
    id = "@TGS#gone"
    type = "Public"
    dismissed = true
"#;

/// A row for each of these groups, with the senders `u0`, `u1` and so on.
fn rows_in(groups: &[&str]) -> String {
    let rows = groups.iter().enumerate();
    rows.fold("group,sender\n".to_owned(), |mut text, (n, group)| {
        writeln!(text, "{group},u{n}").unwrap();
        text
    })
}

/// A row for each of `count` distinct groups.
fn rows_in_groups(count: usize) -> String {
    let groups: Vec<_> = (0..count).map(|n| format!("@TGS#{n}")).collect();
    rows_in(&groups.iter().map(String::as_str).collect::<Vec<_>>())
}

fn is_lookup(request: &Request) -> bool {
    request.path == GROUP_INFO_PATH
}

/// The groups in a lookup.
fn groups_of(request: &Request) -> Vec<String> {
    let groups = request.json()["GroupIdList"].clone();
    serde_json::from_value(groups).unwrap()
}

/// Answers a lookup. Groups whose ID ends in `live` are `AVChatRoom`s.
fn group_info(request: &Request) -> Answer {
    group_info_by(request, |group| {
        let silent = group.ends_with("live");
        let kind = if silent { "AVChatRoom" } else { "Public" };
        json!({"GroupId": group, "ErrorCode": 0, "ErrorInfo": "", "Type": kind})
    })
}

fn group_info_by(request: &Request, of: impl Fn(&String) -> Value) -> Answer {
    let groups: Vec<_> = groups_of(request).iter().map(of).collect();
    let body = json!({"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0, "GroupInfo": groups});
    Answer::json(&body.to_string())
}

/// Answers lookups and recalls.
fn healthy(request: &Request) -> Answer {
    if is_lookup(request) {
        group_info(request)
    } else {
        Answer::ok()
    }
}

/// The requests so far: the lookups, and the senders of the recalls.
fn lookups_and_recalls(service: &Service) -> (Vec<Request>, Vec<String>) {
    let (lookups, recalls): (Vec<_>, Vec<_>) = service.requests().into_iter().partition(is_lookup);
    let mut senders: Vec<_> = recalls.iter().map(Request::sender).collect();
    senders.sort();
    (lookups, senders)
}

/// A service that answers lookups at once, but recalls only after the gate opens.
fn holding_recalls(gate: &Gate) -> Service {
    let held = gate.clone();
    Service::start(move |request| {
        if is_lookup(request) {
            group_info(request)
        } else {
            Answer::ok().held_by(&held)
        }
    })
}

#[test]
fn rows_whose_recall_would_do_nothing_are_skipped() {
    let mock = Mock::start(Options {
        world: Some(World::from_toml(WORLD).unwrap()),
        count_rows: true,
        ..Options::default()
    })
    .unwrap();
    let place = Place::with_rows(rows_in(&[
        "@TGS#town",
        "@TGS#work",
        "@TGS#live",
        "@TGS#gone",
        "@TGS#live",
        "@TGS#nowhere",
    ]));
    let run = place.run("rows.csv").on(mock.address()).with_secret_key();
    let done = run.with(["--preflight"]).finish().exits(0);
    let skips = [
        ("u2", 0, "AVChatRoom: a recall does nothing"),
        ("u3", 10010, "the group does not exist"),
        ("u4", 0, "AVChatRoom: a recall does nothing"),
        ("u5", 10010, "the group does not exist"),
    ];
    let ledger = place.ledger();
    for (sender, code, words) in skips {
        let entry = ledger.entry_of(sender);
        assert_eq!((&*entry.outcome, entry.code), ("skipped", code));
        assert!(entry.info.starts_with(words), "{}", entry.info);
        assert_eq!((entry.attempts, entry.sent_at, entry.ms), (0, None, None));
    }
    let called = row_calls(mock.address());
    let called: Vec<_> = called.iter().map(|row| &*row.sender).collect();
    assert_eq!(called, ["u0", "u1"]);
    let seen = mock.seen();
    assert_eq!((seen.calls, seen.lookups.calls), (2, 1));
    assert_eq!([done.count("recalled"), done.count("skipped")], [2, 4]);
    assert_eq!([done.count("calls"), done.count("pending")], [2, 0]);
    done.says("5 groups looked up: 1 Public, 1 Private/Work")
        .says(r#"1 AVChatRoom, where a recall does nothing: 2 rows to skip, in "@TGS#live""#)
        .says("2 not there (any more): 2 rows to skip")
        .says("4  skipped: a call would have done nothing");
    assert_eq!(place.files(), ["rows.csv", "rows.ledger.jsonl"]);
    let words = ["export", "rows.ledger.jsonl", "--outcome", "skipped"];
    let export = place.recall(words).finish().exits(0);
    assert_eq!(export.stdout.lines().count(), 1 + 4, "{}", export.stdout);
}

#[test]
fn without_preflight_no_group_is_looked_up() {
    let service = Service::start(healthy);
    let place = Place::with_rows(rows_in(&["@TGS#live"]));
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    assert_eq!(lookups_and_recalls(&service).0.len(), 0);
    assert_eq!(place.ledger().entry_of("u0").outcome, "recalled");
}

#[test]
fn groups_are_looked_up_once_in_batches_of_fifty() {
    let service = Service::start(healthy);
    let place = Place::with_rows(rows_in_groups(51) + "@TGS#7,again\n@TGS#7,and again\n");
    let run = place.run("rows.csv").on(service.address());
    run.with(["--preflight"]).finish().exits(0);
    let (lookups, recalled) = lookups_and_recalls(&service);
    assert_eq!(recalled.len(), 53);
    let mut groups: Vec<_> = lookups.iter().map(groups_of).collect();
    groups.sort_by_key(Vec::len);
    assert_eq!([groups[0].len(), groups[1].len()], [1, 50]);
    let mut groups = groups.concat();
    groups.sort();
    groups.dedup();
    assert_eq!(groups.len(), 51, "each group should be looked up once");
    let lookup = &lookups[0];
    assert_eq!(lookup.method, "POST");
    assert_eq!(lookup.headers["content-type"], "application/json");
    let names: Vec<_> = lookup
        .parameters()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let expected = ["sdkappid", "identifier", "usersig", "contenttype", "random"];
    assert_eq!(names, expected);
    assert_ne!(
        lookups[0].parameter("random"),
        lookups[1].parameter("random")
    );
    let filter = json!({"GroupBaseInfoFilter": ["Type"]});
    assert_eq!(lookup.json()["ResponseFilter"], filter);
    // All lookups come before the first recall.
    assert!(service.requests()[..2].iter().all(is_lookup));
}

#[test]
fn failed_lookups_are_retried() {
    for fault in [
        Answer::code(10002),
        Answer::code(60007),
        Answer::reset(),
        // It has no groups.
        Answer::always_ok(),
    ] {
        let service = Service::start(move |request| match request.nth {
            0 => fault.clone(),
            _ => healthy(request),
        });
        let place = Place::with_rows(rows_in(&["@TGS#live", "@TGS#town"]));
        let run = place.run("rows.csv").on(service.address());
        let done = run.with(["--preflight"]).finish().exits(0);
        assert_eq!(lookups_and_recalls(&service).0.len(), 2);
        assert_eq!([done.count("recalled"), done.count("skipped")], [1, 1]);
    }
}

#[test]
fn a_refused_or_failing_lookup_stops_the_run_before_the_first_recall() {
    for (answer, attempts, words) in [
        (
            Answer::code(60026),
            1,
            "60026, the domain does not belong to this app's region",
        ),
        (
            Answer::status("403 Forbidden"),
            1,
            "refused before the service",
        ),
        (Answer::code(70001), 1, "the UserSig has expired"),
        (
            Answer::code(10002),
            2,
            "in 2 attempts the service did not look up the groups",
        ),
        (Answer::status("502 Bad Gateway"), 2, "502"),
        (
            Answer::html("<html>Please log in</html>"),
            2,
            "not the API's JSON",
        ),
    ] {
        let service = Service::start(move |_| answer.clone());
        let place = Place::with_rows(rows_in(&["@TGS#live"]));
        let run = place.run("rows.csv").on(service.address());
        let run = run.with(["--preflight", "--max-attempts", "2", "--max-outage", "0"]);
        let done = run.finish();
        done.exits(4)
            .says(words)
            .says("nothing was recalled")
            .says("hint: ");
        assert_eq!(lookups_and_recalls(&service).0.len(), attempts);
        assert_eq!(service.calls(), attempts);
        assert_eq!(place.files(), ["rows.csv"]);
    }
}

/// A service that gives this answer to every call until it recovers.
fn failing_service(answer: Answer) -> Service {
    Service::recovering(move |_| answer.clone(), healthy)
}

#[test]
fn in_an_outage_a_terminal_shows_the_cause_and_no_false_progress() {
    let hanging = failing_service(Answer::silence());
    let failing = failing_service(Answer::error(10002, "disk {7} is full}"));
    for (address, wrong) in [
        (unused_address(), "no connection to the service"),
        (hanging.address(), "no answer in time"),
        (
            failing.address(),
            "internal error, try again: disk {7} is full}",
        ),
    ] {
        let place = Place::with_rows(rows_in_groups(200));
        let run = place.run("rows.csv").on(address).env("TERM", "xterm");
        // The timeout is long enough for an answer on a busy machine.
        let run = run.with(["--preflight", "--yes", "--timeout", "2s"]);
        let (_running, terminal) = run.start_on_terminal_with_columns(100);
        let shown = terminal.wait_until_it_shows("gives up in 29:");
        let status = shown.iter().position(|line| line.contains("gives up in"));
        let [status, below] = [0, 1].map(|line| &shown[status.unwrap() + line]);
        assert!(status.starts_with("0 groups looked up, 0 % "), "{status}");
        assert!(status.contains(" service out for "), "{status}");
        assert!(below.starts_with(wrong), "{below}");
        let shown = shown.join("\n");
        assert!(
            !shown.contains("100 %") && !shown.contains(" left"),
            "{shown}"
        );
    }
}

#[test]
fn a_log_reports_the_start_and_end_of_an_outage() {
    let service = failing_service(Answer::status("502 Bad Gateway"));
    let place = Place::with_rows(rows_in(&["@TGS#live", "@TGS#town"]));
    let run = place.run("rows.csv").on(service.address());
    let running = run.with(["--preflight"]).start();
    running.wait_until_it_says("The service is out (HTTP error from a server on the way");
    running.wait_until_it_says("Z 0 groups looked up, service out for ");
    let line = running.stderr_so_far();
    let line = line
        .lines()
        .find(|line| line.contains("looked up"))
        .unwrap();
    assert!(
        line.contains("s, HTTP error from a server on the way"),
        "{line}"
    );
    assert!(line.contains(", gives up in 29:"), "{line}");
    service.recovers();
    let done = running.finish().exits(0).says("The service is back after");
    done.never_says(" left");
    assert_eq!([done.count("recalled"), done.count("skipped")], [1, 1]);
}

#[test]
fn lookups_wait_for_max_outage_as_a_run_does() {
    for words in [
        ["run", "rows.csv", "--preflight"],
        ["check", "rows.csv", "--online"],
    ] {
        let service = failing_service(Answer::code(10002));
        let place = Place::with_rows(rows_in_groups(200));
        let look = place.recall(words).on(service.address());
        let done = look.env("RECALL_MAX_OUTAGE", "3500ms").finish().exits(4);
        done.says("s the service gave no real answer about the groups, so nothing was")
            .says("10002, internal error, try again (as scripted)")
            .says("hint: start again when the service is back");
        // Those that were in flight together, and then single calls after 1 s, after 2 s more, and
        // at the end.
        assert!(service.calls() <= 4 + 3, "{} calls", service.calls());
        assert_eq!(place.files(), ["rows.csv"]);
    }
}

#[test]
fn a_usersig_that_expires_during_preflight_is_renewed() {
    let service = Service::start(|request| match request.nth {
        0 => Answer::code(70001),
        _ => healthy(request),
    });
    let place = Place::with_rows(rows_in(&["@TGS#live"]));
    let run = place
        .run("rows.csv")
        .on(service.address())
        .with_secret_key();
    run.with(["--preflight"]).finish().exits(0);
    let lookups = lookups_and_recalls(&service).0;
    assert_eq!(lookups.len(), 2);
}

#[test]
fn groups_without_a_known_type_are_called_and_reported_by_code() {
    let service = Service::start(|request| {
        if !is_lookup(request) {
            return Answer::ok();
        }
        group_info_by(request, |group| match &**group {
            "@TGS#shy" => json!({"GroupId": group, "ErrorCode": 10007, "ErrorInfo": "no"}),
            "@TGS#odd" => json!({"GroupId": group, "ErrorCode": 0, "Type": "Forum"}),
            // A group that was not in the lookup.
            _ => json!({"GroupId": "@TGS#else", "ErrorCode": 0, "Type": "AVChatRoom"}),
        })
    });
    let place = Place::with_rows(rows_in(&["@TGS#shy", "@TGS#odd", "@TGS#lost"]));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--preflight"]).finish().exits(0);
    place.ledger().assert_all_recalled(3);
    done.says("3 groups looked up: 1 other")
        .says("1 unknown, so their rows are called: 10007, no permission")
        .says("1 unknown, so their rows are called: the answer does not include its type");
}

#[test]
fn lookups_keep_their_own_cap() {
    let mock = mock("1ms..20ms", &["10002=5%"]);
    let place = Place::with_rows(rows_in_groups(5_000));
    let run = place.run("rows.csv").on(mock.address()).rate("40");
    let run = run.with(["--preflight", "--limit", "4000", "--dry-run"]);
    run.finish().exits(0);
    let seen = mock.seen();
    assert!((80..120).contains(&seen.lookups.calls), "{seen:?}");
    assert!((1..=40).contains(&seen.lookups.worst_second), "{seen:?}");
    assert_eq!(seen.calls, 0);
}

#[test]
fn no_more_lookups_are_in_flight_than_concurrency_allows() {
    let gate = Gate::default();
    let held = gate.clone();
    let service = Service::start(move |request| healthy(request).held_by(&held));
    let place = Place::with_rows(rows_in_groups(300));
    let run = place.run("rows.csv").on(service.address());
    let running = run.with(["--preflight", "--concurrency", "2"]).start();
    service.wait_until_called(2);
    gate.open();
    running.finish().exits(0);
    assert_eq!(service.max_in_flight(), 2);
}

#[test]
fn with_limit_only_the_groups_of_those_rows_are_looked_up() {
    let service = Service::start(healthy);
    let place = Place::with_rows(rows_in(&["@TGS#live", "@TGS#1", "@TGS#1", "@TGS#2"]));
    let run = |words: &[&str]| {
        let run = place.run("rows.csv").on(service.address()).with(words);
        run.with(["--preflight"]).finish().exits(0)
    };
    let done = run(&["--limit", "2"]);
    assert_eq!([done.count("recalled"), done.count("skipped")], [1, 1]);
    let (lookups, recalled) = lookups_and_recalls(&service);
    assert_eq!(groups_of(&lookups[0]), ["@TGS#live", "@TGS#1"]);
    assert_eq!(recalled, ["u1"]);
}

#[test]
fn a_resumed_run_looks_up_only_the_groups_of_the_remaining_rows() {
    let service = Service::start(healthy);
    let place = Place::with_rows(rows_in(&["@TGS#1", "@TGS#live", "@TGS#2", "@TGS#3"]));
    let run = |words: &[&str]| {
        let run = place.run("rows.csv").on(service.address()).with(words);
        run.with(["--preflight"]).finish().exits(0)
    };
    run(&["--limit", "2"]);
    let rest = run(&["--resume"]);
    assert_eq!([rest.count("resumed"), rest.count("recalled")], [2, 2]);
    let (lookups, recalled) = lookups_and_recalls(&service);
    assert_eq!(groups_of(&lookups[1]), ["@TGS#2", "@TGS#3"]);
    assert_eq!(recalled, ["u0", "u2", "u3"]);
    // No rows are left, so there is no lookup.
    run(&["--resume"]);
    assert_eq!(lookups_and_recalls(&service).0.len(), 2);
}

#[test]
fn rows_already_recorded_as_recalled_stay_so_in_that_ledger() {
    let service = Service::start(healthy);
    let place = Place::with_rows(rows_in(&["@TGS#live", "@TGS#1", "@TGS#live"]));
    let run = |words: &[&str]| {
        let run = place.run("rows.csv").on(service.address()).with(words);
        run.finish().exits(0)
    };
    run(&["--limit", "1"]);
    let rest = run(&["--preflight", "--resume"]);
    assert_eq!([rest.count("skipped"), rest.count("resumed")], [1, 1]);
    assert_eq!(place.ledger().entry_of("u0").outcome, "recalled");
    let anew = run(&["--preflight", "--ledger", "anew.ledger.jsonl"]);
    assert_eq!([anew.count("recalled"), anew.count("skipped")], [1, 2]);
}

#[test]
fn a_dry_run_with_preflight_looks_up_groups_and_recalls_nothing() {
    let service = Service::start(healthy);
    let place = Place::with_rows(rows_in(&["@TGS#live", "@TGS#1", "@TGS#live"]));
    let run = place.recall(["run", "rows.csv", "--preflight", "--dry-run"]);
    let done = run.on(service.address()).finish().exits(0);
    done.says("2 to skip; 1 call to make");
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--preflight", "--dry-run"]).finish().exits(0);
    let groups = &done.json()["groups_online"];
    assert_eq!(
        groups["avchatroom"],
        json!({"groups": 1, "rows": 2, "first": ["@TGS#live"]})
    );
    assert_eq!(groups["types"], json!({"Public": 1}));
    assert_eq!(lookups_and_recalls(&service).1, [""; 0]);
    assert_eq!(place.files(), ["rows.csv"]);
}

#[test]
fn a_rehearsal_has_groups_where_a_recall_does_nothing() {
    let place = Place::with_rows(rows_in_groups(500));
    let done = place
        .run("rows.csv")
        .with(["--mock", "--preflight"])
        .finish();
    assert!(done.count("skipped") > 0, "{}", done.stderr);
    done.exits(0)
        .says(" AVChatRoom, where a recall does nothing: ");
}

#[test]
fn a_run_stops_at_a_new_row_whose_group_was_not_looked_up() {
    let gate = Gate::default();
    let held = gate.clone();
    let service = Service::start(move |request| {
        if is_lookup(request) {
            group_info(request).held_by(&held)
        } else {
            Answer::ok()
        }
    });
    let place = Place::with_rows(rows_in(&["@TGS#town", "@TGS#work"]));
    let run = |words| place.run("rows.csv").on(service.address()).with(words);
    let running = run(["--preflight"].as_slice()).start();
    // By then it has read the input to its end.
    service.wait_until_called(1);
    let grown = place.read("rows.csv") + "@TGS#town,u7\n@TGS#live,u8\n@TGS#town,u9\n";
    place.write("rows.csv", grown);
    gate.open();
    let done = running.finish().exits(4);
    assert_eq!(done.json()["stopped"], "unknown_group");
    assert_eq!([done.count("recalled"), done.count("pending")], [3, 1]);
    done.says("the input has grown")
        .says("To go on: recall run --resume");
    assert_eq!(lookups_and_recalls(&service).1, ["u0", "u1", "u7"]);
    let rest = run(["--preflight", "--resume"].as_slice())
        .finish()
        .exits(0);
    assert_eq!([rest.count("recalled"), rest.count("skipped")], [1, 1]);
}

#[test]
fn preflight_refuses_rows_from_a_pipe() {
    let service = Service::start(healthy);
    let place = Place::new();
    let from_stdin = place.run("-").on(service.address()).stdin(rows(3));
    let done = from_stdin.with(["--preflight"]).finish().exits(2);
    done.says("--preflight")
        .says("put the rows into a file first");
    assert_eq!((service.calls(), place.files()), (0, Vec::<String>::new()));
}

#[test]
fn an_interrupt_during_preflight_exits_at_once_with_nothing_recalled() {
    for signal in [Signal::INT, Signal::TERM] {
        let service = Service::start(|_| Answer::silence());
        let place = Place::with_rows(rows_in_groups(200));
        let run = place.run("rows.csv").on(service.address());
        let running = run.with(["--preflight"]).start();
        service.wait_until_called(4);
        running.signal(signal);
        let done = running.finish().exits(130);
        done.says("interrupted; nothing was recalled");
        assert_eq!(
            (service.calls(), place.files()),
            (4, vec!["rows.csv".to_owned()])
        );
    }
}

#[test]
fn an_interrupt_after_preflight_records_the_calls_in_flight() {
    let gate = Gate::default();
    let service = holding_recalls(&gate);
    let place = Place::with_rows(rows_in_groups(20));
    let run = || place.run("rows.csv").on(service.address());
    let running = run().with(["--preflight", "--concurrency", "2"]).start();
    service.wait_until_called(1 + 2);
    running.signal(Signal::INT);
    running.wait_until_it_says("waiting for 2 in flight");
    gate.open();
    let done = running.finish().exits(130);
    assert_eq!(done.count("recalled"), 2);
    let rest = run().with(["--preflight", "--resume"]).finish().exits(0);
    assert_eq!([rest.count("resumed"), rest.count("recalled")], [2, 18]);
}

#[test]
fn on_a_terminal_the_lookup_result_is_shown_before_the_question() {
    let service = Service::start(healthy);
    let place = Place::with_rows(rows_in(&["@TGS#live", "@TGS#1", "@TGS#live"]));
    let start = || {
        let run = place.run("rows.csv").on(service.address());
        let (running, keyboard) = run.with(["--preflight"]).start_on_terminal();
        running.wait_until_it_says("Go on? [y/N]");
        (running, keyboard)
    };
    let (running, mut keyboard) = start();
    let asked = running.stderr_so_far();
    for words in [
        "2 rows to skip",
        "2, a call would do nothing",
        "calls       1,",
    ] {
        assert!(asked.contains(words), "{words} is not in {asked}");
    }
    keyboard.type_keys("n\n");
    running.finish().exits(130).says("Nothing was recalled.");
    let (running, _keyboard) = start();
    running.signal(Signal::INT);
    let done = running.finish();
    assert_eq!(done.status.signal(), Some(Signal::INT.as_raw()));
    assert_eq!(lookups_and_recalls(&service).1, [""; 0]);
    let (running, mut keyboard) = start();
    keyboard.type_keys("y\n");
    let done = running.finish().exits(0);
    assert_eq!([done.count("recalled"), done.count("skipped")], [1, 2]);
}

#[test]
fn a_run_that_ends_before_its_first_call_still_prints_json() {
    let good = Service::start(healthy);
    let place = Place::with_rows(rows_in(&["@TGS#1", "@TGS#2"]));
    let run = |service: &Service| {
        let run = place.run("rows.csv").on(service.address());
        run.with(["--preflight", "--resume"])
    };
    let refusing = Service::start(|_| Answer::code(70009));
    let out = Service::start(|_| Answer::status("502 Bad Gateway"));
    let silent = Service::start(|_| Answer::silence());
    let refused = run(&refusing).finish().exits(4);
    let impatient = ["--max-outage", "1s", "--max-attempts", "1000"];
    let given_up = run(&out).with(impatient).finish().exits(4);
    let running = run(&silent).start();
    silent.wait_until_called(1);
    running.signal(Signal::INT);
    let interrupted = running.finish().exits(130);
    let (running, mut keyboard) = run(&good).start_on_terminal();
    running.wait_until_it_says("Go on? [y/N]");
    keyboard.type_keys("n\n");
    let declined = running.finish().exits(130);
    let done = run(&good).finish().exits(0).json();
    for (ended, why) in [
        (refused, "service"),
        (given_up, "outage"),
        (interrupted, "interrupted"),
        (declined, "interrupted"),
    ] {
        let json = ended.json();
        assert_eq!(json["stopped"], why);
        assert_eq!([&json["rows"], &json["calls"]], [0, 0]);
        assert_eq!(json["ledger"], "rows.ledger.jsonl");
        let keys = |json: &Value| {
            json.as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(&json), keys(&done));
    }
}

#[test]
fn two_preflights_for_an_app_run_one_after_the_other() {
    let gate = Gate::default();
    let held = gate.clone();
    let service = Service::start(move |request| healthy(request).held_by(&held));
    let place = Place::with_rows(rows_in_groups(3));
    let look = || {
        let words = ["run", "rows.csv", "--preflight", "--dry-run"];
        place.recall(words).on(service.address())
    };
    let first = look().start();
    service.wait_until_called(1);
    let second = look().start();
    second.wait_until_it_says(&format!(
        "Waiting for another preflight of app 1400000000 to end: process {}",
        first.id()
    ));
    assert_eq!(service.calls(), 1);
    gate.open();
    first.finish().exits(0);
    second.finish().exits(0);
    assert_eq!(service.calls(), 2);
}

#[test]
fn consecutive_preflights_keep_the_cap_together() {
    let service = Service::start(healthy);
    let place = Place::with_rows(rows_in_groups(1_000));
    let look = |rate, limit| {
        let run = place.run("rows.csv").on(service.address()).rate(rate);
        let look = run.with(["--preflight", "--dry-run", "--limit", limit]);
        look.finish().exits(0);
    };
    look("max", "1000");
    look("20", "250");
    assert_eq!(service.calls(), 25);
    let peak = peak_per_second(service.arrivals());
    assert!(peak <= 20, "{peak} in a second");
}

#[test]
fn with_wait_the_ledger_is_read_after_the_first_run_ends() {
    let gate = Gate::default();
    let service = holding_recalls(&gate);
    let place = Place::with_rows(rows_in(&["@TGS#1", "@TGS#2"]));
    let first = place.run("rows.csv").on(service.address()).start();
    service.wait_until_called(2);
    let run = place.run("rows.csv").on(service.address());
    let second = run.with(["--preflight", "--resume", "--wait"]).start();
    second.wait_until_it_says("Waiting for another run");
    gate.open();
    first.finish().exits(0);
    let done = second.finish().exits(0);
    assert_eq!(
        (done.count("resumed"), lookups_and_recalls(&service).0.len()),
        (2, 0)
    );
}

#[test]
fn a_check_online_names_the_groups_where_a_recall_does_nothing() {
    let service = Service::start(healthy);
    let place = Place::with_rows(rows_in(&["@TGS#live", "@TGS#1", "@TGS#live", "@TGS#2"]));
    let check = |words: &[&str]| {
        let check = place.recall(["check", "--online"]).with(words);
        check.on(service.address())
    };
    let done = check(&["rows.csv"]).finish().exits(3);
    for words in [
        "calls                   4",
        "3 groups looked up: 2 Public",
        r#"1 AVChatRoom, where a recall does nothing: 2 rows to skip, in "@TGS#live""#,
    ] {
        assert!(
            done.stdout.contains(words),
            "{words} is not in {}",
            done.stdout
        );
    }
    let json = check(&["rows.csv", "--json"]).finish().exits(3).json();
    assert_eq!(
        json["groups_online"]["avchatroom"]["first"],
        json!(["@TGS#live"])
    );
    assert_eq!(json["rows"], 4);
    // A check reads the rows only once, so they can come from a pipe.
    let from_stdin = check(&["-"]).stdin("group,sender\n@TGS#1,u\n");
    from_stdin.finish().exits(0);
    let (lookups, recalled) = lookups_and_recalls(&service);
    assert_eq!((lookups.len(), recalled.len()), (3, 0));
    assert_eq!(place.files(), ["rows.csv"]);
}

#[test]
fn a_check_makes_no_calls_without_online() {
    let service = Service::start(healthy);
    let place = Place::with_rows(rows_in(&["@TGS#live"]));
    let offline = place
        .recall(["check", "rows.csv", "--json"])
        .finish()
        .exits(0);
    assert_eq!(offline.json().get("groups_online"), None);
    let address = format!("http://{}", service.address());
    for words in [["--endpoint", &*address], ["--progress", "plain"]] {
        let done = place.recall(["check", "rows.csv"]).with(words).finish();
        done.exits(2).says("--online");
    }
    let refused = place.recall(["check", "rows.csv", "--online"]).finish();
    refused.exits(2).says("no service is set");
    assert_eq!(service.calls(), 0);
}

#[test]
fn a_check_online_can_run_beside_a_run() {
    let gate = Gate::default();
    let service = holding_recalls(&gate);
    let place = Place::with_rows(rows_in(&["@TGS#1"]));
    let run = place.run("rows.csv").on(service.address()).start();
    service.wait_until_called(1);
    let check = place.recall(["check", "rows.csv", "--online"]);
    check.on(service.address()).finish().exits(0);
    gate.open();
    run.finish().exits(0);
}

#[test]
fn a_refusal_or_an_interrupt_ends_a_check_online() {
    let service = Service::start(|_| Answer::code(70009));
    let place = Place::with_rows(rows_in(&["@TGS#1"]));
    let check = || place.recall(["check", "rows.csv", "--online"]);
    let done = check().on(service.address()).finish().exits(4);
    assert_eq!(done.stdout, "");
    done.says("the service refused to look up the groups");
    let service = Service::start(|_| Answer::silence());
    let running = check().on(service.address()).start();
    service.wait_until_called(1);
    running.signal(Signal::INT);
    running.finish().exits(130);
}
