//! The report for a terminal.

use std::fmt::{self, Write as _};

use super::fold::Report;
use super::phrases;
use crate::display::{counted, thousands};
use crate::shell::quoted_file;

/// The maximum number of failed rows to list; the ledger has all of them.
const ROWS: usize = 10;
/// The maximum number of groups to list.
const GROUPS: usize = 10;

/// Returns the report as text.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    write(report, &mut text).expect("writing to a String can't fail");
    text
}

fn write(report: &Report, to: &mut String) -> fmt::Result {
    writeln!(to, "{}", phrases::headline(report))?;
    if let Some(caution) = phrases::caution(report) {
        writeln!(to, "{caution}")?;
    }
    writeln!(to)?;
    facts(report, to)?;
    calls(report, to)?;
    failures(report, to)?;
    if !report.unsent.is_empty() {
        writeln!(to, "\nNot sent")?;
        for unsent in &report.unsent {
            let line = counted(unsent.rows, "line");
            let lines = phrases::lines(unsent);
            let reason = phrases::shown(&unsent.reason);
            writeln!(
                to,
                "{:>9}  {reason} ({line} {lines})",
                thousands(unsent.rows)
            )?;
        }
    }
    next(report, to)
}

fn facts(report: &Report, to: &mut String) -> fmt::Result {
    writeln!(to, "Input     {}", phrases::shown(&report.input))?;
    writeln!(to, "App       {}", report.app)?;
    writeln!(to, "Endpoint  {}", phrases::shown(&report.endpoint))?;
    writeln!(to, "Begun     {} UTC", phrases::moment(report.begun))?;
    if let Some(span) = &report.span {
        writeln!(to, "Calls     {}", phrases::span(span))?;
    }
    writeln!(to, "\nRows")?;
    for (rows, what) in [
        (report.recalled, "recalled"),
        (report.failed, "failed"),
        (
            report.invalid,
            "invalid: they could not be sent as they stood",
        ),
        (report.skipped, "skipped: a call would have done nothing"),
    ] {
        let share = phrases::share(rows, report.rows);
        writeln!(to, "{:>9}  {share:>8}  {what}", thousands(rows))?;
    }
    if report.unreadable > 0 {
        let lines = thousands(report.unreadable);
        let are_damaged = phrases::are_damaged(report.unreadable);
        writeln!(to, "{lines:>9}  {are_damaged} in here")?;
    }
    writeln!(to, "  {}", phrases::WHAT_A_LEDGER_HOLDS)?;
    if let Some(what) = phrases::what_invalid_counts(report) {
        writeln!(to, "  {what}")?;
    }
    Ok(())
}

fn calls(report: &Report, to: &mut String) -> fmt::Result {
    if report.calls == 0 {
        return Ok(());
    }
    let retries = phrases::retries(report.calls, report.retries);
    writeln!(to, "\nCalls")?;
    writeln!(
        to,
        "{:>9}  {}, {retries}",
        thousands(report.calls),
        counted(report.calls, "call")
    )?;
    writeln!(
        to,
        "{:>9}  in the busiest second of the clock, of {} allowed",
        thousands(report.peak_per_s),
        report.cap
    )?;
    let latency = &report.latency_ms;
    if latency.calls > 0 {
        for (what, ms) in [
            ("half of the answers took no longer", latency.p50),
            ("95 % took no longer", latency.p95),
            ("99 % took no longer", latency.p99),
            ("was the slowest", latency.max),
        ] {
            writeln!(to, "{:>6} ms  {what}", thousands(ms))?;
        }
    }
    for by in report.attempts.iter().filter(|by| by.rows > 0) {
        let rows = counted(by.rows, "row");
        let attempts = phrases::attempts(by.attempts, by.or_more);
        let calls = counted(by.attempts as u64, "call");
        writeln!(
            to,
            "{:>9}  {rows} took {attempts} {calls}",
            thousands(by.rows)
        )?;
    }
    writeln!(to, "  {}", phrases::WHAT_THE_RATE_COUNTS)
}

fn failures(report: &Report, to: &mut String) -> fmt::Result {
    if report.failures.is_empty() {
        return Ok(());
    }
    writeln!(to, "\nFailed, by code")?;
    for failed in &report.failures {
        let rows = thousands(failed.rows);
        writeln!(to, "{rows:>9}  {}: {}", failed.code, failed.meaning)?;
        writeln!(to, "{:11}{}", "", failed.advice)?;
    }
    let groups = thousands(report.failing_groups);
    writeln!(to, "\nFailed, by group ({groups} in all)")?;
    for group in report.groups.iter().take(GROUPS) {
        let rows = thousands(group.failed);
        writeln!(to, "{rows:>9}  {}", phrases::shown(&group.group))?;
    }
    writeln!(to, "\nThe first failed rows")?;
    for row in report.first_failed.iter().take(ROWS) {
        let who = [&row.group, &row.sender, &row.topic]
            .into_iter()
            .filter(|id| !id.is_empty())
            .map(|id| phrases::shown(id))
            .collect::<Vec<_>>()
            .join("  ");
        let code = row.code;
        writeln!(
            to,
            "{:>9}  {code}  {who}  {}",
            phrases::line(&row.input, row.row),
            phrases::shown(&row.info)
        )?;
    }
    Ok(())
}

fn next(report: &Report, to: &mut String) -> fmt::Result {
    if report.failed == 0 {
        return Ok(());
    }
    let ledger = quoted_file(&report.ledger);
    writeln!(
        to,
        "\nSend them again: {}",
        phrases::replay(report, &report.ledger)
    )?;
    writeln!(
        to,
        "See all of them: recall export {ledger} --outcome failed"
    )
}
