//! The identity of a row: (group, sender, topic), never its position.
//!
//! So an input may grow, shrink or be reordered between two runs, and a spam list with a line per
//! message costs one call per sender.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::ledger::Settled;
use crate::outcome::Outcome;
use crate::rows::Read;

/// Hashes the identity of a row to 128 bits. The key is random in every process, because spammers
/// choose their IDs.
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

    /// Returns the hash of a row from an input.
    pub(crate) fn of_read(&self, read: Read<'_>) -> u128 {
        match read {
            Read::Row(row) => {
                let (ids, group_len, sender_len) = row.joined();
                let hasher = self.row(group_len, sender_len);
                hasher.hash(ids.as_bytes()).as_u128()
            }
            Read::Bad(bad) => {
                let input = bad.input.as_deref().unwrap_or_default();
                self.bad(input, bad.line, &bad.reason)
            }
        }
    }

    /// Returns the hash of a row that a ledger has settled: the same as when it is read.
    pub(crate) fn of_settled(&self, settled: &Settled<'_>) -> u128 {
        if settled.outcome == Outcome::Invalid {
            return self.bad(&settled.input, settled.row, &settled.info);
        }
        let mut hasher = self.row(settled.group.len(), settled.sender.len());
        for id in [&settled.group, &settled.sender, &settled.topic] {
            hasher.write(id.as_bytes());
        }
        hasher.finish128().as_u128()
    }

    /// Returns the hash of the input line of an entry, regardless of its content.
    pub(crate) fn of_place(&self, settled: &Settled<'_>) -> u128 {
        self.place(&settled.input, settled.row)
            .finish128()
            .as_u128()
    }

    /// Returns a hasher for the concatenated IDs of a row. It starts with their lengths, so that no
    /// two rows hash the same bytes.
    fn row(&self, group_len: usize, sender_len: usize) -> SipHasher13 {
        let mut hasher = self.0;
        // IDs are shorter than 4 GiB.
        hasher.write_u64((group_len as u64) << 32 | sender_len as u64);
        hasher
    }

    /// Returns the hash of a bad row: the same for the same line of the same input and the same
    /// reason. Only the ledger's own input has an empty name.
    fn bad(&self, input: &str, line: u64, reason: &str) -> u128 {
        let mut hasher = self.place(input, line);
        // This byte never occurs in UTF-8.
        hasher.write_u8(0xff);
        hasher.write(reason.as_bytes());
        hasher.finish128().as_u128()
    }

    fn place(&self, input: &str, line: u64) -> SipHasher13 {
        let mut hasher = self.0;
        // Differs from the lengths of any row.
        hasher.write_u64(u64::MAX);
        hasher.write_u64(line);
        hasher.write(input.as_bytes());
        hasher
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rows::{BadRow, Batch};

    proptest! {
        #[test]
        fn a_row_has_the_same_identity_in_the_input_and_in_the_ledger(
            ids in prop::array::uniform3("[ab用]{0,12}"),
            line in any::<u64>(),
            is_bad in any::<bool>(),
        ) {
            let [group, sender, topic] = ids.each_ref().map(String::as_str);
            let mut batch = Batch::default();
            let (outcome, info) = if is_bad {
                batch.push_bad(BadRow { input: Some(group.into()), line, reason: sender.to_owned() });
                (Outcome::Invalid, sender)
            } else {
                batch.push(None, line, [group, sender, topic]);
                (Outcome::Recalled, "")
            };
            let settled = Settled {
                row: line,
                input: group.into(),
                group: group.into(),
                sender: sender.into(),
                topic: topic.into(),
                outcome,
                info: info.into(),
            };
            let key = Key::fresh();
            let read = batch.iter().next().expect("a row was pushed");
            prop_assert_eq!(key.of_read(read), key.of_settled(&settled));
        }
    }
}
