//! The report of a ledger: as text, as JSON and as an HTML page.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::stage::{Answer, Place, Request, Service, rows};

/// A group ID that would run as a script if it were not escaped.
const HOSTILE: &str = r#""><script>alert(1)</script>"#;

/// A place with a ledger of five rows: one recalled, one recalled by a retry, two failed, one
/// invalid.
fn some_ledger() -> Place {
    let service = Service::start(|call: &Request| match (&*call.sender(), call.nth_of_row) {
        ("u1", 0) => Answer::code(10002),
        ("u2", _) => Answer::error(10010, "group is <gone>"),
        ("u3", 0) => Answer::error(10015, "bad group"),
        _ => Answer::ok(),
    });
    let hostile = HOSTILE.replace('"', "\"\"");
    let place = Place::with_rows(format!(
        "group,sender\ng,u0\ng,u1\n\"{hostile}\",u2\ng,u3\n,u4\n"
    ));
    let run = place.run("rows.csv").on(service.address());
    run.finish().exits(3);
    place
}

fn report(place: &Place, words: &[&str]) -> String {
    let report = place.recall(["report", "rows.ledger.jsonl"]).with(words);
    report.finish().exits(0).stdout
}

#[test]
fn the_text_has_the_results_and_the_next_steps() {
    let text = report(&some_ledger(), &[]);
    for words in [
        "2 of 5 rows of this ledger were recalled: 2 failed, 1 could not be sent.\n",
        "40.0 %  recalled\n",
        "5  calls, 1 of them a retry\n",
        "in the busiest second of the clock, of 200 allowed\n",
        "3  rows took 1 call\n",
        "1  row took 2 calls\n",
        "10010: the group does not exist or was dismissed\n",
        "the group is empty (line 6)\n",
        "group is <gone>\n",
        "recall replay rows.ledger.jsonl\n",
    ] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
    assert!(text.contains(HOSTILE), "text is not escaped: {text}");
}

