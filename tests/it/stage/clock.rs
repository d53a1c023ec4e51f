//! Waiting for conditions, and counting recorded times.

use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for anything before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the condition holds. `what` describes it if the wait fails.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "timed out waiting for {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Returns the maximum number of these times in any sliding second. Two times a full second apart
/// are not in the same second.
pub(crate) fn peak_per_second(mut times: Vec<Instant>) -> usize {
    times.sort();
    let mut from = 0;
    let mut peak = 0;
    for (at, time) in times.iter().enumerate() {
        while time.duration_since(times[from]) >= Duration::from_secs(1) {
            from += 1;
        }
        peak = peak.max(at - from + 1);
    }
    peak
}

#[test]
fn the_peak_second_can_start_at_any_time() {
    let start = Instant::now();
    let times = |millis: &[u64]| {
        let at = |ms: &u64| start + Duration::from_millis(*ms);
        millis.iter().map(at).collect::<Vec<_>>()
    };
    assert_eq!(peak_per_second(times(&[0, 1000, 2000])), 1);
    assert_eq!(peak_per_second(times(&[0, 900, 950, 1899, 5000])), 3);
}
