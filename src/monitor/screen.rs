//! The stderr output: one owner for the bar, messages and the log, so that they don't overwrite each
//! other.

use std::io::{self, IsTerminal as _, Write};

use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::frame::{self, Frames};

/// The destination of the bar, messages and the log: stderr.
#[derive(Clone, Debug)]
pub struct Screen {
    bars: MultiProgress,
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}

impl Screen {
    /// Creates the screen of this process.
    pub fn new() -> Self {
        // indicatif checks whether stdout supports colour, but all of this goes to stderr.
        console::set_colors_enabled(console::colors_enabled_stderr());
        let frames = ProgressDrawTarget::term_like(Box::new(Frames::default()));
        Self {
            bars: MultiProgress::with_draw_target(frames),
        }
    }

    /// Returns whether lines can be redrawn: stderr is a terminal, and not one that calls itself
    /// dumb.
    pub fn can_draw(&self) -> bool {
        io::stderr().is_terminal() && !console::is_dumb()
    }

    /// Returns the maximum number of columns in a line.
    pub fn width(&self) -> usize {
        if io::stderr().is_terminal() {
            usize::from(frame::width())
        } else {
            usize::MAX
        }
    }

    /// Writes a line above the bar, if there is one.
    pub fn line(&self, line: &str) {
        self.write_all(format!("{line}\n").as_bytes());
    }

    pub(super) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    fn write_all(&self, bytes: &[u8]) {
        // If stderr is closed, there is nowhere to report it.
        let _ = self.bars.suspend(|| io::stderr().lock().write_all(bytes));
    }
}

/// Writes the log above the bar.
#[derive(Debug)]
pub struct LogLine<'a>(&'a Screen);

impl Write for LogLine<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Screen {
    type Writer = LogLine<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        LogLine(self)
    }
}

/// Sends the log to the screen as set by `RUST_LOG`, or only warnings without it.
///
/// Only events of this crate are logged, whatever `RUST_LOG` says: every URL contains the `UserSig`,
/// and there is no control over what other crates log.
pub fn log_to(screen: &Screen) {
    use tracing_subscriber::Layer as _;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;

    let wanted = std::env::var("RUST_LOG").unwrap_or_default();
    let filter = EnvFilter::builder()
        .with_default_directive(tracing::Level::WARN.into())
        .parse_lossy(wanted);
    let ours = tracing_subscriber::filter::filter_fn(|event| {
        event.target().starts_with(env!("CARGO_CRATE_NAME"))
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(screen.clone())
        .with_ansi(false)
        .with_filter(ours);
    // Fails only if logging has been set up before.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init();
}
