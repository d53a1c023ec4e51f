//! The limits of a run, parsed and checked.

use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;
use std::time::Duration;

use super::settings::{Setting, Settings};
use crate::display::{typed_percent, typed_time};
use crate::error::{Error, Result};
use crate::run::{MaxFailures, Plan};

/// The maximum rate. No machine reaches it, and calls a nanosecond apart could not be spaced.
const MAX_RATE: u32 = 1_000_000;

/// Returns the limits of a run. Rows that have failed before may fail again, unless a limit is set.
///
/// # Errors
/// Usage, naming the flag, the variable, or file and key.
pub fn plan(settings: &Settings, limit: Option<NonZeroU64>, failed_before: bool) -> Result<Plan> {
    let default = Plan::default();
    let max_failures_default = if failed_before {
        MaxFailures::Any
    } else {
        default.max_failures
    };
    let get = |key| settings.get(key).expect("it has a default");
    let Setting { value, from } = get("rate");
    Ok(Plan {
        rate: rate(from, value)?,
        concurrency: number(get("concurrency"))?,
        max_attempts: number(get("max_attempts"))?,
        max_outage: duration(get("max_outage"))?,
        max_failures: settings
            .get("max_failures")
            .map_or(Ok(max_failures_default), max_failures)?,
        limit,
        ..default
    })
}

/// Returns the time limit of a call.
pub(super) fn timeout(settings: &Settings) -> Result<Duration> {
    let setting = settings.get("timeout").expect("it has a default");
    let timeout = duration(setting)?;
    if timeout.is_zero() {
        return Err(Error::usage(format!("{} must be above zero", setting.from)));
    }
    Ok(timeout)
}

/// Parses the maximum calls in any second; `None` means no limit. `from` names where it is set.
pub(crate) fn rate(from: &str, text: &str) -> Result<Option<NonZeroU32>> {
    if text == "max" {
        return Ok(None);
    }
    let rate = text.parse().ok();
    match rate.filter(|rate: &NonZeroU32| rate.get() <= MAX_RATE) {
        Some(rate) => Ok(Some(rate)),
        None => Err(Error::usage(format!(
            "{from} {text} is not 1 to {MAX_RATE}, or max"
        ))),
    }
}

fn number<N: FromStr>(Setting { value, from }: &Setting) -> Result<N> {
    value.parse().map_err(|_| {
        Error::usage(format!(
            "{from} {value} is not a positive integer, or is too large"
        ))
    })
}

fn max_failures(Setting { value, from }: &Setting) -> Result<MaxFailures> {
    let wrong = || {
        Error::usage(format!(
            "{from} {value} is not a number of rows, a share such as 20%, or none"
        ))
    };
    if value == "none" {
        return Ok(MaxFailures::Any);
    }
    match typed_percent(value) {
        Some(percent) => Ok(MaxFailures::Percent(percent)),
        None => value.parse().map(MaxFailures::Rows).map_err(|_| wrong()),
    }
}

fn duration(Setting { value, from }: &Setting) -> Result<Duration> {
    time(from, value)
}

/// Parses a time such as `10s`, `500ms` or `30m`. `from` names where it is set.
pub(crate) fn time(from: &str, text: &str) -> Result<Duration> {
    typed_time(text).ok_or_else(|| {
        Error::usage(format!(
            "{from} {text} is not a time such as 10s, 500ms or 30m"
        ))
    })
}
