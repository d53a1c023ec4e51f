//! Views of a world for the figures and lists.

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
    /// Messages left that a recall would still reach.
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

    /// Returns whether the group exists, dismissed or not.
    pub(crate) fn has_group(&self, id: &str) -> bool {
        self.group_of.contains_key(id)
    }

    /// Returns whether the group (or, if `None`, any group) has this topic. The empty topic is the
    /// group itself.
    pub(crate) fn has_topic(&self, group: Option<&str>, topic: &str) -> bool {
        match group {
            Some(group) => self.room(group, topic).is_some(),
            None => topic.is_empty() || self.rooms.iter().any(|room| room.topic == topic),
        }
    }

    /// Returns whether the app has this account.
    pub(crate) fn has_account(&self, id: &str) -> bool {
        self.account_of.contains_key(id)
    }

    /// Returns the `index`th tally of a sender in a room.
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

    /// Returns the `index`th of the last messages of a group or topic, oldest first.
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
