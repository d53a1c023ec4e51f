//! The summary of a run for display: what became of the rows, and what slowed the run down.

use std::fmt::{self, Write as _};
use std::time::Duration;

use console::Style;

use super::Summary;
use super::phrases::{percent, retries, shown};
use crate::api::CAP;
use crate::api::codes;
use crate::display::{count, counted, thousands, time, wrapped};
use crate::run::{Limit, Stop};

/// The maximum line length on a terminal of any width.
const MAX_WIDTH: usize = 80;
/// The column at which text starts, after the figures.
const INDENT: usize = 11;
/// The smallest share of the time for which a limit is shown.
const MIN_SHARE: f64 = 0.05;

impl Summary {
    /// Returns the summary for display on a screen of `columns` columns, with colour if stderr
    /// supports it.
    pub fn text(&self, columns: usize) -> String {
        let mut page = Page {
            text: String::new(),
            width: columns.min(MAX_WIDTH),
        };
        self.write(&mut page)
            .expect("writing to a String can't fail");
        page.text
    }

    /// Returns the text to show instead if there was no row to call. `input` is `None` for a replay,
    /// which reads only its ledger.
    pub fn nothing_to_do(&self, input: Option<&str>) -> Option<String> {
        let has_settled = self.resumed > 0 && self.resumed == self.distinct;
        if self.stop.is_some() || !self.read_all || !(self.rows == 0 || has_settled) {
            return None;
        }
        let ledger = shown(&self.ledger.to_string_lossy());
        let Some(input) = input.map(shown) else {
            return Some(format!("Nothing to do: no row of {ledger} has failed."));
        };
        if self.rows == 0 {
            return Some(format!("Nothing to do: there are no rows in {input}."));
        }
        let rows = match self.distinct {
            1 => format!("the only row of {input} was"),
            rows => format!("all {} distinct rows of {input} were", thousands(rows)),
        };
        let mut text = format!("Nothing to do: {rows} settled before, in {ledger}");
        let others = [
            (self.failed_before, "failed there"),
            (self.invalid, "invalid"),
        ];
        for (rows, what) in others.into_iter().filter(|(rows, _)| *rows > 0) {
            write!(text, "; {} {what}", thousands(rows)).expect("writing to a String can't fail");
        }
        Some(text + ".")
    }

    fn write(&self, to: &mut Page) -> fmt::Result {
        if let Some(stop) = &self.stop {
            let (why, advice) = why(stop);
            let stopped = Style::new().yellow().bold().apply_to("Stopped:");
            writeln!(to, "{stopped} {why}")?;
            if let Some(advice) = advice {
                writeln!(to, "{:9}{}", "", wrapped(&advice, 9, to.width))?;
            }
        }
        let recalled = thousands(self.recalled);
        let elapsed = time(Duration::from_secs_f64(self.elapsed_s));
        let distinct = count(self.distinct, "distinct row");
        let headline = if self.read_all {
            format!("{recalled} of {distinct} recalled in {elapsed}")
        } else {
            format!("{recalled} of the {distinct} read so far recalled in {elapsed}")
        };
        writeln!(to, "{}", Style::new().bold().apply_to(headline))?;
        self.rows(to)?;
        self.failures(to)?;
        self.calls(to)?;
        writeln!(to, "\nLedger: {}", shown(&self.ledger.to_string_lossy()))?;
        if let Some(failed_rows) = &self.failed_rows {
            let before = match self.failed_before {
                0 => String::new(),
                rows => format!(" (with {} of earlier runs)", thousands(rows)),
            };
            let failed_rows = shown(&failed_rows.to_string_lossy());
            writeln!(to, "Failed rows: {failed_rows}{before}")?;
        }
        Ok(())
    }

    fn rows(&self, to: &mut Page) -> fmt::Result {
        let duplicates = match self.duplicates {
            1 => "duplicate, not called again",
            _ => "duplicates, not called again",
        };
        let counts = [
            (self.recalled_later, "of them at the second call or later"),
            (self.failed, "failed"),
            (self.invalid, "invalid: they can't be sent as they stand"),
            (self.skipped, "skipped: a call would have done nothing"),
            (self.pending, "read, but not settled yet"),
            (self.resumed, "settled before this run, not called again"),
            (self.duplicates, duplicates),
        ];
        for (rows, what) in counts.into_iter().filter(|(rows, _)| *rows > 0) {
            to.figure(&thousands(rows), what)?;
        }
        Ok(())
    }

    fn failures(&self, to: &mut Page) -> fmt::Result {
        if self.by_code.is_empty() {
            return Ok(());
        }
        let red = Style::new().red();
        writeln!(to, "\n{}", red.apply_to("Failed, by code"))?;
        for (code, rows) in &self.by_code {
            let known = codes::look_up(*code);
            to.figure(&thousands(*rows), &format!("{code}: {}", known.meaning))?;
            to.figure("", known.advice)?;
        }
        Ok(())
    }

