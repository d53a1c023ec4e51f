//! Makes untrusted text safe to display.

use std::ffi::OsStr;

/// Escapes every character that controls a terminal, breaks a line or changes the writing
/// direction. In file names, invalid UTF-8 becomes U+FFFD.
pub(crate) fn harmless(text: impl AsRef<OsStr>) -> String {
    let text = text.as_ref().to_string_lossy();
    if !text.contains(is_harmful) {
        return text.into_owned();
    }
    let mut shown = String::with_capacity(2 * text.len());
    for c in text.chars() {
        if is_harmful(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whether [`harmless`] escapes this character.
pub(crate) fn is_harmful(c: char) -> bool {
    let breaks = matches!(c, '\u{2028}' | '\u{2029}');
    // All characters with the Unicode property Bidi_Control.
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || breaks || turns
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn only_characters_that_control_a_terminal_or_the_writing_direction_are_escaped() {
        assert_eq!(
            harmless("a\u{1b}[2J\n\u{9b}\u{202e}\u{61c}\u{2028}用户"),
            r"a\u{1b}[2J\u{a}\u{9b}\u{202e}\u{61c}\u{2028}用户"
        );
        let plain = r"用户 'a' \u{1b} ü";
        assert_eq!(harmless(plain), plain);
    }
}
