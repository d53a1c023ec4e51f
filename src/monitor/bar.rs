//! Progress on a terminal. With [`Screen`] and its frames the only user of indicatif.

use indicatif::{ProgressBar, ProgressStyle};

use super::layout::{self, Status};
use super::{Looking, Monitor, Notice, Progress, Screen, State, frame, notices, words};

/// A bar with its figures, on a terminal that may be narrow and change its width.
#[derive(Debug)]
pub struct Bar {
    screen: Screen,
    line: ProgressBar,
    cap: Option<u32>,
}

impl Bar {
    /// A bar on the screen; `cap` is what the pace is shown against.
    pub fn new(screen: &Screen, cap: Option<u32>) -> Self {
        Self {
            screen: screen.clone(),
            line: screen.bars().add(ProgressBar::no_length()),
            cap,
        }
    }

    /// The words are part of the template, so that a tick draws once: setting a message, a length
    /// and a position would draw each.
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
        self.draw(style(&status, progress.state), progress.done(), total);
    }

    fn looking(&mut self, looking: &Looking) {
        let status = layout::look(looking, self.cap, usize::from(frame::width()));
        self.draw(style(&status, State::Calling), looking.read, looking.size);
    }

    fn notice(&mut self, notice: &Notice) {
        let words = notices::line(notice);
        let width = usize::from(frame::width());
        self.screen.line(&words::wrapped(&words, 0, width));
    }

    fn finish(&mut self) {
        self.line.finish_and_clear();
    }
}

fn style(status: &Status, state: State) -> ProgressStyle {
    let colour = match state {
        State::Out { .. } | State::Slowed { .. } => "yellow",
        _ => "green",
    };
    let bar = if status.bar {
        format!(" {{wide_bar:.{colour}/dim}} ")
    } else {
        String::new()
    };
    let Status {
        before,
        behind,
        below,
        ..
    } = status;
    ProgressStyle::with_template(&format!("{before}{bar}{behind}\n{below}"))
        .expect("words without braces")
        .progress_chars("━╸─")
}
