//! `recall check`: examines the rows before any of them is called.

use serde_json::Value;

use crate::stage::{Finished, Place, Service, rows};

/// An export as it looks in the middle of a spam wave.
const DIRTY: &str = "\
GroupId,From Account,Topic ID,note
@TGS#2C5SZEAEF,leckie,,
@TGS#2C5SZEAEF,leckie,,again
@TGS#2C5SZEAEF,1.29E+18,,
g1,,,
g3,u\"9,,
@TGS#2C5SZEAEF,1294030472427830000,,
leckie,@TGS#2C5SZEAEF,,
@TGS#_a,u8,@TGS#_b@TOPIC#_x,
@TGS#_a@TOPIC#_x,u8,,
 g1,u9,,
#NAME?,u7,,
g1,null,,
g1,user_of_whom_the_id_is_far_too_long,,
";

fn check(place: &Place, words: &[&str]) -> Finished {
    place.recall(["check"]).with(words).finish()
}

#[track_caller]
fn assert_lines(done: &Finished, lines: &[&str]) {
    for line in lines {
        assert!(
            done.stdout.lines().any(|printed| printed.trim() == *line),
            "{line:?} is not in\n{}",
            done.stdout
        );
    }
}

#[test]
fn it_counts_the_rows_and_estimates_the_duration() {
    let place = Place::with_rows(rows(4_000) + "@TGS#9,u1\n@TGS#9,u1\n");
    let done = check(&place, &["rows.csv"]).exits(0);
    assert_lines(
        &done,
        &[
            "rows.csv",
            "rows                4,002",
            "duplicates              1  not called again",
            "invalid                 0  can't be sent as they stand",
            "suspicious              0  probably a mistake",
            "groups                  2",
            "senders             4,000",
            "topics                  0",
            "calls               4,001  20 s at 200 calls/s",
        ],
    );
    assert_eq!(done.stderr, "");
    assert_eq!(place.files(), ["rows.csv"], "it should write nothing");
}

#[test]
fn invalid_and_suspicious_rows_are_shown_by_line_and_counted_by_kind() {
    let place = Place::with_rows(DIRTY);
    let done = check(&place, &["rows.csv"]).exits(3);
    assert_lines(
        &done,
        &[
            "line 4: the sender is a number that a spreadsheet has rounded: `1.29E+18`",
            "line 5: the sender is empty",
            "line 6: a quote inside a field that does not start with one: `u\"9,,`",
            "line 7: the sender ends in zeros, as numbers do that a spreadsheet has rounded: \
             `1294030472427830000`",
            "line 8: the sender is a group's ID (are the columns swapped?): `@TGS#2C5SZEAEF`",
            "line 9: the topic does not belong to the group: `@TGS#_b@TOPIC#_x`",
            "line 10: the group is a topic's ID: `@TGS#_a@TOPIC#_x`",
            "line 11: the group starts or ends with a space: ` g1`",
            "and 3 more; all by kind:",
            "1  the group is what a spreadsheet shows instead of a formula",
            "1  the sender is a word for nothing",
            "1  the sender is longer than 32 bytes",
        ],
    );
}

#[test]
fn the_json_is_one_object_that_adds_up() {
    let place = Place::with_rows(DIRTY);
    let done = check(&place, &["rows.csv", "--json"]).exits(3);
    assert_eq!(done.stdout.lines().count(), 1);
    let counts = [
        ("rows", 13),
        ("distinct", 9),
        ("duplicates", 1),
        ("invalid", 3),
        ("suspicious", 8),
        ("calls", 9),
        ("groups", 7),
        ("senders", 8),
        ("topics", 1),
        ("seconds_at_cap", 1),
    ];
    for (key, count) in counts {
        assert_eq!(done.count(key), count, "{key}");
    }
    let json = done.json();
    for (rows, count) in [("invalid_rows", 3), ("suspicious_rows", 8)] {
        let kinds = json[rows]["kinds"].as_array().unwrap().iter();
        let sum: u64 = kinds.map(|kind| kind["rows"].as_u64().unwrap()).sum();
        assert_eq!(sum, count, "{rows}");
        assert_eq!(
            json[rows]["first"].as_array().unwrap().len(),
            usize::try_from(count.min(5)).unwrap()
        );
    }
}

