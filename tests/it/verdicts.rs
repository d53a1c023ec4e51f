//! What each answer leads to: a retry, a failed row, a lower pace, a stop.

use std::collections::BTreeMap;

use crate::stage::{Answer, Gate, Place, Request, Service, peak_per_second, rows};

const RETRY: [i64; 9] = [
    10002, 60004, 60005, 60008, 60013, 60014, 70169, 70202, 70500,
];
const SLOW_DOWN: [i64; 5] = [10006, 60007, 60011, 60018, 60019];
const STOP: [i64; 33] = [
    10003, 10026, 10041, 11000, 60002, 60003, 60006, 60009, 60010, 60012, 60016, 60017, 60020,
    60021, 60025, 60026, 60027, 60028, 70002, 70003, 70005, 70009, 70013, 70014, 70016, 70020,
    70050, 70051, 70114, 70403, 72000, 72002, 80005,
];
/// The last three are not in the table.
const ROW: [i64; 15] = [
    10004,
    10007,
    10010,
    10012,
    10015,
    10019,
    10033,
    10035,
    10044,
    70107,
    70402,
    110_013,
    1,
    77_777,
    5_000_000_000,
];
const HTTP_RETRY: [&str; 6] = [
    "408 Request Timeout",
    "429 Too Many Requests",
    "500 Internal Server Error",
    "502 Bad Gateway",
    "503 Service Unavailable",
    "504 Gateway Timeout",
];

/// A CSV with a row for each of these senders.
fn rows_of(senders: impl IntoIterator<Item = String>) -> String {
    let lines = senders
        .into_iter()
        .map(|sender| format!("@TGS#1,{sender}\n"));
    "group,sender\n".to_owned() + &lines.collect::<String>()
}

/// The code that the sender's name spells.
fn code_of(call: &Request) -> i64 {
    call.sender().parse().unwrap()
}

