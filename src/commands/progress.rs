//! Chooses the progress display.

use crate::cli::ProgressArg;
use crate::monitor::{Bar, Monitor, Plain, Screen, Silent};

/// Returns the monitor for `--progress`; with `auto`, the screen decides.
pub(super) fn monitor(how: ProgressArg, screen: &Screen, cap: Option<u32>) -> Box<dyn Monitor> {
    match how {
        ProgressArg::Bar => Box::new(Bar::new(screen, cap)),
        ProgressArg::Auto if screen.can_draw() => Box::new(Bar::new(screen, cap)),
        ProgressArg::Auto | ProgressArg::Plain => Box::new(Plain::new(screen, cap)),
        ProgressArg::None => Box::new(Silent),
    }
}
