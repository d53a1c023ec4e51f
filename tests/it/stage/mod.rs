//! What the tests are told in: places, runs of the command, services.

mod answer;
mod clock;
mod heard;
mod ledger;
mod mock;
mod place;
mod process;
mod recall;
mod request;
mod service;
mod skip;
mod terminal;
mod way;

pub(crate) use answer::Answer;
pub(crate) use clock::{PATIENCE, most_in_a_second, until};
pub(crate) use ledger::{Entry, Ledger};
pub(crate) use mock::{calls_of_rows, connection, get, mock, refused};
pub(crate) use place::{Place, SECRET_KEY, USERSIG, rows, senders};
pub(crate) use process::{Finished, Running};
pub(crate) use recall::Recall;
pub(crate) use recall_worker::mock::Gate;
pub(crate) use request::Request;
pub(crate) use service::{Service, nobody_s_address};
pub(crate) use skip::skip;
pub(crate) use terminal::Terminal;
pub(crate) use way::Way;
