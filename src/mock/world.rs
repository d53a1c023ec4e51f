//! A world: an app's groups, their topics, members and messages, and what recalls did to them.
//!
//! For each room (a group or a topic) it keeps the last 1,000 messages, which a recall can reach.
//! For older ones it keeps only counts per sender, since they can't change any more. So a room's
//! memory does not grow with its history.

use std::collections::{HashMap, VecDeque};

use super::answer::Reply;
use super::group_info::About;
use super::key::Key;
use super::traffic::Traffic;
use super::world_file::App;
use crate::error::{Error, Result};

/// How many of a room's latest messages a recall reaches. Source: the official page of the call.
pub(crate) const REACH: usize = 1000;

/// The highest sequence number a file may contain. Every JSON parser represents it exactly, and it
/// leaves enough numbers for later messages.
pub(crate) const MAX_SEQ: u64 = (1 << 53) - 1;

/// The group types.
pub(crate) const TYPES: [&str; 8] = [
    "Private",
    "Work",
    "Public",
    "ChatRoom",
    "Meeting",
    "Community",
    SILENT,
    CLOSED,
];

/// The type in which a recall succeeds but does nothing.
const SILENT: &str = "AVChatRoom";

/// A former type in which recalls are not permitted. This is our reading: the service's pages name
/// only the types above.
const CLOSED: &str = "BChatRoom";

/// An app's groups, their topics, members and messages.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub(crate) app: App,
    pub(crate) groups: Vec<GroupState>,
    pub(crate) group_of: HashMap<String, usize>,
    pub(crate) rooms: Vec<Room>,
    pub(crate) tallies: Vec<Tally>,
    /// By room and account.
    pub(crate) tally_of: HashMap<(usize, usize), usize>,
    pub(crate) accounts: Vec<String>,
    pub(crate) account_of: HashMap<String, usize>,
    pub(crate) messages: u64,
    pub(crate) recalled: u64,
    pub(crate) traffic: Option<Traffic>,
}

#[derive(Clone, Debug)]
pub(crate) struct GroupState {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) members: Vec<usize>,
    pub(crate) busy: u32,
    pub(crate) dismissed: bool,
    pub(crate) denied: Vec<String>,
    /// Rooms by topic; the empty topic is the group itself.
    pub(crate) rooms: HashMap<String, usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) group: usize,
    pub(crate) topic: String,
    pub(crate) last: VecDeque<Message>,
    pub(crate) seq: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    pub(crate) seq: u64,
    pub(crate) tally: usize,
    pub(crate) recalled: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    pub(crate) room: usize,
    pub(crate) account: usize,
    pub(crate) sent: u64,
    pub(crate) recalled: u64,
    pub(crate) within_reach: u64,
}

impl World {
    /// Adds a message to a room. If there are more than 1,000, the oldest moves out of reach.
    pub(crate) fn send(&mut self, room: usize, account: usize, seq: Option<u64>) -> Result<()> {
        let tally = *self.tally_of.entry((room, account)).or_insert_with(|| {
            self.tallies.push(Tally {
                room,
                account,
                sent: 0,
                recalled: 0,
                within_reach: 0,
            });
            self.tallies.len() - 1
        });
        if let Some(seq) = seq.filter(|&seq| seq > MAX_SEQ) {
            return Err(Error::input(format!(
                "sequence number {seq} is above {MAX_SEQ}"
            )));
        }
        let room = &mut self.rooms[room];
        let seq = seq.unwrap_or(room.seq + 1);
        if seq <= room.seq {
            return Err(Error::input(format!(
                "sequence number {seq} is not above the one before it, {}",
                room.seq
            )));
        }
        room.seq = seq;
        if room.last.len() == REACH
            && let Some(oldest) = room.last.pop_front()
            && !oldest.recalled
        {
            self.tallies[oldest.tally].within_reach -= 1;
        }
        room.last.push_back(Message {
            seq,
            tally,
            recalled: false,
        });
        self.tallies[tally].sent += 1;
        self.tallies[tally].within_reach += 1;
        self.messages += 1;
        Ok(())
    }

    /// Adds a message of the traffic, by this account, to a room of this group.
    pub(crate) fn chat(&mut self, group: usize, account: usize, topic: usize) {
        let rooms = &self.groups[group].rooms;
        // A group's rooms are adjacent, with the group itself first.
        let room = rooms[""] + topic % rooms.len();
        // This fails only for a given sequence number.
        drop(self.send(room, account, None));
    }

    /// Recalls the row's messages on behalf of `identifier`.
    pub(crate) fn recall(&mut self, row: Key<'_>, identifier: &str) -> Reply {
        let Some(group) = self.group(row.group) else {
            return Reply::fail(10010);
        };
        // "The call does nothing, and no error is returned": not even for an unknown sender or
        // topic.
        if group.kind == SILENT {
            return Reply::OK;
        }
        if group.kind == CLOSED || group.denied.iter().any(|id| id == identifier) {
            return Reply::fail(10007);
        }
        let Some(&room) = group.rooms.get(row.topic) else {
            return Reply::fail(110_013);
        };
        let Some(&account) = self.account_of.get(row.sender) else {
            return Reply::fail(70107);
        };
        if let Some(&tally) = self.tally_of.get(&(room, account))
            && self.tallies[tally].within_reach > 0
        {
            self.mark(room, tally);
        }
        Reply::OK
    }

    fn mark(&mut self, room: usize, tally: usize) {
        let mut marked = 0;
        for message in &mut self.rooms[room].last {
            if message.tally == tally && !message.recalled {
                message.recalled = true;
                marked += 1;
            }
        }
        self.tallies[tally].recalled += marked;
        self.tallies[tally].within_reach -= marked;
        self.recalled += marked;
    }

    /// Returns the group if it exists and is not dismissed.
    fn group(&self, id: &str) -> Option<&GroupState> {
        let group = &self.groups[*self.group_of.get(id)?];
        (!group.dismissed).then_some(group)
    }

    /// Describes a group, or returns the code for a missing one.
    pub(crate) fn about(&self, id: &str) -> Result<About<'_>, i64> {
        let group = self.group(id).ok_or(10010)?;
        Ok(About {
            kind: &group.kind,
            name: &group.name,
            members: group.members.len(),
            last_seq: self.rooms[group.rooms[""]].seq,
        })
    }

    pub(crate) fn room(&self, group: &str, topic: &str) -> Option<usize> {
        let group = &self.groups[*self.group_of.get(group)?];
        group.rooms.get(topic).copied()
    }

    /// Returns the number of an account, which is added to the app if new.
    pub(crate) fn account(&mut self, id: &str) -> usize {
        if let Some(&account) = self.account_of.get(id) {
            return account;
        }
        self.accounts.push(id.to_owned());
        self.account_of
            .insert(id.to_owned(), self.accounts.len() - 1);
        self.accounts.len() - 1
    }

    /// Starts traffic.
    pub(crate) fn start_traffic(&mut self, traffic: Traffic) {
        self.traffic = Some(traffic);
    }

    /// Lets the messages due at `now` arrive.
    pub(crate) fn advance(&mut self, now: std::time::Duration) {
        if let Some(mut traffic) = self.traffic.take() {
            traffic.advance(now, self);
            self.traffic = Some(traffic);
        }
    }
}

#[cfg(test)]
#[path = "world_tests.rs"]
mod tests;
