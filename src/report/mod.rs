//! 5. Results: the summary of a run, and the report on a ledger.
//!
//! A [`Report`] is one fold over the entries of a ledger that count; text, JSON and page are views
//! of it.

mod axis;
mod busiest;
mod charts;
mod failures;
mod fold;
mod latency;
mod page;
mod phrases;
mod summary;
mod summary_text;
mod tables;
mod text;
mod time_axis;
mod timeline;

pub use failures::{Failed, FailedGroup, FailedRow, Unsent};
pub use fold::{Report, RowsByAttempts, Span};
pub use latency::{Bar, Latencies};
pub(crate) use page::mark;
pub use page::page;
pub use summary::{Stopped, Summary};
pub use text::text;
pub use timeline::{Bucket, Timeline};
