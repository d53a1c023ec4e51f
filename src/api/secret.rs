//! Texts that never show: the `UserSig` and the secret key.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;

/// So many bytes in a row tell something of a secret. Fewer may be chance, and every `UserSig`
/// starts much the same.
const TELLING: usize = 12;
/// So many times an echo may have been percent-encoded: by us, by a proxy, by whoever quotes it.
const TIMES: u32 = 3;

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

    /// `text` without the words that hold a telling part of this secret, plain or percent-encoded:
    /// for words that came from outside, which may echo what was sent, cut it off at either end, and
    /// spell it otherwise from some place on.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(echo) = self.first_echo(rest) {
            let start = rest[..echo.start].trim_end_matches(is_of_a_word).len();
            let behind = rest[echo.end..].trim_start_matches(is_of_a_word);
            let end = rest.len() - behind.len();
            // A secret of a few letters is in many words by chance.
            let is_chance = self.0.len() < TELLING && (start..end) != echo;
            clean.push_str(&rest[..start]);
            clean.push_str(if is_chance { &rest[start..end] } else { "…" });
            rest = behind;
        }
        clean + rest
    }

    /// Where the first part of this secret stands that tells something: so much of it, or all.
    fn first_echo(&self, text: &str) -> Option<Range<usize>> {
        let mut starts = text.char_indices().map(|(start, _)| start);
        starts.find_map(|start| Some(start..start + self.echoed_by(&text[start..])?))
    }

    /// How many bytes at the start of `text` spell such a part.
    fn echoed_by(&self, text: &str) -> Option<usize> {
        let mut part = [0; TELLING];
        let part = &mut part[..TELLING.min(self.0.len())];
        for times in 0..=TIMES {
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

/// Whether a secret may go on with this: what `UserSig`s and base64 are made of, and what they
/// become in a URL. An `=` only ends them, and stands before them in a query.
fn is_of_a_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "*-_+/~.%".contains(c)
}

/// Fills `part` with what the start of `text` spells, percent-encoded so many times or fewer; how
/// many bytes that takes. None where there are too few.
fn decode(text: &[u8], times: u32, part: &mut [u8]) -> Option<usize> {
    part.iter_mut().try_fold(0, |end, byte| {
        let (first, length) = decode_first(&text[end..], times)?;
        *byte = first;
        Some(end + length)
    })
}

/// The first byte, and how many bytes spell it.
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

/// The byte whose two digits stand behind a percent sign that ends at `end`, and where they end.
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
    fn an_echo_of_a_secret_is_taken_out_plain_and_encoded() {
        let secret = Secret::new("a+b/c=");
        assert_eq!(
            secret.redact("?usersig=a%2Bb%2Fc%3D&x, sig a+b/c= end"),
            "?usersig=…&x, sig … end"
        );
        assert_eq!(secret.redact("a%2bb/c%3d a+b/c"), "… a+b/c");
    }

    #[test]
    fn an_echo_that_is_cut_off_anywhere_is_taken_out_too() {
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
        let chance = "eJyrVgrxCdZ is what many begin with, w__";
        assert_eq!(secret.redact(chance), chance);
    }

    #[test]
    fn an_echo_that_is_spelt_otherwise_midway_leaves_nothing_behind_that_place() {
        let secret = Secret::new(USERSIG);
        for star in ["%252A", "%25%32%61", "%2525252a", "%%", "\u{fffd}", "."] {
            let echo = USERSIG.replacen('*', star, 1);
            let clean = secret.redact(&format!("?usersig={echo}&x=1"));
            assert!(clean.starts_with("?usersig=…"), "{star}: {clean}");
            assert!(clean.ends_with("…&x=1"), "{star}: {clean}");
        }
    }

    #[test]
    fn a_secret_that_is_none_takes_nothing_out_but_itself() {
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
        /// Whatever a secret is made of, and whatever stands around an echo.
        #[test]
        fn no_window_of_a_secret_survives(
            secret in "[A-Za-z0-9*_-]{12,200}|[ -~]{12,60}",
            (from, length) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
            (times, whole) in (0_u32..=2, any::<bool>()),
            before in "[ -~]{0,30}|[%0-9a-f]{0,6}|.{0,30}",
            after in "[ -~]{0,30}|[%0-9a-f]{0,6}|.{0,30}",
        ) {
            let from = from.index(secret.len() - TELLING + 1);
            let length = TELLING + length.index(secret.len() - TELLING - from + 1);
            let echo = encoded(&secret[from..from + length], times, whole);
            let clean = Secret::new(&*secret).redact(&format!("{before}{echo}{after}"));
            prop_assert!(clean.contains('…'), "{clean}");
            for at in 0..=secret.len() - TELLING {
                let window = &secret[at..at + TELLING];
                for (times, whole) in [(0, true), (1, true), (1, false), (2, true), (2, false)] {
                    let spelt = encoded(window, times, whole);
                    prop_assert!(!clean.contains(&spelt), "{spelt} is in {clean}");
                }
            }
        }
    }
}