#[test]
fn suspicious_rows_are_sent_except_with_strict() {
    let place = Place::with_rows(DIRTY);
    let run = |words: &[&str]| {
        let service = Service::lenient();
        let run = place.run("rows.csv").on(service.address()).with(words);
        (run.finish().exits(3), service.calls())
    };
    let (all, calls) = run(&["--ledger", "all.jsonl"]);
    assert_eq!(
        [all.count("recalled"), all.count("invalid"), calls as u64],
        [9, 3, 9]
    );
    let (strict, calls) = run(&["--ledger", "strict.jsonl", "--strict"]);
    assert_eq!(
        [
            strict.count("recalled"),
            strict.count("invalid"),
            calls as u64
        ],
        [1, 11, 1]
    );
    let ledger = place.ledger_named("strict.jsonl");
    let swapped = ledger.entries.iter().find(|entry| entry.row == 8).unwrap();
    assert_eq!(swapped.outcome, "invalid");
    assert!(swapped.info.contains("are the columns swapped?"));
    // The check counts as invalid what the run would refuse.
    let checked = check(&place, &["rows.csv", "--strict", "--json"]).exits(3);
    assert_eq!(
        [checked.count("invalid"), checked.count("suspicious")],
        [11, 0]
    );
}

#[test]
fn it_reads_the_same_inputs_as_a_run() {
    let place = Place::new();
    place.write("rows.txt", "1,ann,x\n2,bob,x\n");
    let words = ["rows.txt", "--no-header", "--columns", "group=1,sender=2"];
    assert_lines(
        &check(&place, &words).exits(0),
        &["senders                 2"],
    );
    let from_a_pipe = place.recall(["check", "-", "--columns", "sender=uid"]);
    let done = from_a_pipe.stdin("group,uid\ng,u\n").finish().exits(0);
    assert_lines(&done, &["calls                   1  0.0 s at 200 calls/s"]);
    check(&place, &["gone.csv"])
        .exits(1)
        .says("gone.csv: cannot be opened");
}

#[test]
fn a_ledger_is_refused_as_input() {
    let service = Service::good();
    let place = Place::with_rows(rows(3));
    let run = place.run("rows.csv").on(service.address());
    run.finish().exits(0);
    check(&place, &["rows.ledger.jsonl"])
        .exits(2)
        .says("rows.ledger.jsonl is a ledger, not an input")
        .says("recall report rows.ledger.jsonl");
}

#[test]
fn flags_about_the_service_and_the_caller_need_online() {
    let place = Place::with_rows(rows(1));
    for words in [
        &["--sdkappid", "7"][..],
        &["--identifier", "root"],
        &["--cacert", "ca.pem"],
        &["--region", "tokyo"],
        &["--endpoint", "http://127.0.0.1:1"],
        &["--mock"],
    ] {
        let done = check(
            &place,
            &["rows.csv"]
                .iter()
                .chain(words)
                .copied()
                .collect::<Vec<_>>(),
        );
        done.exits(2).says(words[0]).says("--online");
    }
}

#[test]
fn the_duration_is_estimated_at_the_rate_of_a_run() {
    let place = Place::with_rows(rows(400));
    place.write("cfg.toml", "rate = 4\n[profile.slow]\nrate = 2\n");
    let check = || place.recall(["check", "rows.csv"]);
    for (words, variable, time, seconds) in [
        (&[][..], None, "2.0 s at 200 calls/s", Value::from(2)),
        (&[], Some("20"), "20 s at 20 calls/s", Value::from(20)),
        (&[], Some("max"), "as fast as it goes", Value::Null),
        (
            &["--config", "cfg.toml"],
            None,
            "1:40 min at 4 calls/s",
            Value::from(100),
        ),
        (
            &["--config", "cfg.toml", "--profile", "slow"],
            None,
            "3:20 min at 2 calls/s",
            Value::from(200),
        ),
        (
            &["--config", "cfg.toml"],
            Some("40"),
            "10 s at 40 calls/s",
            Value::from(10),
        ),
    ] {
        let check = || {
            let check = check().with(words);
            match variable {
                Some(rate) => check.env("RECALL_RATE", rate),
                None => check,
            }
        };
        let text = check().finish().exits(0).stdout;
        assert!(text.contains(time), "{time} is not in {text}");
        let json = check().with(["--json"]).finish().exits(0).json();
        assert_eq!(json["seconds_at_cap"], seconds, "{words:?}");
    }
    let wrong = check().env("RECALL_RATE", "fast").finish().exits(2);
    wrong.says("RECALL_RATE fast");
    let gone = check().with(["--config", "gone.toml"]).finish();
    gone.exits(2).says("gone.toml");
}
