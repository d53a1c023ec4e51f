//! What makes a row the same row: (group, sender, topic), never its position.
//!
//! An input that grew, shrank or was reordered between two runs is then no trouble, and a spam
//! list with a line a message costs one call a sender.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::ledger::Settled;
use crate::outcome::Outcome;
use crate::rows::Read;

/// Turns what makes a row the same row into 128 bits. The key is fresh in every process, for
/// spammers choose their IDs.
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

    /// Those of a row which was read.
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

    /// Those of a row which a ledger has settled: the same as where it is read.
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

    /// Those of the line of an input that an entry is about, whatever stands there.
    pub(crate) fn of_place(&self, settled: &Settled<'_>) -> u128 {
        self.place(&settled.input, settled.row)
            .finish128()
            .as_u128()
    }

    /// For the IDs of a row, one behind the other. What comes before them tells where each ends,
    /// so that no two rows are written the same.
    fn row(&self, group_len: usize, sender_len: usize) -> SipHasher13 {
        let mut hasher = self.0;
        // No ID has as much as 4 GiB.
        hasher.write_u64((group_len as u64) << 32 | sender_len as u64);
        hasher
    }

    /// Those of a bad row: the same where it stands on the same line of the same input for the same
    /// reason. Only the ledger's own input has no name.
    fn bad(&self, input: &str, line: u64, reason: &str) -> u128 {
        let mut hasher = self.place(input, line);
        // No UTF-8 holds this byte.
        hasher.write_u8(0xff);
        hasher.write(reason.as_bytes());
        hasher.finish128().as_u128()
    }

    fn place(&self, input: &str, line: u64) -> SipHasher13 {
        let mut hasher = self.0;
        // No lengths of a row.
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
        fn a_row_is_the_same_in_the_input_and_in_the_ledger(
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
            let read = batch.iter().next().expect("what was pushed");
            prop_assert_eq!(key.of_read(read), key.of_settled(&settled));
        }
    }
}