#[test]
fn the_json_has_the_documented_keys() {
    let json = report(&some_ledger(), &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    for (key, value) in [
        ("ledger", json!("rows.ledger.jsonl")),
        ("app", json!(1_400_000_000)),
        ("input", json!("rows.csv")),
        ("rows", json!(5)),
        ("recalled", json!(2)),
        ("failed", json!(2)),
        ("invalid", json!(1)),
        ("skipped", json!(0)),
        ("unreadable", json!(0)),
        ("calls", json!(5)),
        ("retries", json!(1)),
        ("cap", json!(200)),
        ("failing_groups", json!(2)),
    ] {
        assert_eq!(json[key], value, "{key}");
    }
    let mut keys: Vec<_> = json.as_object().unwrap().keys().collect();
    keys.sort();
    let others = [
        "attempts",
        "begun",
        "endpoint",
        "failures",
        "first_failed",
        "groups",
        "latency_ms",
        "peak_per_s",
        "span",
        "timeline",
        "unsent",
    ];
    assert_eq!(keys.len(), 13 + others.len(), "{keys:?}");
    assert!(others.iter().all(|key| !json[key].is_null()), "{json}");
    assert_eq!(json["attempts"][1]["rows"], 1);
    assert_eq!(json["latency_ms"]["calls"], 4);
    assert_eq!(json["failures"][0]["code"], 10010);
    assert_eq!(json["unsent"][0]["lines"], json!([6]));
    let failed = json["first_failed"].as_array().unwrap();
    let row = failed.iter().find(|row| row["sender"] == "u2").unwrap();
    assert_eq!((&row["group"], &row["row"]), (&json!(HOSTILE), &json!(4)));
}

#[test]
fn a_replayed_row_counts_once_with_its_last_outcome() {
    let service = Service::start(|call| match (&*call.sender(), call.nth_of_row) {
        ("u1", 0) => Answer::code(10010),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(3));
    let run = place.run("rows.csv").on(service.address());
    run.finish().exits(3);
    let replay = place.recall(["replay", "rows.ledger.jsonl"]);
    replay.finish().exits(0);
    let text = report(&place, &[]);
    assert!(
        text.starts_with("All 3 rows of this ledger were recalled.\n"),
        "{text}"
    );
    assert!(!text.contains("10010"), "{text}");
}

/// The row number and outcome of each line of an export.
fn exported(place: &Place, words: &[&str]) -> Vec<(u64, String)> {
    let export = place.recall(["export", "rows.ledger.jsonl", "--format", "jsonl"]);
    let lines = export.with(words).finish().exits(0).stdout;
    let rows = lines.lines().map(|line| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let outcome = row["outcome"].as_str().unwrap().to_owned();
        (row["row"].as_u64().unwrap(), outcome)
    });
    rows.collect()
}

#[test]
fn a_bad_row_fixed_on_its_line_counts_once() {
    let service = Service::good();
    let place = Place::with_rows("group,sender\ng,u1\ng,1.29E+18\n,u3\n");
    let run = |words: &[&str]| place.run("rows.csv").on(service.address()).with(words);
    run(&[]).finish().exits(3);
    place.write("rows.csv", "group,sender\ng,u1\ng,u2\n,u3\n");
    run(&["--resume"]).finish().exits(3);
    let text = report(&place, &[]);
    assert!(
        text.starts_with("2 of 3 rows of this ledger were recalled: 1 could not be sent.\n"),
        "{text}"
    );
    assert!(text.contains("the group is empty (line 4)\n"), "{text}");
    let whose = "Lines that could not be sent are counted over all runs";
    assert!(
        text.contains(whose) && page(&place).contains(whose),
        "{text}"
    );
    let invalid = exported(&place, &["--outcome", "invalid"]);
    assert_eq!(invalid, [(4, "invalid".to_owned())]);
    assert_eq!(exported(&place, &[]).len(), 3);
    place.write("rows.csv", "group,sender\ng,u1\ng,u2\ng,u3\n");
    run(&["--resume"]).finish().exits(0);
    let text = report(&place, &[]);
    assert!(
        text.starts_with("All 3 rows of this ledger were recalled.\n"),
        "{text}"
    );
    assert!(!text.contains(whose), "{text}");
    assert_eq!(service.called_senders(), ["u1", "u2", "u3"]);
}

#[test]
fn a_row_refused_by_strict_and_sent_later_counts_once() {
    let service = Service::start(|call| match call.nth_of_row {
        0 => Answer::code(10010),
        _ => Answer::ok(),
    });
    let place = Place::with_rows("group,sender\ng,1290000000000000000\n");
    let run = |words: &[&str]| place.run("rows.csv").on(service.address()).with(words);
    run(&["--strict"]).finish().exits(3);
    run(&["--resume"]).finish().exits(3);
    assert_eq!(exported(&place, &[]), [(2, "failed".to_owned())]);
    assert!(place.files().contains(&"rows.failed.csv".to_owned()));
    let replay = place.recall(["replay", "rows.ledger.jsonl"]);
    replay.finish().exits(0);
    assert_eq!(exported(&place, &[]), [(2, "recalled".to_owned())]);
    // With --strict again, the ledger already has the row, both as invalid and as recalled.
    let done = run(&["--resume", "--strict"]).finish().exits(3);
    assert_eq!([done.count("invalid"), done.count("calls")], [1, 0]);
    assert_eq!(exported(&place, &[]), [(2, "recalled".to_owned())]);
}

/// A place with a ledger of rows recalled at these times, each with this number of attempts.
fn ledger_of(calls: impl IntoIterator<Item = (Timestamp, u32)>) -> Place {
    let mut text = "{\"recall_ledger\":1,\"app\":1400000000,\"endpoint\":\"mock\",\
         \"input\":\"rows.csv\",\"created\":\"2026-11-25T10:00:00Z\"}\n"
        .to_owned();
    for (row, (sent_at, attempts)) in (2..).zip(calls) {
        writeln!(
            text,
            "{{\"row\":{row},\"group\":\"@TGS#1\",\"sender\":\"u{row}\",\"topic\":\"\",\
             \"outcome\":\"recalled\",\"code\":0,\"info\":\"\",\"attempts\":{attempts},\
             \"sent_at\":\"{sent_at:.3}\",\"ms\":40}}"
        )
        .unwrap();
    }
    let place = Place::new();
    place.write("rows.ledger.jsonl", text);
    place
}

/// This many calls at 200 per second, starting at a time.
fn at_the_cap(from: &str, calls: i64) -> impl Iterator<Item = (Timestamp, u32)> {
    let from: Timestamp = from.parse().unwrap();
    (0..calls).map(move |n| (from + SignedDuration::from_millis(n * 5), 1))
}

#[test]
fn a_small_run_the_day_before_does_not_distort_the_peak_or_timeline() {
    let canary = at_the_cap("2026-11-25T10:00:00Z", 10);
    let place = ledger_of(canary.chain(at_the_cap("2026-11-26T10:00:00Z", 600)));
    let text = report(&place, &[]);
    let busiest = "      200  in the busiest second of the clock, of 200 allowed\n";
    assert!(text.contains(busiest), "{text}");
    let json: serde_json::Value = serde_json::from_str(&report(&place, &["--json"])).unwrap();
    assert_eq!(json["peak_per_s"], 200);
    let timeline = &json["timeline"];
    assert_eq!(timeline["bucket_s"], 1);
    let second =
        json!({"begins": "2026-11-26T10:00:02Z", "at_once": 200, "by_retry": 0, "failed": 0});
    assert_eq!(timeline["buckets"][3], second);
    let page = page(&place);
    for words in [
        "<p class=\"value\">200</p><p class=\"note\">last calls; the cap is 200</p>",
        "<li class=\"break\">break over 10 min</li>",
        "\nNov 25\n",
        "\nNov 26\n",
    ] {
        assert!(page.contains(words), "{words:?} is not in\n{page}");
    }
}

#[test]
fn counts_of_one_are_singular_and_counts_of_zero_are_left_out() {
    let at = "2026-11-25T10:00:00Z".parse().unwrap();
    let text = report(&ledger_of([(at, 1)]), &[]);
    assert!(text.contains("        1  call, no retry\n"), "{text}");
    assert!(text.contains("        1  row took 1 call\n"), "{text}");
    let text = report(&ledger_of([(at, 1), (at, 1), (at, 8)]), &[]);
    assert!(text.contains("        2  rows took 1 call\n"), "{text}");
    assert!(text.contains("        1  row took 8 calls\n"), "{text}");
    assert!(!text.contains(" 0  rows took "), "{text}");
    let place = ledger_of([(at, 1)]);
    place.write(
        "rows.ledger.jsonl",
        place.read("rows.ledger.jsonl") + "{damage\n",
    );
    let text = report(&place, &[]);
    let damaged = "        1  line of the ledger is damaged; its row is not in here\n";
    assert!(text.contains(damaged), "{text}");
    assert!(
        page(&place).contains("1 line of the ledger is damaged; its row is not in this report.")
    );
}

#[test]
fn a_report_refuses_a_file_that_is_not_a_ledger() {
    let place = Place::with_rows(rows(3));
    let report = place.recall(["report", "rows.csv"]);
    report.finish().exits(1).says("is not a ledger");
}

fn page(place: &Place) -> String {
    let report = place.recall(["report", "rows.ledger.jsonl", "--html", "report.html"]);
    let done = report.finish().exits(0).says("Report: report.html");
    assert_eq!(done.stdout, "", "the page should replace the text");
    place.read("report.html")
}

#[test]
fn the_page_has_the_same_results_and_charts() {
    let page = page(&some_ledger());
    for words in [
        "2 of 5 rows of this ledger were recalled: 2 failed, 1 could not be sent.</h1>",
        "recall replay rows.ledger.jsonl",
        "Calls per second",
        "the cap, 200/s",
        "recalled by a retry",
        "the group does not exist or was dismissed",
        "“group is &lt;gone&gt;”",
        "the group is empty",
        "<td class=\"id\">u3</td>",
    ] {
        assert!(page.contains(words), "{words:?} is not in\n{page}");
    }
    assert_eq!(page.matches("<svg ").count(), 4);
}

#[test]
fn every_value_in_the_page_is_escaped() {
    let formula = "=cmd|' /C calc'!A0";
    let service = Service::start(|call| Answer::error(10010, &format!("<b>{}", call.sender())));
    let hostile = HOSTILE.replace('"', "\"\"");
    let place = Place::with_rows(format!(
        "group,sender,topic\n\"{hostile}\",{formula},</td><script>\n\"{hostile}\",1.29E+18,\n"
    ));
    let run = place.run("rows.csv").on(service.address());
    run.finish().exits(3);
    let page = page(&place);
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    let escaped = "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;";
    assert_eq!(
        page.matches(escaped).count(),
        2,
        "once as a group and once in the row"
    );
    assert!(page.contains("<td class=\"id\">=cmd|' /C calc'!A0</td>"));
    assert!(page.contains("<td class=\"id\">&lt;/td&gt;&lt;script&gt;</td>"));
}

#[test]
fn the_page_has_no_external_references_and_its_policy_forbids_them() {
    let page = page(&some_ledger());
    for reference in [
        "src=", "href=", "url(", "@import", "<link", "<iframe", "xmlns",
    ] {
        assert!(!page.contains(reference), "{reference} in\n{page}");
    }
    assert!(page.contains(
        "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\""
    ));
    // The endpoint is shown as text.
    assert_eq!(page.matches("http://").count(), 1);
    assert!(page.contains("<dd>http://127.0.0.1:"));
}

#[test]
fn html_and_json_can_be_combined() {
    let place = some_ledger();
    let json = report(&place, &["--html", "report.html", "--json"]);
    assert!(json.starts_with("{\"ledger\":"), "{json}");
    let first = place.read("report.html");
    report(&place, &["--html", "report.html"]);
    assert_eq!(place.read("report.html"), first, "a page can be replaced");
    let files = [
        "report.html",
        "rows.csv",
        "rows.failed.csv",
        "rows.ledger.jsonl",
    ];
    assert_eq!(place.files(), files);
}

#[test]
fn a_page_overwrites_only_an_earlier_report() {
    let place = some_ledger();
    std::fs::create_dir(place.path("folder")).unwrap();
    place.write("index.html", "<!DOCTYPE html>\n<title>Status</title>\n");
    for name in [
        "index.html",
        "-",
        "rows.ledger.jsonl",
        "./rows.ledger.jsonl",
        "rows.csv",
        "folder",
    ] {
        let read = || ["index.html", "rows.csv", "rows.ledger.jsonl"].map(|file| place.read(file));
        let before = read();
        let report = place.recall(["report", "rows.ledger.jsonl", "--html", name]);
        let done = report.finish().exits(2);
        done.says(match name {
            "-" => "--html -: the page must be a file",
            _ => "is not a recall report",
        });
        assert_eq!(read(), before);
    }
    let report = place.recall([
        "report",
        "rows.ledger.jsonl",
        "--html",
        "no/such/folder.html",
    ]);
    report
        .finish()
        .exits(1)
        .says("cannot write the report to no/such/folder.html");
}
