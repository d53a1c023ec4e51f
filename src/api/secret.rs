//! Texts that never show: the `UserSig` and the secret key.

use std::fmt;
use std::sync::Arc;

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

    /// `text` without this secret, plain or percent-encoded: for words that came from outside,
    /// which may echo what was sent.
    pub fn redact(&self, text: &str) -> String {
        let encoded: String = url::form_urlencoded::byte_serialize(self.0.as_bytes()).collect();
        let mut clean = text.to_owned();
        for secret in [&*self.0, &encoded] {
            if !secret.is_empty() {
                clean = clean.replace(secret, "…");
            }
        }
        clean
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
    }
}
