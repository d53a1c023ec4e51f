//! Secrets, which are never printed: the `UserSig` and the secret key.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;

/// This many consecutive bytes reveal a part of a secret. Fewer may match by chance, and all
/// `UserSig`s start alike.
const REVEALING: usize = 12;
/// How often an echo may have been percent-encoded: by us, by a proxy, and by the sender of the
/// message that quotes it.
const MAX_ENCODINGS: u32 = 3;

/// A text that formats as `…`; only [`expose`](Self::expose) returns it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the secret itself, for a signature or a request, never for a message.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns `text` without the words that contain a revealing part of this secret, plain or
    /// percent-encoded. For untrusted text, which may echo a request, cut it off at either end, or
    /// change its encoding midway.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(echo) = self.first_echo(rest) {
            let start = rest[..echo.start].trim_end_matches(is_of_a_word).len();
            let after = rest[echo.end..].trim_start_matches(is_of_a_word);
            let end = rest.len() - after.len();
            // Many words contain a very short secret by chance.
            let is_chance = self.0.len() < REVEALING && (start..end) != echo;
            clean.push_str(&rest[..start]);
            clean.push_str(if is_chance { &rest[start..end] } else { "…" });
            rest = after;
        }
        clean + rest
    }

    /// Returns where `text` has the first revealing part of this secret, or all of a shorter one.
    fn first_echo(&self, text: &str) -> Option<Range<usize>> {
        let mut starts = text.char_indices().map(|(start, _)| start);
        starts.find_map(|start| Some(start..start + self.echoed_by(&text[start..])?))
    }

    /// Returns how many bytes at the start of `text` spell such a part.
    fn echoed_by(&self, text: &str) -> Option<usize> {
        let mut part = [0; REVEALING];
        let part = &mut part[..REVEALING.min(self.0.len())];
        for times in 0..=MAX_ENCODINGS {
            let end = decode(text.as_bytes(), times, part)?;
            if !part.is_empty() && memmem::find(self.0.as_bytes(), part).is_some() {
                return (end..=text.len()).find(|end| text.is_char_boundary(*end));
            }
            if !part.contains(&b'%') {
                break;
            }
        }
        None
    }
}

/// Returns whether this may be part of a secret: the characters of `UserSig`s and base64, also as
/// encoded in a URL. Not `=`, which only ends them, and precedes them in a query.
fn is_of_a_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "*-_+/~.%".contains(c)
}

/// Fills `part` by decoding the start of `text`, percent-encoded up to `times` times. Returns how
/// many bytes that takes, or `None` if `text` is too short.
fn decode(text: &[u8], times: u32, part: &mut [u8]) -> Option<usize> {
    part.iter_mut().try_fold(0, |end, byte| {
        let (first, length) = decode_first(&text[end..], times)?;
        *byte = first;
        Some(end + length)
    })
}

/// Returns the first decoded byte, and how many bytes spell it.
fn decode_first(text: &[u8], times: u32) -> Option<(u8, usize)> {
    if times == 0 {
        return text.first().map(|byte| (*byte, 1));
    }
    let first = decode_first(text, times - 1)?;
    match first {
        (b'%', length) => decode_digits(text, length, times - 1).or(Some(first)),
        _ => Some(first),
    }
}

/// Decodes the two digits after a percent sign that ends at `end`. Returns the byte, and where the
/// digits end.
fn decode_digits(text: &[u8], mut end: usize, times: u32) -> Option<(u8, usize)> {
    let mut digit = || {
        let (digit, length) = decode_first(&text[end..], times)?;
        end += length;
        char::from(digit).to_digit(16)
    };
    let byte = digit()? * 16 + digit()?;
    Some((u8::try_from(byte).ok()?, end))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const USERSIG: &str = "eJyrVgrxCdZLrSjILEpVsjI0NTU1MDDQAQuWpRYpWSkZ6RkoQfjFKdmJBQ*WZKYrWRkYmBhYmJpDlGRmpaaVgJS4FZUWZ-aXGhp7GOSFRFSmVDpXgC0A0qUh4w__";

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("abc")), "…");
    }

    #[test]
    fn a_plain_or_encoded_echo_of_a_secret_is_removed() {
        let secret = Secret::new("a+b/c=");
        assert_eq!(
            secret.redact("?usersig=a%2Bb%2Fc%3D&x, sig a+b/c= end"),
            "?usersig=…&x, sig … end"
        );
        assert_eq!(secret.redact("a%2bb/c%3d a+b/c"), "… a+b/c");
    }

    #[test]
    fn a_part_of_a_secret_is_removed_too() {
        let secret = Secret::new(USERSIG);
        for echo in [
            &USERSIG[..12],
            &USERSIG[..70],
            &USERSIG[24..],
            &USERSIG[30..42],
        ] {
            let text = format!("refused: ...{echo}, é");
            assert_eq!(secret.redact(&text), "refused: …, é", "{echo}");
        }
        let chance = "eJyrVgrxCdZ is how many start, w__";
        assert_eq!(secret.redact(chance), chance);
    }

    #[test]
    fn an_echo_whose_encoding_changes_midway_is_removed_to_its_end() {
        let secret = Secret::new(USERSIG);
        for star in ["%252A", "%25%32%61", "%2525252a", "%%", "\u{fffd}", "."] {
            let echo = USERSIG.replacen('*', star, 1);
            let clean = secret.redact(&format!("?usersig={echo}&x=1"));
            assert!(clean.starts_with("?usersig=…"), "{star}: {clean}");
            assert!(clean.ends_with("…&x=1"), "{star}: {clean}");
        }
    }

    #[test]
    fn a_very_short_secret_is_removed_only_as_a_whole_word() {
        let words = "the app is disabled";
        assert_eq!(Secret::new("").redact(words), words);
        assert_eq!(Secret::new("a").redact(words), words);
        assert_eq!(Secret::new("app").redact(words), "the … is disabled");
    }

    fn encoded(text: &str, times: u32, whole: bool) -> String {
        (0..times).fold(text.to_owned(), |text, _| {
            let spelt = text.bytes().map(|byte| {
                if !whole && byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            });
            spelt.collect()
        })
    }

    proptest! {
        /// Holds for any secret and any text around its echo.
        #[test]
        fn no_window_of_a_secret_survives(
            secret in "[A-Za-z0-9*_-]{12,200}|[ -~]{12,60}",
            (from, length) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
            (times, whole) in (0_u32..=2, any::<bool>()),
            before in "[ -~]{0,30}|[%0-9a-f]{0,6}|.{0,30}",
            after in "[ -~]{0,30}|[%0-9a-f]{0,6}|.{0,30}",
        ) {
            let from = from.index(secret.len() - REVEALING + 1);
            let length = REVEALING + length.index(secret.len() - REVEALING - from + 1);
            let echo = encoded(&secret[from..from + length], times, whole);
            let clean = Secret::new(&*secret).redact(&format!("{before}{echo}{after}"));
            prop_assert!(clean.contains('…'), "{clean}");
            for at in 0..=secret.len() - REVEALING {
                let window = &secret[at..at + REVEALING];
                for (times, whole) in [(0, true), (1, true), (1, false), (2, true), (2, false)] {
                    let spelt = encoded(window, times, whole);
                    prop_assert!(!clean.contains(&spelt), "{spelt} is in {clean}");
                }
            }
        }
    }
}
