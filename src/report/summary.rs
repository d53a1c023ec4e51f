//! The summary of a run: one object for machines, a few lines for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use crate::api::codes;
use crate::monitor::words::{thousands, time};
use crate::run::{Finished, Limit, Stop};

/// What `--json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Rows read: `distinct + duplicates + invalid`.
    pub rows: u64,
    /// Distinct rows: `resumed + recalled + failed + skipped + pending`.
    pub distinct: u64,
    /// Rows that stood in the input before.
    pub duplicates: u64,
    /// Rows that an earlier run settled.
    pub resumed: u64,
    /// Rows recalled by this run.
    pub recalled: u64,
    /// Rows failed in this run.
    pub failed: u64,
    /// Rows that can't be sent as they stand.
    pub invalid: u64,
    /// Rows for which a call would have done nothing.
    pub skipped: u64,
    /// Distinct rows read that have no final word yet.
    pub pending: u64,
    /// Calls made.
    pub calls: u64,
    /// Calls made for a row that had been called before.
    pub retries: u64,
    /// How long it took, in seconds.
    pub elapsed_s: f64,
    /// Calls over time.
    pub calls_per_s: f64,
    /// Most calls written in any sliding second.
    pub worst_second: usize,
    /// What kept calls from starting for longest: `cap`, `concurrency`, `input`, `retries` or
    /// `service`; none where nothing did.
    pub limited_by: Option<&'static str>,
    /// Why it ended early: `service`, `outage`, `guard` or `interrupted`; none where it did not.
    pub stopped: Option<&'static str>,
    /// Failed rows by code.
    pub by_code: BTreeMap<i64, u64>,
    /// Latencies of the calls that the service answered, in milliseconds.
    pub latency_ms: Latency,
    /// The ledger.
    pub ledger: PathBuf,
    /// The failed-rows file, where there is one.
    pub failed_rows: Option<PathBuf>,
    /// What people read of `stopped`.
    #[serde(skip)]
    why_stopped: Option<String>,
    /// The cap that was asked for.
    #[serde(skip)]
    cap: Option<u32>,
}

/// Latencies that so many percent of the calls did not exceed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// Half of them.
    pub p50: f64,
    /// 95 %.
    pub p95: f64,
    /// 99 %.
    pub p99: f64,
}

impl Summary {
    /// Sums up a run.
    pub fn new(
        finished: &Finished,
        cap: Option<u32>,
        ledger: PathBuf,
        failed_rows: Option<PathBuf>,
    ) -> Self {
        let tally = &finished.tally;
        let elapsed_s = finished.elapsed.as_secs_f64();
        Self {
            rows: tally.rows,
            distinct: tally.distinct(),
            duplicates: tally.duplicates,
            resumed: tally.resumed,
            recalled: tally.recalled,
            failed: tally.failed,
            invalid: tally.invalid,
            skipped: tally.skipped,
            pending: tally.pending(),
            calls: tally.calls,
            retries: tally.retries,
            elapsed_s,
            calls_per_s: tally.calls as f64 / elapsed_s.max(f64::EPSILON),
            worst_second: finished.worst_second,
            limited_by: finished.limited_by.map(name_of_limit),
            stopped: finished.stopped.as_ref().map(name_of_stop),
            by_code: tally.by_code.clone(),
            latency_ms: Latency {
                p50: tally.latency_ms(50.0),
                p95: tally.latency_ms(95.0),
                p99: tally.latency_ms(99.0),
            },
            ledger,
            failed_rows,
            why_stopped: finished.stopped.as_ref().map(why),
            cap,
        }
    }

    /// The summary for people, several lines.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |words: std::fmt::Arguments<'_>| {
            text.write_fmt(words).expect("a String takes every word");
            text.push('\n');
        };
        if let Some(why) = &self.why_stopped {
            line(format_args!("Stopped: {why}"));
        }
        line(format_args!(
            "{} of {} distinct rows recalled in {}",
            thousands(self.recalled),
            thousands(self.distinct),
            time(std::time::Duration::from_secs_f64(self.elapsed_s)),
        ));
        let counts = [
            (self.failed, "failed"),
            (self.invalid, "invalid: they can't be sent as they stand"),
            (self.skipped, "skipped: a call would have done nothing"),
            (self.pending, "not settled yet"),
            (self.resumed, "settled before this run, not called again"),
            (self.duplicates, "duplicates, not called again"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            line(format_args!("  {:>9} {what}", thousands(count)));
        }
        for (code, count) in &self.by_code {
            let known = codes::look_up(*code);
            line(format_args!(
                "Failed with {code}: {} ({})",
                thousands(*count),
                known.meaning
            ));
            line(format_args!("  {}", known.advice));
        }
        line(format_args!(
            "{} calls ({} retries), {:.1}/s, at most {} in any second{}",
            thousands(self.calls),
            thousands(self.retries),
            self.calls_per_s,
            thousands(self.worst_second as u64),
            self.cap
                .map(|cap| format!(" of {cap} allowed"))
                .unwrap_or_default(),
        ));
        if self.latency_ms.p99 > 0.0 {
            line(format_args!(
                "Answers took {} ms in the middle, {} ms for the slowest in a hundred",
                self.latency_ms.p50, self.latency_ms.p99
            ));
        }
        if self.limited_by == Some("concurrency") && self.cap.is_some() {
            line(format_args!(
                "Slow answers, not the cap, were the limit: raise --concurrency to come nearer to it"
            ));
        }
        line(format_args!("Ledger: {}", self.ledger.display()));
        if let Some(failed_rows) = &self.failed_rows {
            line(format_args!("Failed rows: {}", failed_rows.display()));
        }
        text
    }
}

fn name_of_limit(limit: Limit) -> &'static str {
    match limit {
        Limit::Cap => "cap",
        Limit::Concurrency => "concurrency",
        Limit::Input => "input",
        Limit::Retries => "retries",
        Limit::Service => "service",
    }
}

fn name_of_stop(stop: &Stop) -> &'static str {
    match stop {
        Stop::Service { .. } => "service",
        Stop::Outage { .. } => "outage",
        Stop::Guard(_) => "guard",
        Stop::Interrupted => "interrupted",
    }
}

fn why(stop: &Stop) -> String {
    match stop {
        Stop::Service { code, info } => {
            let known = codes::look_up(*code);
            let words = if info.is_empty() {
                String::new()
            } else {
                format!(" ({info})")
            };
            format!("{code}, {}{words}\n  {}", known.meaning, known.advice)
        }
        Stop::Outage { lasted } => format!(
            "the service gave no real answer for {}\n  No row has failed by it. Go on with --resume when the service is back.",
            time(*lasted)
        ),
        Stop::Guard(why) => format!(
            "{why}\n  Look at the failed rows first: swapped columns? the right app? --max-failures none lets them fail."
        ),
        Stop::Interrupted => "interrupted; what was answered is recorded".to_owned(),
    }
}
