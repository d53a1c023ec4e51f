//! Recalls what many senders wrote in Tencent Cloud Chat groups: one call a row, never above the
//! cap, and a ledger that says what became of every row.
//!
//! ```text
//! file or stdin
//!   │  thread    rows      1. decode, parse, check: a row, or a bad row with its reason
//!   ▼  bounded channel
//! run, the loop            2. one async thread owns everything that decides
//!   │            seen         is this row settled already, or a duplicate?
//!   │            schedule     which job next: a retry that is due, else the next row
//!   │            pace         may a call start now?  (governor + the sliding window)
//!   │            api       3. the call itself, and what its answer means
//!   │            retry, outage, guard    again, hold, or stop
//!   ▼  bounded by --concurrency
//! thread         ledger    4. append, flush, sync: a row is settled when its line is on disk
//!   ▼
//! monitor (bar, plain lines) · report 5. summary, text, JSON, page · failed-rows file (ledger)
//! ```
//!
//! Around it:
//! - [`cli`] and [`config`]: flags, environment and file, checked before anything runs
//! - [`commands`]: a file a command
//! - [`survey`]: what is in an input, and what is wrong with it
//! - [`preflight`]: what the service says about the groups of an input
//! - [`app_lock`]: keeps two runs from sharing a cap
//! - [`exit`]: the exit codes
//! - `identity`: what makes two rows one
//! - `harmless`, `shell`, `display`: how foreign text, commands to copy, numbers and times are shown
//! - `durable`, `usage`: files that are replaced whole or not at all; what this process takes
//! - [`mock`]: the service to rehearse and measure against
//!
//! Arrows point one way. Only the run, the preflight and the [`commands`] know all the parts. What
//! decides is a plain value that takes `now` and what happened; the loop is the one place with a clock.
//! A failed row is data, an [`Outcome`](outcome::Outcome); an [`Error`](error::Error) ends a run.

#[cfg(not(unix))]
compile_error!("recall needs a Unix: its signals, terminals and the locks of its files");

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
