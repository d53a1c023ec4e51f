//! Writes the status to the terminal, as a frame of whole lines that replaces the last one.
//!
//! indicatif would pad each line with blanks up to the edge and let the terminal wrap, which leaves
//! remnants when the window is resized. Here a frame is written in one go, and only if it differs
//! from the last one. No line reaches the edge. The cursor returns to the frame's first character,
//! where it stays whatever the terminal does to its lines when its width changes. So everything that
//! must be cleared is always after the cursor.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::mem;
use std::sync::{Mutex, PoisonError};

use console::Term;
use indicatif::TermLike;

/// The maximum width; a wider status is hard to read.
const MAX_WIDTH: u16 = 120;

/// The terminal that indicatif draws to: stderr.
#[derive(Debug, Default)]
pub(super) struct Frames(Mutex<Frame>);

#[derive(Debug, Default)]
struct Frame {
    /// The lines that the terminal shows.
    shown: Vec<String>,
    /// The width of the terminal at that time.
    columns: u16,
    /// The lines of the next frame.
    next: Vec<String>,
}

/// Returns the maximum width of a status.
pub(super) fn width() -> u16 {
    // Terminals differ in how they treat a character in the last column.
    columns().saturating_sub(1).clamp(1, MAX_WIDTH)
}

fn columns() -> u16 {
    Term::stderr().size().1
}

impl Frame {
    /// Returns the bytes that show the next frame on a terminal of `columns` columns. `None` if it is
    /// already shown.
    fn diff(&mut self, columns: u16) -> Option<String> {
        let next = mem::take(&mut self.next);
        let resized = columns != self.columns;
        if next == self.shown && (!resized || next.is_empty()) {
            return None;
        }
        let mut bytes = String::new();
        // A new width may have wrapped the lines, so clear all of them first.
        bytes.push_str(if resized || next.is_empty() {
            "\r\x1b[J"
        } else {
            "\r"
        });
        if let Some((last, lines)) = next.split_last() {
            // Turn off automatic wrapping, in case a character is wider than measured.
            bytes.push_str("\x1b[?7l");
            for line in lines {
                bytes.push_str(line);
                bytes.push_str("\x1b[K\r\n");
            }
            bytes.push_str(last);
            bytes.push_str("\x1b[J\x1b[?7h\r");
            if !lines.is_empty() {
                write!(bytes, "\x1b[{}A", lines.len()).expect("writing to a String can't fail");
            }
        }
        self.shown = next;
        self.columns = columns;
        Some(bytes)
    }
}

impl TermLike for Frames {
    fn width(&self) -> u16 {
        width()
    }

    fn height(&self) -> u16 {
        Term::stderr().size().0
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        // Skip the padding that would fill a line up to the edge.
        if !text.trim_end().is_empty() {
            self.frame().next.push(text.to_owned());
        }
        Ok(())
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.write_str(line)
    }

    fn flush(&self) -> io::Result<()> {
        if let Some(bytes) = self.frame().diff(columns()) {
            // If the terminal is gone, there is nowhere to report it.
            let _ = io::stderr().lock().write_all(bytes.as_bytes());
        }
        Ok(())
    }

    // The cursor is already at the start of the frame.
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Frames {
    fn frame(&self) -> std::sync::MutexGuard<'_, Frame> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use super::*;

    fn diff(frame: &mut Frame, lines: &[&str], columns: u16) -> Option<String> {
        frame.next = lines.iter().map(ToString::to_string).collect();
        frame.diff(columns)
    }

    #[test]
    fn a_frame_that_is_already_shown_is_not_written_again() {
        let mut frame = Frame::default();
        assert_eq!(diff(&mut frame, &[], 80), None, "nothing is shown");
        assert!(diff(&mut frame, &["a", "b"], 80).is_some());
        assert_eq!(diff(&mut frame, &["a", "b"], 80), None);
        assert!(
            diff(&mut frame, &["a", "b"], 60).is_some(),
            "the lines may have been wrapped"
        );
        assert!(diff(&mut frame, &["a", "c"], 60).is_some());
        assert_eq!(diff(&mut frame, &[], 60).as_deref(), Some("\r\u{1b}[J"));
        assert_eq!(diff(&mut frame, &[], 40), None);
    }

    #[test]
    fn a_terminal_shows_only_the_last_frame_even_after_a_resize() {
        let mut frame = Frame::default();
        let size = |size| NonZero::new(size).expect("not 0");
        let mut terminal = vt100::Parser::new(size(6), size(40), 0);
        terminal.process(b"above\r\n");
        let frames: [(&[&str], u16); 5] = [
            (&["one and a long line", "two"], 40),
            (&["one", "two"], 40),
            (&["three", "four"], 10),
            (&["five"], 10),
            (&["six", "seven"], 60),
        ];
        for (lines, columns) in frames {
            terminal.screen_mut().set_size(size(6), size(columns));
            let bytes = diff(&mut frame, lines, columns).expect("another frame");
            terminal.process(bytes.as_bytes());
            let shown = terminal.screen().contents();
            assert_eq!(shown, format!("above\n{}", lines.join("\n")));
            assert_eq!(terminal.screen().cursor_position(), (1, 0));
        }
    }
}
