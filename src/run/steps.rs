//! What the loop and the schedule say to each other.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::queue::Job;
use crate::api::reply::Reply;
use crate::monitor::Notice;
use crate::outcome::Entry;

/// What came of a call, and when.
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
    /// Nothing until this time, or until something happens.
    Until(Instant, Limit),
    /// Nothing until something happens.
    Wait(Limit),
    /// Every row is settled, or the run was stopped and nothing is in flight.
    Done,
}

/// What keeps the next call from starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// The cap: as many calls in the last second as are allowed.
    Cap,
    /// As many calls in flight, or on their way to the disk, as are allowed.
    Concurrency,
    /// No row has been read yet.
    Input,
    /// Only rows that wait for another attempt are left, or calls in flight.
    Retries,
    /// The service is out, or has asked for a lower pace.
    Service,
}

impl Limit {
    /// Its name in `--json`.
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

/// What the loop has to carry out.
#[derive(Debug)]
pub(super) enum Effect {
    /// Write this to the ledger.
    Record(Entry<'static>),
    /// Sign a fresh `UserSig` for the calls from now on.
    Renew,
    /// Tell whoever watches.
    Tell(Notice),
}

/// Why a run ends before its rows do.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// The service said what it would say to every further row.
    Service {
        /// Its `ErrorCode`, or an HTTP status.
        code: i64,
        /// Its words.
        info: String,
    },
    /// The service gave no real answer for longer than allowed.
    Outage {
        /// How long it had been out.
        lasted: Duration,
    },
    /// Too many rows failed; why that is too many.
    Guard(String),
    /// Here begin rows of groups that were not looked up: the input has grown since the look at it.
    UnknownGroup,
    /// Here begin more rows than the operator has agreed to: the input has grown since the question.
    NotAgreed,
    /// The operator, or the machine, asked for it.
    Interrupted,
}
