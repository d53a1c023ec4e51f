//! Tests that can't run on this machine.

use std::io::{self, Write as _};

/// Reports that a test is skipped, and why. Fails if `RECALL_REQUIRE_ALL` is set.
#[track_caller]
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("RECALL_REQUIRE_ALL").is_none(), "{why}");
    // Unlike `eprintln!`, this is not captured by the test harness when the test passes.
    let mut stderr = io::stderr();
    writeln!(stderr, "SKIPPED: {why}").unwrap();
}
