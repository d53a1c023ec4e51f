//! What each command does: the only place, with the run, that knows all the parts.

pub mod bench;
mod dry_run;
pub mod explain;
pub mod export;
mod job;
pub mod mock;
pub mod replay;
pub mod report;
pub mod run;
