//! End-to-end tests: the real binary with real sockets, files, signals and processes.
//!
//! Each test works in a [`Place`](stage::Place), its own temporary folder, and reads like
//! `place.run("rows.csv").on(service.address()).finish()`. The other end is the crate's own mock,
//! plain or as a scripted [`Service`](stage::Service).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod stage;

mod app_lock;
mod bad_answers;
mod bench;
mod browser;
mod call;
mod check;
mod config;
mod damage;
mod files;
mod flags;
mod guard;
mod help;
mod hints;
mod inputs;
mod interface;
mod kill;
mod ledger;
mod limits;
mod mock_command;
mod mock_service;
mod open_files;
mod outage;
mod pace;
mod picture;
mod preflight;
mod readme;
mod rehearsal;
mod report;
mod resume;
mod rows;
mod screen;
mod secrets;
mod signals;
mod summary;
mod terminal;
mod text;
mod tls;
mod usersig;
mod usersig_command;
mod verdicts;
