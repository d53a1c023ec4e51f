//! 4. The ledger: the single source of truth for what became of every row.
//!
//! JSON lines, append-only. The first line is the [`Header`], every other line an
//! [`Entry`](crate::outcome::Entry); the last entry for a row counts. A line is complete once its
//! line feed is written: a partial line left by a killed run is cut off before the next append, and
//! no reader takes it for an entry. The failed rows, the export and the report are views of the
//! ledger.

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
