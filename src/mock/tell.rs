//! What a mock can be asked for, besides its figures: lists, as JSON lines.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::Serialize;

use super::answer::json;
use super::service::Service;

/// A list that a mock can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum List {
    /// A line a row, where rows are counted: `{"group","sender","topic","calls","ok"}`.
    Rows,
    /// A line for each of the last 10,000 connections: `{"connection","calls","open"}`.
    Connections,
    /// A line for each sender in each group and topic of the world:
    /// `{"group","sender","topic","sent","recalled","left","within_reach"}`.
    World,
    /// A line for each of the last 1,000 messages of a group or topic of the world, oldest first:
    /// `{"seq","sender","recalled"}`.
    Messages {
        /// The group.
        group: String,
        /// The topic; empty for the group itself.
        topic: String,
    },
}

impl List {
    /// The messages of `group=…&topic=…`, percent-encoded.
    pub(crate) fn messages(query: &str) -> Self {
        let value = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        Self::Messages {
            group: value("group").unwrap_or_default(),
            topic: value("topic").unwrap_or_default(),
        }
    }
}

/// About how much of a list is written in one go, so that a long one holds no call up.
const BLOCK: usize = 64 * 1024;

/// A list on its way out.
#[derive(Debug)]
pub(crate) struct Telling {
    list: List,
    next: usize,
}

impl Telling {
    pub(crate) fn new(list: List) -> Self {
        Self { list, next: 0 }
    }

    /// The next lines; none when all are told.
    pub(crate) fn next(&mut self, service: &Service) -> Option<Bytes> {
        let mut block = BytesMut::new();
        while block.len() < BLOCK && self.line(service, &mut block) {
            self.next += 1;
        }
        (!block.is_empty()).then(|| block.freeze())
    }

    /// Adds the line whose turn it is, if there is one.
    fn line(&self, service: &Service, block: &mut BytesMut) -> bool {
        let (at, world) = (self.next, service.world.as_ref());
        match &self.list {
            List::Rows => add(block, service.rows.as_ref().and_then(|rows| rows.get(at))),
            List::Connections => add(block, service.connections.get(at)),
            List::World => add(block, world.and_then(|world| world.tally(at))),
            List::Messages { group, topic } => add(
                block,
                world.and_then(|world| world.message(group, topic, at)),
            ),
        }
    }
}

fn add<T: Serialize>(block: &mut BytesMut, line: Option<T>) -> bool {
    let told = line.map(|line| {
        block.put(json(&line));
        block.put_u8(b'\n');
    });
    told.is_some()
}
