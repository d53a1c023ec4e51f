//! The figures as text.

use std::fmt::Write as _;
use std::time::Duration;

use super::figures::{Figures, LimitedBy, Percentiles, cores};
use crate::display::{thousands, time};
use crate::run::Limit;

impl Figures {
    /// Returns the figures, one per line.
    pub(super) fn text(&self) -> String {
        let lines = [
            ("calls", Some(self.calls())),
            ("mean ÷ cap", self.mean()),
            ("worst second", Some(self.worst_second())),
            ("latency", Some(self.latency())),
            ("schedule lag", Some(self.lag())),
            ("CPU", self.cpu()),
            ("peak memory", self.peak_memory()),
            ("limited by", Some(self.limited_by())),
        ];
        let mut text = String::new();
        for (what, words) in lines {
            // Figures that could not be measured are left out.
            if let Some(words) = words {
                writeln!(text, "  {what:<14}{words}").expect("writing to a String can't fail");
            }
        }
        text
    }

    fn calls(&self) -> String {
        format!(
            "{} ({} retries) in {}, {:.1}/s",
            thousands(self.calls),
            thousands(self.retries),
            time(Duration::from_secs_f64(self.elapsed_s)),
            self.calls_per_s
        )
    }

    fn mean(&self) -> Option<String> {
        let percent = self.mean_of_cap? * 100.0;
        Some(format!("{percent:.2}% while there were rows to call"))
    }

    fn worst_second(&self) -> String {
        format!(
            "{} calls by the client's record, {} by the mock's",
            thousands(self.worst_second.client as u64),
            thousands(self.worst_second.mock)
        )
    }

    fn latency(&self) -> String {
        let Percentiles { p50, p99 } = self.latency_ms;
        format!(
            "p50 {p50:.2} ms, p99 {p99:.2} ms, from the request being written to the complete answer"
        )
    }

    fn lag(&self) -> String {
        match self.lag_ms {
            Some(Percentiles { p50, p99 }) => {
                format!(
                    "p50 {p50:.2} ms, p99 {p99:.2} ms, after row, slot and permit were available"
                )
            }
            None => "none: without a cap there is no schedule".to_owned(),
        }
    }

    fn cpu(&self) -> Option<String> {
        let cpu = self.cpu_s_per_100k_calls;
        let (without, process) = (cpu.without_mock?, cpu.process?);
        Some(format!(
            "{without:.2} s per 100,000 calls, {process:.2} s with the mock"
        ))
    }

    fn peak_memory(&self) -> Option<String> {
        let mib = self.peak_memory? as f64 / f64::from(1 << 20);
        Some(format!("{mib:.1} MiB, mock included"))
    }

    fn limited_by(&self) -> String {
        let percent = |share: Option<f64>| share.unwrap_or(0.0) * 100.0;
        let busy = self.busy;
        match self.limited_by {
            Some(LimitedBy::Run(Limit::Cap)) => "the cap".to_owned(),
            Some(LimitedBy::Loop) => format!(
                "one core: the loop's thread was busy {:.0}% of the time, and waited for a core {:.0}%",
                percent(busy.r#loop),
                percent(busy.loop_queued)
            ),
            Some(LimitedBy::Mock) => format!(
                "the mock: its thread was busy {:.0}% of the time",
                percent(busy.mock)
            ),
            Some(LimitedBy::Cores) => format!(
                "the machine: loop, ledger and mock used {:.0}% of {} cores",
                percent(busy.process) / cores() as f64,
                cores()
            ),
            Some(LimitedBy::Run(Limit::Concurrency)) => format!(
                "slots: all were taken by calls or by entries being written to disk, with the loop's thread busy {:.0}% of the time",
                percent(busy.r#loop)
            ),
            Some(LimitedBy::Run(other)) => other.name().to_owned(),
            None => "nothing".to_owned(),
        }
    }
}
