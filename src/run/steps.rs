//! The values that the loop and the schedule exchange.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::queue::Job;
use crate::api::reply::Reply;
use crate::monitor::Notice;
use crate::outcome::Entry;

/// The answer to a call, and when the call was sent.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) reply: Reply,
    pub(super) sent_at: Timestamp,
    pub(super) took: Duration,
}

/// What the loop may do now.
#[derive(Debug)]
pub(super) enum Next {
    /// Make this call.
    Call(Job),
    /// Do nothing until this time, or until something happens.
    Until(Instant, Limit),
    /// Do nothing until something happens.
    Wait(Limit),
    /// Every row is settled, or the run was stopped and nothing is in flight.
    Done,
}

/// What keeps the next call from starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// The cap: the last second had as many calls as are allowed.
    Cap,
    /// As many calls are in flight, or on their way to disk, as are allowed.
    Concurrency,
    /// No row has been read yet.
    Input,
    /// Only rows that wait for another attempt are left, or calls in flight.
    Retries,
    /// The service is out, or has asked for a lower pace.
    Service,
}

impl Limit {
    /// Returns its name in `--json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cap => "cap",
            Self::Concurrency => "concurrency",
            Self::Input => "input",
            Self::Retries => "retries",
            Self::Service => "service",
        }
    }
}

/// What the loop must carry out.
#[derive(Debug)]
pub(super) enum Effect {
    /// Write this to the ledger.
    Record(Entry<'static>),
    /// Sign a new `UserSig` for the calls from now on.
    Renew,
    /// Send this to the monitor.
    Tell(Notice),
}

/// Why a run ends before its last row.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// The service gave an answer that it would give to every further row.
    Service {
        /// Its `ErrorCode`, or an HTTP status.
        code: i64,
        /// Its message.
        info: String,
    },
    /// The service gave no real answer for longer than allowed.
    Outage {
        /// How long it had been out.
        lasted: Duration,
    },
    /// Too many rows failed, and why that is too many.
    Guard(String),
    /// The next row's group was not looked up: the input has grown since the preflight.
    UnknownGroup,
    /// The operator has not agreed to the next row: the input has grown since the question.
    NotAgreed,
    /// The operator or the system asked for it.
    Interrupted,
}
