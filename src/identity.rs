//! What makes a row the same row: (group, sender, topic), never its position.
//!
//! An input that grew, shrank or was reordered between two runs is then no trouble, and a spam
//! list with a line a message costs one call a sender.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::ledger::Settled;
use crate::outcome::Outcome;
use crate::rows::Read;

/// What makes a row the same row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Identity<'a> {
    /// A row that can be sent.
    Row {
        group: &'a str,
        sender: &'a str,
        topic: &'a str,
    },
    /// A bad row is the same where it stands on the same line of the same input for the same
    /// reason. The input has a name where a run has several.
    Bad {
        input: &'a str,
        line: u64,
        reason: &'a str,
    },
}

impl<'a> Identity<'a> {
    /// That of a row which was read.
    pub(crate) fn of_read(read: Read<'a>) -> Self {
        match read {
            Read::Row(row) => Self::Row {
                group: row.group,
                sender: row.sender,
                topic: row.topic,
            },
            Read::Bad(bad) => Self::Bad {
                input: bad.input.as_deref().unwrap_or_default(),
                line: bad.line,
                reason: &bad.reason,
            },
        }
    }

    /// That of a row which a ledger has settled.
    pub(crate) fn of_settled(settled: &'a Settled<'_>) -> Self {
        if settled.outcome == Outcome::Invalid {
            Self::Bad {
                input: &settled.input,
                line: settled.row,
                reason: &settled.info,
            }
        } else {
            Self::Row {
                group: &settled.group,
                sender: &settled.sender,
                topic: &settled.topic,
            }
        }
    }
}

/// Turns identities into 128 bits each. The key is fresh in every process, for spammers choose
/// their IDs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(SipHasher13);

impl Key {
    pub(crate) fn fresh() -> Self {
        let random = RandomState::new();
        Self(SipHasher13::new_with_keys(
            random.hash_one(0),
            random.hash_one(1),
        ))
    }

    pub(crate) fn hash(&self, identity: Identity<'_>) -> u128 {
        let mut hasher = self.0;
        let mut write = |text: &str| {
            hasher.write(text.as_bytes());
            // No UTF-8 holds this byte, so no two identities are written the same.
            hasher.write_u8(0xff);
        };
        match identity {
            Identity::Row {
                group,
                sender,
                topic,
            } => {
                write(group);
                write(sender);
                write(topic);
            }
            Identity::Bad {
                input,
                line,
                reason,
            } => {
                write(input);
                write(reason);
                hasher.write_u64(line);
            }
        }
        hasher.finish128().as_u128()
    }
}
