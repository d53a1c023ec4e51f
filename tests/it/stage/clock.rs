//! Waiting for something to be so, and times that were recorded.

use std::thread;
use std::time::{Duration, Instant};

/// No test waits longer for anything: it fails then.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The most of these times that lie in any sliding second; two a full second apart share none.
pub(crate) fn most_in_a_second(mut times: Vec<Instant>) -> usize {
    times.sort();
    let mut from = 0;
    let mut most = 0;
    for (at, time) in times.iter().enumerate() {
        while time.duration_since(times[from]) >= Duration::from_secs(1) {
            from += 1;
        }
        most = most.max(at - from + 1);
    }
    most
}

#[test]
fn the_most_in_a_second_is_found_wherever_the_second_starts() {
    let start = Instant::now();
    let times = |millis: &[u64]| {
        let at = |ms: &u64| start + Duration::from_millis(*ms);
        millis.iter().map(at).collect::<Vec<_>>()
    };
    assert_eq!(most_in_a_second(times(&[0, 1000, 2000])), 1);
    assert_eq!(most_in_a_second(times(&[0, 900, 950, 1899, 5000])), 3);
}
