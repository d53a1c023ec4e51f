//! The promises of the command, kept by the real binary over real sockets, files, signals and
//! processes.
//!
//! A test is set in a [`Place`](stage::Place), a folder of its own, and reads
//! `place.run("rows.csv").on(service.address()).finish()`; the other end is the crate's own
//! mock, as it is or as a [`Service`](stage::Service) that a test scripts.

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
