//! The commands, one file each. With the run, they are the only code that knows all the parts.

mod again;
mod ask;
pub mod bench;
pub mod check;
mod dry_run;
pub mod explain;
pub mod export;
mod files;
mod groups;
mod input;
mod interrupts;
mod lock;
pub mod mock;
mod not_started;
mod one_thread;
mod open_files;
pub mod pages;
mod progress;
pub mod replay;
pub mod report;
pub mod run;
mod session;
mod stdout;
pub mod usersig;
