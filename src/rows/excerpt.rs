//! How a piece of bad input is shown to a person.

use std::fmt::Write;

/// The longest excerpt, in characters of the input.
const EXCERPT: usize = 48;

/// The start of a text in backticks, on one line and harmless on a terminal.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    // A character has at most four bytes, so this much is enough to see whether any is left out.
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * EXCERPT + 4)]);
    let mut shown = String::from("`");
    let mut chars = start.chars();
    for c in chars.by_ref().take(EXCERPT) {
        match c {
            '"' | '\'' | '\u{fffd}' => shown.push(c),
            // Line ends, escape sequences, and what turns the direction of writing.
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
    fn an_excerpt_is_bounded_and_cannot_drive_a_terminal() {
        assert_eq!(excerpt(b"\"a\", 'b'"), "`\"a\", 'b'`");
        assert_eq!(
            excerpt("\u{1b}[2J\u{202e}".as_bytes()),
            r"`\u{1b}[2J\u{202e}`"
        );
        assert_eq!(
            excerpt(&[b'x'; EXCERPT]),
            format!("`{}`", "x".repeat(EXCERPT))
        );
        let long = "é".repeat(100_000);
        assert_eq!(
            excerpt(long.as_bytes()),
            format!("`{}…`", "é".repeat(EXCERPT))
        );
    }
}
