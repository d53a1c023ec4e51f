//! Texts that never show: the `UserSig` and the secret key.

use std::fmt;
use std::sync::Arc;

/// An echo of so many bytes tells something of a secret. Fewer may be chance, and every `UserSig`
/// starts much the same.
const TELLING: usize = 12;

/// A text that prints as `…` wherever it is formatted, and is read only where it is used.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes a secret out of the open.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The secret itself: for a signature or a request, never for a message.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `text` without this secret, plain or percent-encoded in any way, and without the start of it:
    /// for words that came from outside, which may echo what was sent, and may cut it off.
    pub fn redact(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (shown, length) = match self.echoed_by(rest) {
                Some(length) => ('…', length),
                None => (first, first.len_utf8()),
            };
            clean.push(shown);
            rest = &rest[length..];
        }
        clean
    }

    /// How many bytes at the start of `text` spell this secret, or enough of its start to tell.
    fn echoed_by(&self, text: &str) -> Option<usize> {
        let mut end = 0;
        let spelt = self.0.bytes().take_while(|byte| {
            let length = spells(&text.as_bytes()[end..], *byte);
            end += length;
            length > 0
        });
        let spelt = spelt.count();
        if spelt == 0 || spelt < self.0.len().min(TELLING) {
            return None;
        }
        (end..=text.len()).find(|end| text.is_char_boundary(*end))
    }
}

/// How many bytes at the start of `text` spell this byte in a URL; 0 where they don't.
fn spells(text: &[u8], byte: u8) -> usize {
    let hex = |digit: u8| char::from(digit).to_digit(16);
    match *text {
        [first, ..] if first == byte => 1,
        [b'+', ..] if byte == b' ' => 1,
        [b'%', high, low, ..]
            if hex(high).zip(hex(low)).map(|(high, low)| high * 16 + low)
                == Some(u32::from(byte)) =>
        {
            3
        }
        _ => 0,
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("abc")), "…");
    }

    #[test]
    fn an_echo_of_a_secret_is_taken_out_plain_and_encoded() {
        let secret = Secret::new("a+b/c=");
        assert_eq!(
            secret.redact("?usersig=a%2Bb%2Fc%3D&x, sig a+b/c= end"),
            "?usersig=…&x, sig … end"
        );
        assert_eq!(secret.redact("a%2bb/c%3d a+b/c"), "… a+b/c");
    }

    #[test]
    fn an_echo_that_is_cut_off_is_taken_out_too() {
        let secret = Secret::new("eJwVzN0KgjAYBuB*");
        assert_eq!(
            secret.redact("GET /?usersig=eJwVzN0KgjAYB"),
            "GET /?usersig=…"
        );
        assert_eq!(secret.redact("eJwVzN0KgjAYBuB%2a&é eJw"), "…&é eJw");
        assert_eq!(Secret::new("").redact("as it is"), "as it is");
    }
}
