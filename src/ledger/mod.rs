//! 4. The ledger: the one truth of what became of every row.
//!
//! JSON lines, append-only. The first is the [`Header`], every other an
//! [`Entry`](crate::outcome::Entry); the last line for a row counts. A line is there once its
//! line feed is: what a killed run left behind it is cut before the next append, and no reader
//! takes it for an entry. Everything else is a view of it: the failed rows, the export, the
//! summary, the report.

mod begin;
mod failed;
mod format;
mod inputs;
mod last;
mod reader;
mod settled;
mod sink;
#[cfg(test)]
mod tests;
mod writer;

pub use begin::{Start, begun, check};
pub use failed::{failed_rows, remove_failed_rows, write_failed_rows};
pub use format::{Header, MOCK, VERSION};
pub use inputs::own_input;
pub use last::LastWords;
pub use reader::Reader;
pub(crate) use reader::about_entries;
pub use settled::Settled;
pub use sink::Sink;
pub use writer::{Disk, Ledger};
