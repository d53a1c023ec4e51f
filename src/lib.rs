//! Recalls the messages of many senders in Tencent Cloud Chat groups: one call per row, never above
//! the cap, with a ledger that records the outcome of every row.
//!
//! ```text
//! file or stdin
//!   │  thread    rows      1. decode, parse, check: a row, or a bad row with its reason
//!   ▼  bounded channel
//! run, the loop            2. one async thread owns all decisions
//!   │            seen         is this row settled already, or a duplicate?
//!   │            schedule     which job next: a retry that is due, else the next row
//!   │            pace         may a call start now?  (governor + the sliding window)
//!   │            api       3. the call itself, and what its answer means
//!   │            retry, outage, guard    try again, hold, or stop
//!   ▼  bounded by --concurrency
//! thread         ledger    4. append, flush, sync: a row is settled when its line is on disk
//!   ▼
//! monitor (bar, plain lines) · report 5. summary, text, JSON, page · failed-rows file (ledger)
//! ```
//!
//! Around it:
//! - [`cli`] and [`config`]: flags, environment and file, checked before anything runs
//! - [`commands`]: one file per command
//! - [`survey`]: the contents of an input and its problems
//! - [`preflight`]: looks up the groups of an input at the service
//! - [`app_lock`]: keeps two runs from exceeding a shared cap
//! - [`exit`]: the exit codes
//! - `identity`: when two rows count as the same
//! - `harmless`, `shell`, `display`: show untrusted text, commands to copy, numbers and times
//! - `durable`, `usage`: atomic file replacement; CPU time and memory of this process
//! - [`mock`]: the service to rehearse and measure against
//!
//! Arrows point one way. Only the run, the preflight and the [`commands`] know all the parts. The
//! parts that decide are plain values that take `now` and an event; only the loop has a clock.
//! A failed row is data, an [`Outcome`](outcome::Outcome); an [`Error`](error::Error) ends a run.

#[cfg(not(unix))]
compile_error!("recall needs Unix signals, terminals and file locks");

pub mod api;
pub mod app_lock;
pub mod cli;
pub mod commands;
pub mod config;
mod display;
mod durable;
pub mod error;
pub mod exit;
mod harmless;
mod identity;
pub mod ledger;
pub mod mock;
pub mod monitor;
pub mod outcome;
pub mod preflight;
pub mod report;
pub mod rows;
pub mod run;
mod shell;
pub mod survey;
mod usage;
