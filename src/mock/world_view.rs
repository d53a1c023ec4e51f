//! What a world looks like: for the figures, and for the lists that it can be asked for.

use serde::Serialize;

use super::key::Key;
use super::seen::WorldSeen;
use super::world::World;

/// The messages of a sender in a group or topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TallySeen<'a> {
    #[serde(flatten)]
    pub(crate) key: Key<'a>,
    pub(crate) sent: u64,
    pub(crate) recalled: u64,
    pub(crate) left: u64,
    /// Those left that a recall would still reach.
    pub(crate) within_reach: u64,
}

/// One of the last messages of a group or topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MessageSeen<'a> {
    pub(crate) seq: u64,
    pub(crate) sender: &'a str,
    pub(crate) recalled: bool,
}

impl World {
    pub(crate) fn seen(&self) -> WorldSeen {
        WorldSeen {
            messages: self.messages,
            recalled: self.recalled,
        }
    }

    /// Whether there is such a group, or was.
    pub(crate) fn has_group(&self, id: &str) -> bool {
        self.group_of.contains_key(id)
    }

    /// Whether the group has this topic, or any group; each has the empty one, which is itself.
    pub(crate) fn has_topic(&self, group: Option<&str>, topic: &str) -> bool {
        match group {
            Some(group) => self.room(group, topic).is_some(),
            None => topic.is_empty() || self.rooms.iter().any(|room| room.topic == topic),
        }
    }

    /// Whether the app has such an account.
    pub(crate) fn has_account(&self, id: &str) -> bool {
        self.account_of.contains_key(id)
    }

    /// The `index`th sender's messages in a room.
    pub(crate) fn tally(&self, index: usize) -> Option<TallySeen<'_>> {
        let tally = self.tallies.get(index)?;
        let room = &self.rooms[tally.room];
        Some(TallySeen {
            key: Key {
                group: &self.groups[room.group].id,
                sender: &self.accounts[tally.account],
                topic: &room.topic,
            },
            sent: tally.sent,
            recalled: tally.recalled,
            left: tally.sent - tally.recalled,
            within_reach: tally.within_reach,
        })
    }

    /// The `index`th of the last messages of a group or topic, oldest first.
    pub(crate) fn message(
        &self,
        group: &str,
        topic: &str,
        index: usize,
    ) -> Option<MessageSeen<'_>> {
        let message = self.rooms[self.room(group, topic)?].last.get(index)?;
        Some(MessageSeen {
            seq: message.seq,
            sender: &self.accounts[self.tallies[message.tally].account],
            recalled: message.recalled,
        })
    }
}