    fn calls(&self, to: &mut Page) -> fmt::Result {
        if self.calls == 0 {
            return Ok(());
        }
        let calls = counted(self.calls, "call");
        let retries = retries(self.calls, self.retries);
        writeln!(to, "\nCalls")?;
        to.figure(&thousands(self.calls), &format!("{calls}, {retries}"))?;
        let allowed = self
            .cap
            .map(|cap| format!(", of {} allowed", thousands(cap.into())));
        let allowed = allowed.unwrap_or_default();
        let busiest = thousands(self.worst_second as u64);
        if self.elapsed_s >= 1.0 {
            let rate = format!("{:.1}", self.calls_per_s);
            to.figure(
                &rate,
                &format!("a second; {busiest} in the busiest{allowed}"),
            )?;
        } else {
            to.figure(&busiest, &format!("in the busiest second{allowed}"))?;
        }
        if self.latency_ms.p99 > 0.0 {
            let slowest = format!(
                "for half of the answers, {} for all but one in a hundred",
                ms(self.latency_ms.p99)
            );
            to.figure(&ms(self.latency_ms.p50), &slowest)?;
        }
        let shown = self
            .limits
            .iter()
            .take_while(|(_, share)| *share >= MIN_SHARE);
        // A run under a second spends its time waiting for its first and last answers.
        for (at, (limit, share)) in shown.enumerate().filter(|_| self.elapsed_s >= 1.0) {
            if at == 0 {
                writeln!(to, "\nWhat the time was spent on")?;
            }
            to.figure(&percent(*share), &self.limit(*limit))?;
        }
        Ok(())
    }

    /// Describes a limit, and what to do about it.
    fn limit(&self, limit: Limit) -> String {
        match (limit, self.cap) {
            (Limit::Cap, Some(cap)) if self.calls < u64::from(cap) => {
                "waiting until the previous run's calls no longer count against the cap".to_owned()
            }
            (Limit::Cap, Some(CAP)) => {
                format!("keeping to the cap of {CAP} calls a second: it can't be faster")
            }
            (Limit::Cap, Some(cap)) if cap > CAP => {
                format!("keeping to --rate {cap}, which the real service would not allow")
            }
            (Limit::Cap, cap) => format!(
                "keeping to --rate {}: a higher one is faster, up to the cap of {}",
                cap.unwrap_or_default(),
                CAP
            ),
            (Limit::Concurrency, Some(_)) => {
                "waiting for slow answers, with the maximum number of calls in flight: raise \
                 --concurrency to get closer to the cap"
                    .to_owned()
            }
            (Limit::Concurrency, None) => {
                "making calls, with the maximum number in flight: the service, or this machine, \
                 is no faster"
                    .to_owned()
            }
            (Limit::Input, _) => {
                "waiting for rows: the input, or the program at the other end of the pipe, is \
                 slower than the calls"
                    .to_owned()
            }
            (Limit::Retries, _) => {
                "waiting for answers and retries, with no other row to call in the meantime"
                    .to_owned()
            }
            (Limit::Service, _) => {
                "waiting for the service: it was out, or said that it was called too often (then \
                 see who else calls with this app, or lower --rate)"
                    .to_owned()
            }
        }
    }
}

/// Text wrapped to the width of the screen.
struct Page {
    text: String,
    width: usize,
}

impl Page {
    /// Writes a figure, followed by what it counts.
    fn figure(&mut self, figure: &str, words: &str) -> fmt::Result {
        writeln!(
            self.text,
            "{figure:>9}  {}",
            wrapped(words, INDENT, self.width)
        )
    }
}

impl fmt::Write for Page {
    fn write_str(&mut self, words: &str) -> fmt::Result {
        self.text.write_str(words)
    }
}

fn ms(latency: f64) -> String {
    format!("{latency:.0} ms")
}

/// Returns why a run ended early, and what to do about it.
fn why(stop: &Stop) -> (String, Option<String>) {
    match stop {
        Stop::Service { code, info } => {
            let known = codes::look_up(*code);
            (known.and_words(info), Some(known.advice.to_owned()))
        }
        Stop::Outage { lasted } => (
            format!("the service gave no real answer for {}", time(*lasted)),
            Some("Rows that are waiting have not failed. Go on when the service is back. If it answers other calls, --max-outage 0 lets the rows without an answer fail.".to_owned()),
        ),
        Stop::Guard(why) => (
            why.clone(),
            Some("Look at the failed rows first: are columns swapped? Is it the right app? --max-failures none lets them fail.".to_owned()),
        ),
        Stop::UnknownGroup => (
            "the input has grown: the next rows are of groups that were not looked up".to_owned(),
            Some("The rows before them are settled. If you go on, the new groups are looked up first.".to_owned()),
        ),
        Stop::NotAgreed => (
            "the input has grown: from here on, there are more rows than you agreed to".to_owned(),
            Some("The rows before them are settled. If you go on, you are asked about the others first.".to_owned()),
        ),
        Stop::Interrupted => (
            "interrupted; all answers that arrived are recorded".to_owned(),
            None,
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::run::{Finished, Tally};

    /// Returns what the summary of a two-second run says about its time, nearly all of which was
    /// spent on the cap.
    fn time_spent(calls: u64, cap: u32) -> String {
        let finished = Finished {
            tally: Tally {
                calls,
                ..Tally::default()
            },
            elapsed: Duration::from_secs(2),
            waited: BTreeMap::from([(Limit::Cap, Duration::from_millis(1_900))]),
            ..Finished::default()
        };
        let summary = Summary::new(&finished, Some(cap), "l".into(), None, 0);
        let text = summary.text(usize::MAX);
        let (_, spent) = text.split_once("95.0 %  ").expect("a share of the time");
        spent.lines().next().expect("words").to_owned()
    }

    #[test]
    fn a_run_with_fewer_calls_than_the_cap_waited_for_the_run_before() {
        assert!(time_spent(2, 200).starts_with("waiting until the previous run's calls"));
        assert!(time_spent(400, 200).starts_with("keeping to the cap of 200 calls a second"));
        assert!(time_spent(20, 10).starts_with("keeping to --rate 10: a higher one"));
    }
}
