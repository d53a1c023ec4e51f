//! Progress on a terminal. Only this module, [`Screen`] and its frames use indicatif.

use indicatif::{ProgressBar, ProgressStyle};

use super::layout::{self, Status};
use super::{Monitor, Notice, PreflightProgress, Progress, Screen, State, frame, notices};
use crate::display::wrapped;

/// A progress bar with figures, on a terminal that may be narrow and may be resized.
#[derive(Debug)]
pub struct Bar {
    screen: Screen,
    line: ProgressBar,
    cap: Option<u32>,
}

impl Bar {
    /// Creates a bar on the screen. The pace is shown against `cap`.
    pub fn new(screen: &Screen, cap: Option<u32>) -> Self {
        Self {
            screen: screen.clone(),
            line: screen.bars().add(ProgressBar::no_length()),
            cap,
        }
    }

    /// Draws the bar. The text is part of the template, so that a tick draws once; setting a message,
    /// a length and a position would draw three times.
    fn draw(&self, style: ProgressStyle, done: u64, total: Option<u64>) {
        self.line.set_style(style);
        self.line.update(|line| {
            line.set_len(total.unwrap_or(0).max(1));
            line.set_pos(done);
        });
    }
}

impl Monitor for Bar {
    fn progress(&mut self, progress: &Progress<'_>) {
        let status = layout::status(progress, self.cap, usize::from(frame::width()));
        let total = progress.total.map(|total| total.rows);
        let held = matches!(progress.state, State::Out { .. } | State::Slowed { .. });
        self.draw(style(&status, held), progress.done(), total);
    }

    fn preflight(&mut self, progress: &PreflightProgress<'_>) {
        let status = layout::preflight(progress, self.cap, usize::from(frame::width()));
        let held = progress.out.is_some();
        self.draw(style(&status, held), progress.done, progress.size);
    }

    fn notice(&mut self, notice: &Notice) {
        let words = notices::line(notice);
        let width = usize::from(frame::width());
        self.screen.line(&wrapped(&words, 0, width));
    }

    fn finish(&mut self) {
        self.line.finish_and_clear();
    }
}

/// Returns the style for a status. `held` says whether the service slows or stops the calls.
fn style(status: &Status, held: bool) -> ProgressStyle {
    let colour = if held { "yellow" } else { "green" };
    let bar = if status.bar {
        format!(" {{wide_bar:.{colour}/dim}} ")
    } else {
        String::new()
    };
    let Status {
        before,
        after,
        below,
        ..
    } = status;
    // Braces are special in a template, and the service's message may contain some.
    let [before, after, below] =
        [before, after, below].map(|words| words.replace('{', "{{").replace('}', "}}"));
    ProgressStyle::with_template(&format!("{before}{bar}{after}\n{below}"))
        .expect("every brace is doubled")
        .progress_chars("━╸─")
}
