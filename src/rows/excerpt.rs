//! Excerpts of bad input for display.

use std::fmt::Write;

/// The maximum length of an excerpt, in characters of the input.
const MAX_CHARS: usize = 48;

/// Returns the start of a text in backticks, on one line and safe to print on a terminal.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    // A character has at most four bytes, so this suffices to see whether any are left out.
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * MAX_CHARS + 4)]);
    let mut shown = String::from("`");
    let mut chars = start.chars();
    for c in chars.by_ref().take(MAX_CHARS) {
        match c {
            '"' | '\'' | '\u{fffd}' => shown.push(c),
            // Escapes line ends, escape sequences and bidirectional controls.
            _ => write!(shown, "{}", c.escape_debug()).unwrap_or_default(),
        }
    }
    shown.push_str(if chars.next().is_some() { "…`" } else { "`" });
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_bounded_and_cannot_control_a_terminal() {
        assert_eq!(excerpt(b"\"a\", 'b'"), "`\"a\", 'b'`");
        assert_eq!(
            excerpt("\u{1b}[2J\u{202e}".as_bytes()),
            r"`\u{1b}[2J\u{202e}`"
        );
        assert_eq!(
            excerpt(&[b'x'; MAX_CHARS]),
            format!("`{}`", "x".repeat(MAX_CHARS))
        );
        let long = "é".repeat(100_000);
        assert_eq!(
            excerpt(long.as_bytes()),
            format!("`{}…`", "é".repeat(MAX_CHARS))
        );
    }
}
