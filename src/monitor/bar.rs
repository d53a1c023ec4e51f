//! Progress on a terminal. With [`Screen`] the only user of indicatif.

use indicatif::{ProgressBar, ProgressStyle};

use super::{Monitor, Notice, Progress, Screen, words};

/// A bar with its figures below, on a terminal that may be narrow.
#[derive(Debug)]
pub struct Bar {
    screen: Screen,
    line: ProgressBar,
    cap: Option<u32>,
}

impl Bar {
    /// A bar on the screen; `cap` is what the pace is shown against.
    pub fn new(screen: &Screen, cap: Option<u32>) -> Self {
        let style = ProgressStyle::with_template("{prefix} {wide_bar}\n{msg}")
            .expect("a valid template")
            .progress_chars("━╸─");
        let line = screen.bars().add(ProgressBar::new(0).with_style(style));
        Self {
            screen: screen.clone(),
            line,
            cap,
        }
    }
}

impl Monitor for Bar {
    fn progress(&mut self, progress: &Progress<'_>) {
        self.line.set_length(progress.total.unwrap_or(0).max(1));
        self.line.set_position(if progress.total.is_some() {
            progress.done()
        } else {
            0
        });
        self.line.set_prefix(words::position(progress));
        self.line.set_message(words::state(progress, self.cap));
    }

    fn notice(&mut self, notice: &Notice) {
        self.screen.line(&words::notice(notice));
    }

    fn finish(&mut self) {
        self.line.finish_and_clear();
    }
}
