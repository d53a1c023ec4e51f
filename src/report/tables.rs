//! The page's tables.

use maud::{Markup, html};

use super::fold::Report;
use super::phrases;
use crate::display::thousands;

/// Returns the table of failed rows by code, with what to do.
pub(super) fn failures(report: &Report) -> Markup {
    let max = highest(report.failures.iter().map(|failed| failed.rows));
    let rows = html! {
        @for failed in &report.failures {
            tr {
                td.number { (failed.code) }
                (count(failed.rows, max))
                td.words {
                    strong { (failed.meaning) }
                    @if !failed.info.is_empty() {
                        br; span.quiet { "“" (phrases::shown(&failed.info)) "”" }
                    }
                }
                td.words { (failed.advice) }
            }
        }
    };
    let heads = ["Code", "Rows", "What it means", "What to do"];
    table(
        "Failures by code",
        "",
        &heads,
        report.failures.is_empty(),
        &rows,
    )
}

/// Returns the table of groups with the most failed rows.
pub(super) fn groups(report: &Report) -> Markup {
    let max = highest(report.groups.iter().map(|group| group.failed));
    let listed = report.groups.len() as u64;
    let note = if listed < report.failing_groups {
        let all = thousands(report.failing_groups);
        format!("The {listed} groups with the most failed rows, of {all} with any.")
    } else {
        String::new()
    };
    let rows = html! {
        @for group in &report.groups {
            tr {
                td.id { (phrases::shown(&group.group)) }
                (count(group.failed, max))
                td.number { (codes(&group.codes)) }
            }
        }
    };
    let heads = ["Group", "Failed rows", "Codes, most frequent first"];
    table(
        "Groups with failures",
        &note,
        &heads,
        report.groups.is_empty(),
        &rows,
    )
}

/// Returns the table of reasons why rows were not sent.
pub(super) fn unsent(report: &Report) -> Markup {
    let max = highest(report.unsent.iter().map(|unsent| unsent.rows));
    let rows = html! {
        @for unsent in &report.unsent {
            tr {
                td.words { (phrases::shown(&unsent.reason)) }
                (count(unsent.rows, max))
                td.number { (phrases::lines(unsent)) }
            }
        }
    };
    let heads = ["Reason", "Rows", "Lines of the input"];
    table(
        "Rows that were not sent",
        "",
        &heads,
        report.unsent.is_empty(),
        &rows,
    )
}

/// Returns the table of the first failed rows.
pub(super) fn first_failed(report: &Report) -> Markup {
    let listed = report.first_failed.len() as u64;
    let note = if listed < report.failed {
        let all = thousands(report.failed);
        format!("The first {listed} of {all}; recall export LEDGER --outcome failed has all.")
    } else {
        String::new()
    };
    let topics = report.first_failed.iter().any(|row| !row.topic.is_empty());
    let rows = html! {
        @for row in &report.first_failed {
            tr {
                td.number { (phrases::line(&row.input, row.row)) }
                td.id { (phrases::shown(&row.group)) }
                td.id { (phrases::shown(&row.sender)) }
                @if topics { td.id { (phrases::shown(&row.topic)) } }
                td.number { (row.code) }
                td.words { (phrases::shown(&row.info)) }
                td.number { (row.attempts) }
                td.number { @if let Some(at) = row.sent_at { (phrases::moment(at)) } }
            }
        }
    };
    let mut heads = vec!["Line", "Group", "Sender"];
    heads.extend(topics.then_some("Topic"));
    heads.extend(["Code", "The service’s words", "Calls", "Last call, UTC"]);
    table(
        "The first failed rows",
        &note,
        &heads,
        report.first_failed.is_empty(),
        &rows,
    )
}

/// Returns a table that scrolls horizontally if the screen is too narrow, or nothing without rows.
fn table(title: &str, note: &str, heads: &[&str], is_empty: bool, rows: &Markup) -> Markup {
    html! {
        @if !is_empty {
            section.table {
                h2 { (title) }
                @if !note.is_empty() { p.quiet { (note) } }
                div.scroll tabindex="0" role="region" aria-label=(title) {
                    table {
                        thead { tr { @for head in heads { th scope="col" { (head) } } } }
                        tbody { (rows) }
                    }
                }
            }
        }
    }
}

/// Returns a cell with a count, and with a bar in proportion to the highest if there are others.
fn count(rows: u64, max: Option<u64>) -> Markup {
    html! {
        td.count {
            div {
                span { (thousands(rows)) }
                @if let Some(max) = max {
                    i { b style={ "width:" (rows * 100 / max.max(1)) "%" } {} }
                }
            }
        }
    }
}

/// Returns the highest of several counts; `None` if there are fewer than two.
fn highest(counts: impl ExactSizeIterator<Item = u64>) -> Option<u64> {
    (counts.len() > 1).then(|| counts.max()).flatten()
}

fn codes(codes: &[i64]) -> String {
    let codes: Vec<_> = codes.iter().map(i64::to_string).collect();
    codes.join(", ")
}
