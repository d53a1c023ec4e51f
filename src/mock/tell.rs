//! The lists that a mock can be asked for, as JSON lines.

use std::time::Duration;

use serde::Serialize;

use super::answer::json;
use super::key::{Key, KeyFilter};
use super::service::Service;

/// A list that a mock can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum List {
    /// A line for each row, if rows are counted: `{"group","sender","topic","calls","ok"}`.
    Rows,
    /// A line for each of the first 1,000 pairs of app and command that were called:
    /// `{"app","command","calls","worst_second","over_cap"}`. The cap applies to each pair.
    Apps,
    /// A line for each of the last 10,000 connections: `{"connection","calls","open"}`.
    Connections,
    /// A line for each sender in each group and topic of the world:
    /// `{"group","sender","topic","sent","recalled","left","within_reach"}`. For a made-up
    /// world, and only if rows are counted: a line for each row called, or for the one row that the
    /// filter names.
    World(KeyFilter),
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
    /// Returns the lines, all from the same moment. Calls wait until they are written.
    pub(crate) fn to_json_lines(&self, service: &mut Service, now: Duration) -> Vec<u8> {
        service.advance(now);
        match (self, &service.world) {
            (Self::Rows, _) => {
                let rows = service.rows.iter();
                lines(rows.flat_map(|rows| (0..).map_while(|at| rows.get(at))))
            }
            (Self::Apps, _) => lines(service.lanes.iter()),
            (Self::Connections, _) => lines((0..).map_while(|at| service.connections.get(at))),
            (Self::World(filter), Some(world)) => {
                let all = (0..).map_while(|at| world.tally(at));
                lines(all.filter(|tally| filter.fits(Some(tally.key))))
            }
            (Self::World(filter), None) => made_up(service, filter),
            (Self::Messages { group, topic }, Some(world)) => {
                lines((0..).map_while(|at| world.message(group, topic, at)))
            }
            (Self::Messages { .. }, None) => Vec::new(),
        }
    }
}

/// Returns the lines for a made-up world, which only remembers the rows that were called. A row
/// that was not called is made up if the filter names it.
fn made_up(service: &Service, filter: &KeyFilter) -> Vec<u8> {
    let Some(rows) = &service.rows else {
        return Vec::new();
    };
    let called = (0..).map_while(|at| rows.get(at));
    let wanted = called.filter(|row| filter.fits(Some(row.key)));
    let tallies = wanted.filter_map(|row| service.made_up.tally(row.key, row.landed));
    let called = lines(tallies);
    match (&filter.group, &filter.sender) {
        (Some(group), Some(sender)) if called.is_empty() => {
            let topic = filter.topic.as_deref().unwrap_or("");
            let row = Key {
                group,
                sender,
                topic,
            };
            lines(service.made_up.tally(row, false).into_iter())
        }
        _ => called,
    }
}

fn lines<T: Serialize>(all: impl Iterator<Item = T>) -> Vec<u8> {
    let mut lines = Vec::new();
    for line in all {
        lines.extend_from_slice(&json(&line));
        lines.push(b'\n');
    }
    lines
}
