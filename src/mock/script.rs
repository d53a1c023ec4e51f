//! A script: what happens between which moments. Its clock starts with the first call.
//!
//! ```toml
//! [[during]]
//! from = "5s"
//! to = "10s"
//! fail = ["10002=30%", "reset=1%"]
//! latency = "lognormal:200ms,3s"
//!
//! [[during]]
//! from = "20s"
//! to = "30s"
//! away = true
//!
//! [[during]]
//! group = "@TGS#2C5SZEAEF"
//! fail = ["10010=100%/group"]
//! ```
//!
//! `get_group_info` reports a fault of a group (`/group`) too. Without `/group`, the fault strikes
//! only recalls in this group, not lookups.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::fault::{self, Fault, FaultKind};
use super::key::{Key, KeyFilter};
use super::latency::{Latency, duration};
use crate::error::{Error, Kind, Result};

/// What happens at which time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
struct Step {
    from: Duration,
    to: Duration,
    faults: Vec<Fault>,
    latency: Option<Latency>,
    away: bool,
    filter: KeyFilter,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    #[serde(default)]
    during: Vec<During>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct During {
    from: Option<String>,
    to: Option<String>,
    #[serde(default)]
    fail: Vec<String>,
    latency: Option<String>,
    #[serde(default)]
    away: bool,
    group: Option<String>,
    sender: Option<String>,
    topic: Option<String>,
}

impl Script {
    /// Reads a script from a file.
    ///
    /// # Errors
    /// Of kind `Input`, naming the file and what is wrong with it.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::input(format!("can't read the script {}", path.display())).because(error)
        })?;
        let what = format_args!("can't use the script {}", path.display());
        Self::from_toml(&text).map_err(|error| error.within(Kind::Input, what))
    }

    /// Parses a script in TOML.
    ///
    /// # Errors
    /// Of kind `Input`, naming the line or the value.
    pub fn from_toml(text: &str) -> Result<Self> {
        let whole: Whole = toml::from_str(text).map_err(|error| Error::input(error.to_string()))?;
        let steps = (1..).zip(whole.during).map(|(number, during)| {
            let step = Step::read(during);
            step.map_err(|error| error.within(Kind::Input, format_args!("step {number}")))
        });
        Ok(Self {
            steps: steps.collect::<Result<_>>()?,
        })
    }

    /// Adds an outage, written as `10s..20s`: the service is away between these two moments.
    ///
    /// # Errors
    /// Of kind `Usage`, naming the text.
    pub fn add_outage(&mut self, text: &str) -> Result<()> {
        let refuse = |why: &str| {
            Error::usage(format!("away {text}: {why}"))
                .hint("write when the outage starts and ends, as in 10s..20s")
        };
        let (from, to) = text
            .split_once("..")
            .ok_or_else(|| refuse("it needs two moments"))?;
        let (from, to) = (duration(from)?, duration(to)?);
        if from >= to {
            return Err(refuse("it must start before it ends"));
        }
        self.steps.push(Step {
            from,
            to,
            faults: Vec::new(),
            latency: None,
            away: true,
            filter: KeyFilter::default(),
        });
        Ok(())
    }

    /// Returns the faults of all steps.
    pub(crate) fn all_faults(&self) -> impl Iterator<Item = &Fault> {
        self.steps.iter().flat_map(|step| &step.faults)
    }

    /// Returns the faults that may strike a call at `now`, for this row or for any.
    pub(crate) fn faults(
        &self,
        now: Duration,
        row: Option<Key<'_>>,
    ) -> impl Iterator<Item = &Fault> {
        self.active(now)
            .filter(move |step| step.filter.fits(row))
            .flat_map(|step| &step.faults)
    }

    /// Returns the latency of a call at `now`, if the script sets one. The last step wins.
    pub(crate) fn latency(&self, now: Duration, row: Option<Key<'_>>) -> Option<&Latency> {
        self.active(now)
            .filter(|step| step.filter.fits(row))
            .filter_map(|step| step.latency.as_ref())
            .last()
    }

    /// Returns whether the service is away: open connections are cut, new ones refused.
    pub(crate) fn away(&self, now: Duration) -> bool {
        self.active(now).any(|step| step.away)
    }

    /// Returns when the service may next go away or come back.
    pub(crate) fn next_change(&self, now: Duration) -> Option<Duration> {
        let steps = self.steps.iter().filter(|step| step.away);
        let edges = steps.flat_map(|step| [step.from, step.to]);
        edges
            .filter(|&edge| edge > now && edge < Duration::MAX)
            .min()
    }

    fn active(&self, now: Duration) -> impl Iterator<Item = &Step> {
        let steps = self.steps.iter();
        steps.filter(move |step| step.from <= now && now < step.to)
    }
}

impl Step {
    fn read(during: During) -> Result<Self> {
        let from = during
            .from
            .as_deref()
            .map_or(Ok(Duration::ZERO), duration)?;
        let to = during.to.as_deref().map_or(Ok(Duration::MAX), duration)?;
        if from >= to {
            return Err(Error::input(format!(
                "a step from {from:?} to {to:?} never happens"
            )));
        }
        let faults: Vec<Fault> = during
            .fail
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_>>()?;
        fault::check(&faults)?;
        let step = Self {
            from,
            to,
            faults,
            latency: during.latency.map(|text| text.parse()).transpose()?,
            away: during.away,
            filter: KeyFilter {
                group: during.group,
                sender: during.sender,
                topic: during.topic,
            },
        };
        step.check()?;
        Ok(step)
    }