#[test]
fn a_transient_code_is_retried_and_the_row_recalled() {
    let service = Service::start(|call| match call.nth_of_row {
        0 => Answer::code(code_of(call)),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows_of(RETRY.map(|code| code.to_string())));
    let done = place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    assert_eq!([done.count("recalled"), done.count("retries")], [9, 9]);
    for entry in place.ledger().entries {
        assert_eq!((entry.attempts, entry.code, &*entry.info), (2, 0, ""));
    }
}

#[test]
fn a_transient_http_status_is_retried_whatever_its_body_says() {
    let success = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#;
    let service = Service::start(move |call| match call.nth_of_row {
        0 => {
            let status = HTTP_RETRY.iter().find(|s| s.starts_with(&call.sender()));
            Answer::http(status.unwrap(), "application/json", success)
        }
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows_of(HTTP_RETRY.map(|status| status[..3].to_owned())));
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    assert!(
        place
            .ledger()
            .entries
            .iter()
            .all(|entry| entry.attempts == 2)
    );
}

#[test]
fn a_row_that_always_gets_10002_uses_up_its_attempts_and_fails() {
    let service = Service::start(|call| match &*call.sender() {
        "u1" => Answer::error(10002, "internal error"),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(3));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--max-attempts", "3"]).finish().exits(3);
    assert_eq!([done.count("calls"), done.count("retries")], [5, 2]);
    let ledger = place.ledger();
    let last = ledger.entry_of("u1");
    assert_eq!(
        (&*last.outcome, last.code, last.attempts),
        ("failed", 10002, 3)
    );
    assert_eq!(last.info, "internal error");
    assert_eq!(
        ledger.outcomes(),
        BTreeMap::from([("failed", 1), ("recalled", 2)])
    );
    assert_eq!(done.json()["by_code"].to_string(), r#"{"10002":1}"#);
}

#[test]
fn a_code_about_the_row_fails_only_that_row_at_once() {
    let service = Service::start(|call| match &*call.sender() {
        "fine" => Answer::ok(),
        _ => Answer::error(code_of(call), "so be it"),
    });
    let mut senders: Vec<_> = ROW.iter().map(i64::to_string).collect();
    senders.push("fine".to_owned());
    let place = Place::with_rows(rows_of(senders));
    let done = place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(3);
    assert_eq!(service.calls(), ROW.len() + 1, "no call should be retried");
    let ledger = place.ledger();
    for code in ROW {
        let entry = ledger.entry_of(&code.to_string());
        assert_eq!(
            (&*entry.outcome, entry.code, &*entry.info),
            ("failed", code, "so be it")
        );
    }
    assert_eq!(ledger.entry_of("fine").outcome, "recalled");
    // The summary gives the meaning of each code.
    done.says("1  10010: the group does not exist")
        .says("recall replay rows.ledger.jsonl");
}

#[test]
fn a_code_about_the_whole_app_stops_the_run_and_leaves_the_rows_pending() {
    for code in STOP {
        let service = Service::start(move |call| match call.nth {
            0 => Answer::error(code, "not for this app"),
            _ => Answer::ok(),
        });
        let place = Place::with_rows(rows(5));
        let run = || {
            place
                .run("rows.csv")
                .on(service.address())
                .with(["--concurrency", "1"])
        };
        let done = run().finish().exits(4);
        assert_eq!(service.calls(), 1, "after {code}");
        assert_eq!(done.json()["stopped"], "service");
        assert_eq!([done.count("pending"), done.count("failed")], [5, 0]);
        assert!(place.ledger().entries.is_empty());
        done.says(&code.to_string())
            .says("not for this app")
            .says("--resume");
        run().with(["--resume"]).finish().exits(0);
        place.ledger().assert_all_recalled(5);
    }
}

#[test]
fn an_http_refusal_stops_the_run() {
    for status in ["401 Unauthorized", "403 Forbidden", "404 Not Found"] {
        let service = Service::start(move |_| Answer::status(status));
        let place = Place::with_rows(rows(5));
        let run = place.run("rows.csv").on(service.address());
        let done = run.with(["--concurrency", "1"]).finish().exits(4);
        assert_eq!((service.calls(), done.count("pending")), (1, 5));
        done.says(&status[..3]);
    }
}

#[test]
fn any_other_http_client_error_fails_its_row() {
    let statuses = ["400 Bad Request", "405 No", "410 Gone", "418 I'm a teapot"];
    let service = Service::start(move |call| {
        let status = statuses.iter().find(|s| s.starts_with(&call.sender()));
        Answer::status(status.unwrap())
    });
    let place = Place::with_rows(rows_of(statuses.map(|status| status[..3].to_owned())));
    let run = place.run("rows.csv").on(service.address());
    run.finish().exits(3);
    assert_eq!(service.calls(), 4, "no call should be retried");
    let ledger = place.ledger();
    for code in [400, 405, 410, 418] {
        let entry = ledger.entry_of(&code.to_string());
        assert_eq!((&*entry.outcome, entry.code), ("failed", code));
    }
}

#[test]
fn an_endpoint_that_is_not_the_service_stops_the_run_and_is_not_an_outage() {
    let service = Service::start(|_| Answer::status("405 Method Not Allowed"));
    let place = Place::with_rows(rows(60));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--concurrency", "1"]).finish().exits(4);
    assert_eq!(service.calls(), 20);
    assert_eq!(done.json()["stopped"], "guard");
    done.says("the first 20 rows all failed with 405")
        .says("the service itself never sends")
        .says("--endpoint");
}

#[test]
fn calls_in_flight_at_a_stop_are_recorded() {
    let gate = Gate::default();
    let held = gate.clone();
    // The last of five calls stops the run; the others are answered after it.
    let service = Service::start(move |call| match call.nth {
        4 => Answer::code(60020),
        _ => Answer::ok().held_by(&held),
    });
    let place = Place::with_rows(rows(15));
    let run = || {
        place
            .run("rows.csv")
            .on(service.address())
            .with(["--concurrency", "5"])
    };
    let stopped = run().with(["--yes"]).env("TERM", "xterm");
    let (running, terminal) = stopped.start_on_terminal();
    terminal.wait_until_it_shows("stopping, 4 in flight");
    gate.open();
    let done = running.finish().exits(4);
    assert_eq!((service.calls(), done.count("recalled")), (5, 4));
    assert_eq!(place.ledger().entries.len(), 4);
    let done = run().with(["--resume"]).finish().exits(0);
    assert_eq!(done.count("resumed"), 4);
    place.ledger().assert_all_recalled(15);
}

#[test]
fn a_row_waiting_for_a_retry_at_a_stop_stays_pending() {
    let service = Service::start(|call| match &*call.sender() {
        "u0" => Answer::code(10002),
        _ => Answer::code(60020),
    });
    let place = Place::with_rows(rows(2));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--concurrency", "1"]).finish().exits(4);
    assert_eq!([done.count("pending"), done.count("failed")], [2, 0]);
    assert!(place.ledger().entries.is_empty());
}

#[test]
fn a_frequency_error_is_retried() {
    let service = Service::start(|call| match call.nth_of_row {
        0 => Answer::code(code_of(call)),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows_of(SLOW_DOWN.map(|code| code.to_string())));
    let run = place.run("rows.csv").on(service.address()).rate("200");
    let done = run.finish().exits(0).says("called too often");
    assert_eq!([done.count("recalled"), done.count("retries")], [5, 5]);
}

#[test]
fn a_second_of_frequency_errors_halves_the_pace_for_every_row() {
    let service = Service::start(|call| match call.nth {
        0..15 => Answer::code(60007),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(120));
    let run = place.run("rows.csv").on(service.address()).rate("100");
    run.finish().exits(0);
    place.ledger().assert_all_recalled(120);
    // Skip the calls already under way when the errors came. After two seconds the pace rises
    // again.
    let from = service.arrivals()[20];
    let slow = |at: &std::time::Instant| {
        *at >= from && at.duration_since(from) < std::time::Duration::from_secs(2)
    };
    let slow = service.arrivals().into_iter().filter(slow).collect();
    let peak = peak_per_second(slow);
    assert!(peak <= 60, "{peak} calls in a second");
}

#[test]
fn explain_gives_the_meaning_and_action_for_a_code() {
    let place = Place::new();
    let explain = |code: &str| place.recall(["explain", code]).finish().exits(0).stdout;
    for (code, words) in [
        ("0", ["recalled", "settled"]),
        ("10002", ["internal error", "tried again"]),
        ("10007", ["not an app admin", "the row fails"]),
        ("60007", ["called too often", "pace is lowered"]),
        (
            "60025",
            ["SDKAppID, identifier and UserSig", "the run stops"],
        ),
        ("60026", ["region", "the run stops"]),
        ("70001", ["expired", "RECALL_SECRET_KEY"]),
        ("70050", ["called too often", "a minute"]),
        ("405", ["never sends", "--endpoint is wrong"]),
        ("410", ["a proxy in between", "the row fails"]),
        ("502", ["HTTP", "tried again"]),
        ("-1", ["may have landed", "--timeout"]),
        ("77777", ["no entry", "the row fails"]),
    ] {
        let text = explain(code);
        assert!(text.starts_with(&format!("{code}: ")), "{text}");
        for word in words {
            assert!(text.contains(word), "{word} is not in {text}");
        }
    }
    let all = place.recall(["explain"]).finish().exits(0).stdout;
    for code in [&RETRY[..], &SLOW_DOWN, &STOP, &ROW[..12]].concat() {
        let listed = |line: &str| line.trim().starts_with(&format!("{code} "));
        assert!(all.lines().any(listed), "{code} is not in {all}");
    }
    place.recall(["explain", "many"]).finish().exits(2);
}
