//! Progress without a terminal: an occasional line with a timestamp, suitable for a log.

use std::time::Duration;

use jiff::Timestamp;

use super::{Monitor, Notice, PreflightProgress, Progress, Screen, notices, status};

/// Writes progress lines on a schedule, and a line for every notice.
#[derive(Debug)]
pub struct Plain {
    screen: Screen,
    cap: Option<u32>,
    next: Duration,
}

impl Plain {
    /// Creates a monitor that writes to the screen. The pace is shown against `cap`.
    pub fn new(screen: &Screen, cap: Option<u32>) -> Self {
        Self {
            screen: screen.clone(),
            cap,
            next: after(Duration::ZERO),
        }
    }

    fn is_due(&mut self, elapsed: Duration) -> bool {
        let is_due = elapsed >= self.next;
        if is_due {
            self.next = after(elapsed);
        }
        is_due
    }

    fn line(&self, words: &str) {
        let now = Timestamp::now().strftime("%FT%TZ");
        self.screen.line(&format!("{now} {words}"));
    }
}

/// Returns when the next line is due: often at first, when the operator may be watching, and once a
/// minute in a run of hours.
fn after(elapsed: Duration) -> Duration {
    let every = match elapsed.as_secs() {
        0..60 => 5,
        60..600 => 30,
        _ => 60,
    };
    elapsed + Duration::from_secs(every)
}

impl Monitor for Plain {
    fn progress(&mut self, progress: &Progress<'_>) {
        if self.is_due(progress.elapsed) {
            self.line(&status::line(progress, self.cap));
        }
    }

    fn preflight(&mut self, progress: &PreflightProgress<'_>) {
        if self.is_due(progress.elapsed) {
            self.line(&status::preflight(progress, self.cap));
        }
    }

    fn notice(&mut self, notice: &Notice) {
        self.line(&notices::line(notice));
    }

    fn finish(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_a_day_writes_one_line_per_minute() {
        let lines_until = |hours: u64| {
            let mut next = after(Duration::ZERO);
            let mut lines = 0;
            // There are ten ticks per second.
            for tick in 0..hours * 36_000 {
                let elapsed = Duration::from_millis(tick * 100);
                if elapsed >= next {
                    next = after(elapsed);
                    lines += 1;
                }
            }
            lines
        };
        let first_minute_and_nine_more = 11 + 19;
        assert_eq!(lines_until(1), first_minute_and_nine_more + 49);
        assert_eq!(lines_until(24) - lines_until(23), 60);
    }
}
