//! Progress where there is no terminal: a line now and then.

use std::time::Duration;

use super::{Monitor, Notice, Progress, Screen, words};

/// How often there is a line.
const EVERY: Duration = Duration::from_secs(5);

/// A line every five seconds, and one for everything that happens.
#[derive(Debug)]
pub struct Plain {
    screen: Screen,
    cap: Option<u32>,
    next: Duration,
}

impl Plain {
    /// Lines on the screen; `cap` is what the pace is shown against.
    pub fn new(screen: &Screen, cap: Option<u32>) -> Self {
        Self {
            screen: screen.clone(),
            cap,
            next: EVERY,
        }
    }
}

impl Monitor for Plain {
    fn progress(&mut self, progress: &Progress<'_>) {
        if progress.elapsed >= self.next {
            self.next = progress.elapsed + EVERY;
            let position = words::position(progress);
            let state = words::state(progress, self.cap);
            self.screen.line(&format!("{position}, {state}"));
        }
    }

    fn notice(&mut self, notice: &Notice) {
        self.screen.line(&words::notice(notice));
    }

    fn finish(&mut self) {}
}
