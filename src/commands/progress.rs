//! Who is told of progress.

use crate::cli::ProgressArg;
use crate::monitor::{Bar, Monitor, Plain, Screen, Silent};

/// As the flag says, which leaves it to the screen unless it says something.
pub(super) fn monitor(how: ProgressArg, screen: &Screen, cap: Option<u32>) -> Box<dyn Monitor> {
    match how {
        ProgressArg::Bar => Box::new(Bar::new(screen, cap)),
        ProgressArg::Auto if screen.can_draw() => Box::new(Bar::new(screen, cap)),
        ProgressArg::Auto | ProgressArg::Plain => Box::new(Plain::new(screen, cap)),
        ProgressArg::None => Box::new(Silent),
    }
}
