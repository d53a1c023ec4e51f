//! The final ledger entries of rows.

use std::borrow::Cow;

use super::plan::Skip;
use super::queue::Job;
use super::steps::Answer;
use crate::api::codes;
use crate::api::reply::Reply;
use crate::outcome::{Entry, Outcome};
use crate::rows::{BadRow, Row};

/// Returns the entry of a row whose last call got this answer.
pub(super) fn settled(job: Job, outcome: Outcome, answer: Answer) -> Entry<'static> {
    let Reply { code, mut info, .. } = answer.reply;
    if outcome == Outcome::Failed {
        if may_have_landed(code) {
            info += "; the call may have landed";
        } else if job.may_have_landed {
            info += "; an earlier call may have landed";
        }
    }
    Entry {
        row: job.row.line,
        input: name(job.row.input.as_deref()),
        group: job.row.group.into(),
        sender: job.row.sender.into(),
        topic: job.row.topic.into(),
        outcome,
        code,
        info: info.into(),
        attempts: job.attempts,
        sent_at: Some(answer.sent_at),
        ms: Some(u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX)),
    }
}

/// Whether a call that ended with this code may have taken effect: yes, unless the service itself
/// answered it or it was never sent. The final entry of the row must say so.
pub(super) fn may_have_landed(code: i64) -> bool {
    matches!(
        code,
        codes::TIMED_OUT | codes::BROKEN_OFF | codes::BAD_ANSWER | 408 | 500..=599
    )
}

/// Returns the entry of a row that can't be sent.
pub(super) fn invalid(bad: BadRow) -> Entry<'static> {
    Entry {
        row: bad.line,
        input: name(bad.input.as_deref()),
        group: "".into(),
        sender: "".into(),
        topic: "".into(),
        outcome: Outcome::Invalid,
        code: 0,
        info: bad.reason.into(),
        attempts: 0,
        sent_at: None,
        ms: None,
    }
}

/// Returns the entry of a row that is not called because a call would do nothing.
pub(super) fn skipped(row: Row, skip: Skip) -> Entry<'static> {
    Entry {
        row: row.line,
        input: name(row.input.as_deref()),
        group: row.group.into(),
        sender: row.sender.into(),
        topic: row.topic.into(),
        outcome: Outcome::Skipped,
        code: skip.code,
        info: skip.reason.into(),
        attempts: 0,
        sent_at: None,
        ms: None,
    }
}

fn name(input: Option<&str>) -> Cow<'static, str> {
    input.map_or("".into(), |input| input.to_owned().into())
}
