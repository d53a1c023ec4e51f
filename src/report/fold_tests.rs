//! Tests of the fold, over entries as in a ledger.

use std::path::Path;

use super::*;
use crate::ledger::VERSION;

fn header() -> Header {
    Header {
        version: VERSION,
        app: 1_400_000_000,
        endpoint: "mock".to_owned(),
        input: "rows.csv".to_owned(),
        created: Timestamp::UNIX_EPOCH,
    }
}

/// Returns an entry sent at the given millisecond, or not sent at all.
fn entry(outcome: Outcome, code: i64, attempts: u32, sent_at: Option<i64>) -> Entry<'static> {
    Entry {
        row: 2,
        input: "".into(),
        group: "@TGS#1".into(),
        sender: "ann".into(),
        topic: "".into(),
        outcome,
        code,
        info: "".into(),
        attempts,
        sent_at: sent_at.map(|ms| Timestamp::from_millisecond(ms).expect("a time")),
        ms: sent_at.map(|_| 40),
    }
}

fn recalled(at: i64) -> Entry<'static> {
    entry(Outcome::Recalled, 0, 1, Some(at))
}

fn report(entries: &[Entry<'_>]) -> Report {
    let mut fold = Fold::new();
    for entry in entries {
        fold.add(entry);
    }
    fold.finish(Path::new("rows.ledger.jsonl"), &header())
}

#[test]
fn a_ledger_without_entries_has_only_zeros() {
    let report = report(&[]);
    assert_eq!([report.rows, report.calls, report.latency_ms.calls], [0; 3]);
    assert_eq!((report.span, report.timeline.buckets.len()), (None, 0));
    assert!(report.attempts.is_empty() && report.failures.is_empty());
}

#[test]
fn invalid_rows_count_as_rows_but_not_as_calls() {
    let mut bad = entry(Outcome::Invalid, 0, 0, None);
    bad.info = "the group is empty".into();
    let mut entries = vec![bad.clone(); 7];
    for shown in ["`a`", "`b`"] {
        bad.info = format!("the sender is not UTF-8: {shown}").into();
        entries.push(bad.clone());
    }
    let report = report(&entries);
    assert_eq!([report.rows, report.invalid, report.calls], [9, 9, 0]);
    assert_eq!((report.span, report.peak_per_s), (None, 0));
    let reasons: Vec<_> = report
        .unsent
        .iter()
        .map(|why| (&*why.reason, why.rows))
        .collect();
    assert_eq!(
        reasons,
        [("the group is empty", 7), ("the sender is not UTF-8", 2)]
    );
    assert_eq!(report.unsent[0].lines, [2; 5]);
}

#[test]
fn a_single_row_has_a_span_of_zero_seconds() {
    let report = report(&[recalled(1_500)]);
    let span = report.span.expect("a call");
    assert_eq!((span.first, span.seconds), (span.last, 0.0));
    assert_eq!(report.timeline.buckets.len(), 1);
    assert_eq!(report.peak_per_s, 1);
    assert_eq!([report.latency_ms.p50, report.latency_ms.max], [40, 40]);
}

#[test]
fn calls_retries_and_attempts_are_summed_over_the_rows() {
    let mut entries = vec![recalled(0); 3];
    entries.push(entry(Outcome::Recalled, 0, 3, Some(10)));
    entries.push(entry(Outcome::Failed, 10002, 90, Some(20)));
    let report = report(&entries);
    assert_eq!((report.calls, report.retries), (96, 91));
    let first = report.attempts[0];
    assert_eq!((first.attempts, first.rows, first.or_more), (1, 3, false));
    assert_eq!(report.attempts[2].rows, 1);
    let last = report.attempts.last().expect("attempts");
    assert_eq!((last.attempts, last.rows, last.or_more), (16, 1, true));
    let bucket = report.timeline.buckets[0];
    assert_eq!([bucket.at_once, bucket.by_retry, bucket.failed], [3, 1, 1]);
}

#[test]
fn the_order_of_entries_makes_no_difference_to_span_and_timeline() {
    let forwards: Vec<_> = (0..100).map(|n| recalled(n * 300)).collect();
    let backwards: Vec<_> = forwards.iter().rev().cloned().collect();
    let [one, other] = [report(&forwards), report(&backwards)];
    assert_eq!(one.span, other.span);
    assert_eq!(one.timeline.buckets, other.timeline.buckets);
    assert!((one.span.expect("calls").seconds - 29.7).abs() < 1e-9);
}

#[test]
fn a_canary_run_the_day_before_does_not_hide_the_busiest_second() {
    const DAY: i64 = 86_400_000;
    let canary = (0..10).map(|n| recalled(n * 5));
    let rest = (0..600).map(|n| recalled(DAY + n * 5));
    let report = report(&canary.chain(rest).collect::<Vec<_>>());
    assert_eq!((report.peak_per_s, report.timeline.bucket_s), (200, 1));
    assert_eq!(report.timeline.sections().count(), 2);
}

#[test]
fn a_call_without_an_answer_has_no_latency() {
    let mut late = entry(Outcome::Failed, crate::api::codes::TIMED_OUT, 8, Some(0));
    late.ms = Some(10_000);
    let report = report(&[late, recalled(0)]);
    assert_eq!((report.latency_ms.calls, report.latency_ms.max), (1, 40));
}

#[test]
fn failures_are_sorted_by_number_of_rows() {
    let failed = |group: &'static str, code| {
        let mut entry = entry(Outcome::Failed, code, 1, Some(0));
        entry.group = group.into();
        entry.info = "its words".into();
        entry
    };
    let mut entries = vec![failed("a", 10010), failed("b", 10002), failed("b", 10010)];
    entries.extend(vec![failed("b", 10010); 60]);
    let report = report(&entries);
    let codes: Vec<_> = report
        .failures
        .iter()
        .map(|by| (by.code, by.rows))
        .collect();
    assert_eq!(codes, [(10010, 62), (10002, 1)]);
    assert_eq!(report.failures[0].info, "its words");
    assert!(report.failures[0].meaning.contains("does not exist"));
    let groups: Vec<_> = report
        .groups
        .iter()
        .map(|by| (&*by.group, by.failed))
        .collect();
    assert_eq!(groups, [("b", 62), ("a", 1)]);
    assert_eq!(report.groups[0].codes, [10010, 10002]);
    assert_eq!((report.failing_groups, report.first_failed.len()), (2, 50));
}
