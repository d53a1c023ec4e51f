//! Errors that end a run. A failed row is not an error but an [`Outcome`](crate::outcome::Outcome).

use std::error::Error as StdError;
use std::fmt::{self, Write as _};

use crate::harmless::harmless;

/// What failed; determines the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Flags, environment or configuration: nothing was read or called.
    Usage,
    /// The rows, or other input data, could not be read.
    Input,
    /// The ledger or its failed-rows file could not be read or written.
    Ledger,
    /// Something else could not be written: stdout, the terminal, a page.
    Output,
    /// No call could be made: TLS setup failed, or a port is taken.
    Service,
    /// The service stopped the run before the first recall.
    Stopped,
    /// An outage lasted too long before the first recall.
    Outage,
    /// The operator stopped the run before the first recall.
    Interrupted,
}

/// An error written for an operator at three in the morning: what happened to which file, line or
/// flag, and, on its own line, what to do next.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// A `Result` whose error ends a run.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Creates an error. The message names the file, line or flag and ends without a full stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    /// [`Kind::Usage`].
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// [`Kind::Input`].
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }

    /// [`Kind::Ledger`].
    pub fn ledger(message: impl Into<String>) -> Self {
        Self::new(Kind::Ledger, message)
    }

    /// [`Kind::Output`].
    pub fn output(message: impl Into<String>) -> Self {
        Self::new(Kind::Output, message)
    }

    /// [`Kind::Service`].
    pub fn service(message: impl Into<String>) -> Self {
        Self::new(Kind::Service, message)
    }

    /// [`Kind::Interrupted`].
    pub fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "interrupted; nothing was recalled")
    }

    /// Adds what to do next: a sentence, or a command to copy.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what to do next, unless the error has a hint already.
    #[must_use]
    pub(crate) fn or_hint(self, hint: impl Into<String>) -> Self {
        match self.hint {
            Some(_) => self,
            None => self.hint(hint),
        }
    }

    /// Puts the error in the context of something larger: prefixes the message with `what` and
    /// replaces the kind. The hint and the cause stay.
    #[must_use]
    pub(crate) fn within(mut self, kind: Kind, what: impl fmt::Display) -> Self {
        self.kind = kind;
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Adds the cause, which is printed after the message.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What failed.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.message.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(text, ": {error}")?;
            cause = error.source();
        }
        if let Some(hint) = &self.hint {
            write!(text, "\n  hint: {hint}")?;
        }
        // File names and messages from elsewhere are untrusted. Line breaks stay.
        let lines: Vec<_> = text.split('\n').map(harmless).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_within_something_keeps_its_cause_and_its_only_hint_at_the_end() {
        let error = Error::usage("no number")
            .because("a letter")
            .hint("write 5")
            .within(Kind::Input, "step 2")
            .within(Kind::Input, "script a.toml")
            .or_hint("see the sample");
        assert_eq!(error.kind(), Kind::Input);
        assert_eq!(
            error.to_string(),
            "script a.toml: step 2: no number: a letter\n  hint: write 5"
        );
    }

    #[test]
    fn control_characters_are_escaped_and_line_breaks_stay() {
        let error = Error::input("\u{1b}[2J.csv: cannot be read\nat all")
            .because("the \r disk\u{202e}")
            .hint("see\u{9b}31m it");
        assert_eq!(
            error.to_string(),
            "\\u{1b}[2J.csv: cannot be read\nat all: the \\u{d} disk\\u{202e}\n  hint: see\\u{9b}31m it"
        );
    }
}
