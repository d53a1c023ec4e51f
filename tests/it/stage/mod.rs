//! The vocabulary of the tests: folders to work in, runs of the command, scripted services.

mod answer;
mod clock;
mod ledger;
mod link;
mod mock;
mod output;
mod place;
mod process;
mod recall;
mod request;
mod service;
mod skip;
mod terminal;

pub(crate) use answer::Answer;
pub(crate) use clock::{PATIENCE, peak_per_second, wait_until};
pub(crate) use ledger::{Entry, Ledger};
pub(crate) use link::Link;
pub(crate) use mock::{connect, get, get_refused, mock, row_calls};
pub(crate) use place::{Place, SECRET_KEY, USERSIG, rows, senders};
pub(crate) use process::{Finished, Running};
pub(crate) use recall::Recall;
pub(crate) use recall_worker::mock::Gate;
pub(crate) use request::Request;
pub(crate) use service::{Service, unused_address};
pub(crate) use skip::skip;
pub(crate) use terminal::Terminal;