    /// Checks that the step can take effect. Otherwise the operator would wait for it in vain.
    fn check(&self) -> Result<()> {
        let has_filter = self.filter != KeyFilter::default();
        if self.away && has_filter {
            return Err(
                Error::input("the service is away for every row or for none")
                    .hint("leave group, sender and topic out, or use fail instead of away"),
            );
        }
        if self.away && (!self.faults.is_empty() || self.latency.is_some()) {
            return Err(
                Error::input("no call is answered while the service is away")
                    .hint("leave fail and latency out, or move them to another step"),
            );
        }
        if has_filter
            && self
                .faults
                .iter()
                .any(|fault| fault.kind == FaultKind::Refuse)
        {
            return Err(
                Error::input("a connection is refused before its row is known").hint(
                    "leave group, sender and topic out, or use another fault such as reset=5%",
                ),
            );
        }
        if !self.away && self.faults.is_empty() && self.latency.is_none() {
            return Err(Error::input("it does nothing").hint("give it fail, latency or away"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = r#"
        [[during]]
        from = "5s"
        to = "10s"
        fail = ["10002=30%", "reset=1%"]
        latency = "20ms..80ms"
        [[during]]
        from = "20s"
        to = "30s"
        away = true
        [[during]]
        group = "g"
        sender = "s"
        fail = ["10010=100%"]
    "#;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_step_includes_its_start_but_not_its_end() {
        let script = Script::from_toml(SCRIPT).expect("a script");
        let faults = |seconds| script.faults(at(seconds), None).count();
        assert_eq!([4, 5, 9, 10].map(faults), [0, 2, 2, 0]);
        assert!(script.latency(at(4), None).is_none());
        assert_eq!(
            script.latency(at(5), None),
            "20ms..80ms".parse().ok().as_ref()
        );
    }

    #[test]
    fn a_step_for_one_row_does_not_affect_others() {
        let script = Script::from_toml(SCRIPT).expect("a script");
        let faults = |group, sender| {
            let key = Key {
                group,
                sender,
                topic: "t",
            };
            script.faults(at(0), Some(key)).count()
        };
        assert_eq!(
            [faults("g", "s"), faults("g", "x"), faults("x", "s")],
            [1, 0, 0]
        );
    }

    #[test]
    fn next_change_returns_the_start_or_end_of_an_outage() {
        let script = Script::from_toml(SCRIPT).expect("a script");
        assert_eq!(
            [19, 20, 29, 30].map(|s| script.away(at(s))),
            [false, true, true, false]
        );
        let next = [0, 20, 30].map(|s| script.next_change(at(s)));
        assert_eq!(next, [Some(at(20)), Some(at(30)), None]);
        let endless = Script::from_toml("[[during]]\naway = true").expect("a script");
        assert!(endless.away(at(1_000_000)));
        assert_eq!(endless.next_change(at(0)), None);
    }

    #[test]
    fn outages_can_be_added_to_a_script() {
        let mut script = Script::from_toml(SCRIPT).expect("a script");
        for text in ["0..1s", "40s..1m"] {
            script.add_outage(text).expect("an outage");
        }
        let away = [0, 1, 25, 39, 40, 59, 60].map(|s| script.away(at(s)));
        assert_eq!(away, [true, false, true, false, true, true, false]);
        for (text, why) in [
            ("10s", "away 10s: it needs two moments"),
            ("20s..10s", "away 20s..10s: it must start"),
            ("10s..10s", "before it ends"),
            ("10s..", "\"\" is not a duration"),
            ("soon..10s", "\"soon\""),
        ] {
            let error = script.add_outage(text).expect_err(text).to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn script_errors_name_what_is_wrong() {
        let error = |text: &str| Script::from_toml(text).expect_err(text).to_string();
        assert!(error("[[during]]\nfrm = '1s'").contains("frm"));
        assert!(error("[[during]]\nfail = ['x=1%']").contains("\"x\""));
        assert!(error("[[during]]\nfrom = '2s'\nto = '1s'").contains("never"));
        assert!(error("[[during]]\nlatency = 'soon'").contains("soon"));
        assert!(error("[[during]]\nfail = ['1000=60%', '2000=60%']").contains("120%"));
    }

    #[test]
    fn a_step_without_effect_is_refused_by_number() {
        for (step, why) in [
            ("group = 'g'\naway = true", "away for every row"),
            ("topic = ''\naway = true", "away for every row"),
            ("away = true\nfail = ['502=1%']", "no call is answered"),
            ("away = true\nlatency = '1s'", "no call is answered"),
            (
                "group = 'g'\nfail = ['refuse=9%']",
                "before its row is known",
            ),
            (
                "sender = 's'\nfail = ['502=1%', 'refuse=9%']",
                "before its row is known",
            ),
            ("from = '1s'\nto = '2s'", "does nothing"),
            ("group = 'g'", "does nothing"),
            ("fail = []\naway = false", "does nothing"),
            ("", "does nothing"),
        ] {
            let script = format!("[[during]]\naway = true\n[[during]]\n{step}");
            let error = Script::from_toml(&script).expect_err(step).to_string();
            assert!(error.starts_with("step 2: "), "{error}");
            assert!(error.contains(why), "{error}");
        }
    }
}
