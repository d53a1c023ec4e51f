//! The report as an HTML page: one file without network access or scripts.
//!
//! The template escapes every value. Only the style sheet and the charts, which hold no text from
//! the ledger, are inserted unescaped.

use std::ffi::OsStr;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::fold::Report;
use super::latency::{Bar, Latencies};
use super::{charts, phrases, tables};
use crate::display::thousands;

/// Forbids loading, sending and running anything; only inline styles are allowed.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Returns the element that identifies a page as a report of this crate.
pub(crate) fn mark() -> Markup {
    html! { meta name="generator" content="recall"; }
}

/// Returns the report as an HTML page.
pub fn page(report: &Report) -> String {
    let headline = phrases::headline(report);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                (mark())
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                title { "Recall report: " (phrases::shown(&report.input)) }
                style { (PreEscaped(include_str!("page.css"))) (PreEscaped(charts::style())) }
            }
            body {
                (header(report, &headline))
                main {
                    (cards(report))
                    (next(report))
                    @if report.calls > 0 { (pictures(report)) }
                    (tables::failures(report))
                    (tables::groups(report))
                    (tables::unsent(report))
                    (tables::first_failed(report))
                }
                (footer(report))
            }
        }
    };
    page.into_string()
}

fn header(report: &Report, headline: &str) -> Markup {
    html! {
        header {
            p.kind { "Recall report" }
            h1 { (headline) }
            @if let Some(caution) = phrases::caution(report) { p.caution { (caution) } }
            dl.facts {
                (fact("Input", &phrases::shown(&report.input)))
                (fact("App", &report.app.to_string()))
                (fact("Endpoint", &phrases::shown(&report.endpoint)))
                (fact("Begun", &format!("{} UTC", phrases::moment(report.begun))))
                @if let Some(span) = &report.span { (fact("Calls", &phrases::span(span))) }
            }
        }
    }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn cards(report: &Report) -> Markup {
    let of_all = |rows| {
        format!(
            "{} of {}",
            phrases::share(rows, report.rows),
            thousands(report.rows)
        )
    };
    html! {
        section.cards aria-label="Totals" {
            (card("good", "Recalled", &thousands(report.recalled), &of_all(report.recalled)))
            @let class = if report.failed > 0 { "bad" } else { "" };
            (card(class, "Failed", &thousands(report.failed), &of_all(report.failed)))
            (card("", "Could not be sent", &thousands(report.invalid), "invalid as they stood"))
            @if report.skipped > 0 {
                (card("", "Skipped", &thousands(report.skipped), "a call would do nothing"))
            }
            @if report.calls > 0 {
                @let retries = phrases::retries(report.calls, report.retries);
                (card("", "Calls", &thousands(report.calls), &retries))
                @let cap = format!("last calls; the cap is {}", report.cap);
                (card("", "Busiest second", &thousands(report.peak_per_s), &cap))
            }
            @if report.latency_ms.calls > 0 {
                @let half = format!("{} ms", thousands(report.latency_ms.p50));
                @let slow = format!("for half; 99 % within {} ms", thousands(report.latency_ms.p99));
                (card("", "Answer time", &half, &slow))
            }
        }
    }
}

fn card(class: &str, name: &str, value: &str, note: &str) -> Markup {
    html! {
        div class={ "card " (class) } {
            p.name { (name) }
            p.value { (value) }
            p.note { (note) }
        }
    }
}

/// Returns what is left to do.
fn next(report: &Report) -> Markup {
    html! {
        @if report.unreadable > 0 {
            p.caution {
                (thousands(report.unreadable))
                " " (phrases::are_damaged(report.unreadable)) " in this report."
            }
        }
        @if report.failed > 0 {
            p.next {
                "The failed rows can be sent again, into the same ledger: "
                code { (phrases::replay(report, file_name(report))) }
            }
        }
    }
}

fn pictures(report: &Report) -> Markup {
    let bucket = match report.timeline.bucket_s {
        1 => "each second".to_owned(),
        seconds => format!("each {seconds} s"),
    };
    let breaks = (report.timeline.sections().count() > 1).then_some(("break", "break over 10 min"));
    let mut rate = vec![("calls", "each row's last call")];
    let mut outcomes = vec![
        ("calls", "recalled at once"),
        ("retried", "recalled by a retry"),
        ("failed", "failed"),
    ];
    rate.extend(breaks);
    outcomes.extend(breaks);
    html! {
        section.charts aria-label="Charts" {
            (figure(
                "Calls per second",
                &format!("over time in UTC, the mean of {bucket}, against the cap"),
                &rate,
                &charts::rate(&report.timeline, report.cap),
            ))
            (figure(
                "Outcomes",
                &format!("rows per second over time in UTC, the mean of {bucket}"),
                &outcomes,
                &charts::outcomes(&report.timeline),
            ))
            @if report.latency_ms.calls > 0 {
                @let marks = marks(&report.latency_ms);
                @let what = match report.latency_ms.bars.last() {
                    Some(Bar { to: None, .. }) => {
                        "number of calls by milliseconds; the last bar is all that took longer"
                    }
                    _ => "number of calls by milliseconds",
                };
                (figure(
                    "Answer times",
                    what,
                    &[("mark", &marks)],
                    &charts::latencies(&report.latency_ms),
                ))
            }
            (figure(
                "Retries",
                "number of rows by how many calls they took",
                &[("calls", "one call"), ("retried", "several calls")],
                &charts::attempts(&report.attempts),
            ))
        }
    }
}

/// Returns the legend for the lines in the chart of answer times.
fn marks(latency: &Latencies) -> String {
    format!(
        "50 % within {} ms, 95 % within {}, 99 % within {}, all within {}",
        thousands(latency.p50),
        thousands(latency.p95),
        thousands(latency.p99),
        thousands(latency.max)
    )
}

fn figure(title: &str, what: &str, legend: &[(&str, &str)], svg: &str) -> Markup {
    html! {
        figure {
            figcaption {
                h2 { (title) }
                p { (what) }
                ul.legend { @for (class, name) in legend { li class=(class) { (name) } } }
            }
            div role="img" aria-label=(title) { (PreEscaped(svg)) }
        }
    }
}

fn footer(report: &Report) -> Markup {
    html! {
        footer {
            p { (phrases::WHAT_THE_RATE_COUNTS) }
            p {
                "Recalled means that the service answered with success. Its answer holds no count, "
                "and it is the same for an AVChatRoom, where the call does nothing."
            }
            p { (phrases::WHAT_A_LEDGER_HOLDS) }
            @if let Some(what) = phrases::what_invalid_counts(report) { p { (what) } }
            p {
                "Each row counts with its last outcome. Made by recall " (env!("CARGO_PKG_VERSION"))
                " from " code { (name_of(report)) } "."
            }
        }
    }
}

/// Returns the ledger's name without its folder, which a page that is shared must not reveal.
fn file_name(report: &Report) -> &OsStr {
    let ledger = &report.ledger;
    ledger.file_name().unwrap_or(ledger.as_os_str())
}

fn name_of(report: &Report) -> String {
    phrases::shown(&file_name(report).to_string_lossy())
}
