//! What a mock can be asked for, besides its figures: lists, as JSON lines.

use std::time::Duration;

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

    /// The lines, all of one moment; calls wait for so long.
    pub(crate) fn tell(&self, service: &mut Service, now: Duration) -> Vec<u8> {
        service.advance(now);
        let mut lines = Vec::new();
        let mut at = 0;
        while self.line(at, service, &mut lines) {
            at += 1;
        }
        lines
    }

    /// Adds a line, if there is one.
    fn line(&self, at: usize, service: &Service, lines: &mut Vec<u8>) -> bool {
        let world = service.world.as_ref();
        match self {
            Self::Rows => add(lines, service.rows.as_ref().and_then(|rows| rows.get(at))),
            Self::Connections => add(lines, service.connections.get(at)),
            Self::World => add(lines, world.and_then(|world| world.tally(at))),
            Self::Messages { group, topic } => add(
                lines,
                world.and_then(|world| world.message(group, topic, at)),
            ),
        }
    }
}

fn add<T: Serialize>(lines: &mut Vec<u8>, line: Option<T>) -> bool {
    let told = line.map(|line| {
        lines.extend_from_slice(&json(&line));
        lines.push(b'\n');
    });
    told.is_some()
}
