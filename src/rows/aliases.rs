//! Group, sender and topic, and their usual column names.

use std::fmt;

/// A field of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Group,
    Sender,
    Topic,
}

impl Field {
    /// All fields, in the order of columns without a header.
    pub(super) const ALL: [Self; 3] = [Self::Group, Self::Sender, Self::Topic];

    /// Returns the usual names of its column, its own name first, in lower case and without `_`,
    /// `-` and spaces.
    pub(super) fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Group => &["group", "groupid"],
            Self::Sender => &["sender", "senderaccount", "fromaccount", "userid", "user"],
            Self::Topic => &["topic", "topicid"],
        }
    }

    /// Whether this is a usual name of its column.
    pub(super) fn is_called(self, name: &[u8]) -> bool {
        let mut aliases = self.aliases().iter();
        aliases.any(|alias| same_name(alias.as_bytes(), name))
    }
}

/// Whether this is a usual name of the column of any field.
pub(super) fn is_usual_name(text: &str) -> bool {
    let mut fields = Field::ALL.into_iter();
    fields.any(|field| field.is_called(text.as_bytes()))
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.aliases()[0])
    }
}

/// Whether two names are the same except for case, `_`, `-` and spaces.
pub(super) fn same_name(a: &[u8], b: &[u8]) -> bool {
    squash(a).eq(squash(b))
}

fn squash(name: &[u8]) -> impl Iterator<Item = u8> {
    name.iter()
        .filter(|byte| !matches!(byte, b'_' | b'-' | b' '))
        .map(u8::to_ascii_lowercase)
}
