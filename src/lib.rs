//! Recalls what many senders wrote in Tencent Cloud Chat groups.

pub mod api;
pub mod error;
mod identity;
pub mod ledger;
pub mod monitor;
pub mod mock;
pub mod outcome;
pub mod rows;
pub mod run;
