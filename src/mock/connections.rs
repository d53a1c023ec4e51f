//! Counts the calls of each connection.

use std::collections::VecDeque;

use serde::Serialize;

/// The calls over one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ConnectionSeen {
    /// Its number, from 1.
    pub(crate) connection: u64,
    /// The number of calls.
    pub(crate) calls: u64,
    /// Whether it is still open.
    pub(crate) open: bool,
}

/// The latest connections, and totals over all. Older ones are forgotten, so memory stays flat.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    latest: VecDeque<ConnectionSeen>,
    pub(crate) opened: u64,
    pub(crate) open: u64,
    pub(crate) most_calls: u64,
    /// Calls not answered yet.
    in_flight: u64,
    pub(crate) most_in_flight: u64,
}

const LATEST: usize = 10_000;

impl Connections {
    /// Records an opened connection and returns its number.
    pub(crate) fn open(&mut self) -> u64 {
        self.opened += 1;
        self.open += 1;
        if self.latest.len() == LATEST {
            self.latest.pop_front();
        }
        self.latest.push_back(ConnectionSeen {
            connection: self.opened,
            calls: 0,
            open: true,
        });
        self.opened
    }

    pub(crate) fn call(&mut self, number: u64) {
        if let Some(connection) = self.find(number) {
            connection.calls += 1;
            let calls = connection.calls;
            self.most_calls = self.most_calls.max(calls);
        }
    }

    /// Records that a request was read.
    pub(crate) fn begin(&mut self) {
        self.in_flight += 1;
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
    }

    /// Records that a request was answered or given up.
    pub(crate) fn end(&mut self) {
        self.in_flight -= 1;
    }

    pub(crate) fn close(&mut self, number: u64) {
        self.open -= 1;
        if let Some(connection) = self.find(number) {
            connection.open = false;
        }
    }

    /// Returns the `index`th of the latest connections, oldest first.
    pub(crate) fn get(&self, index: usize) -> Option<ConnectionSeen> {
        self.latest.get(index).copied()
    }

    fn find(&mut self, number: u64) -> Option<&mut ConnectionSeen> {
        let first = self.latest.front()?.connection;
        let index = usize::try_from(number.checked_sub(first)?).ok()?;
        self.latest.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_per_connection() {
        let mut connections = Connections::default();
        let (first, second) = (connections.open(), connections.open());
        for number in [first, second, second] {
            connections.call(number);
        }
        connections.close(first);
        let seen = |index| {
            let seen = connections.get(index).expect("a connection");
            (seen.connection, seen.calls, seen.open)
        };
        assert_eq!((seen(0), seen(1)), ((1, 1, false), (2, 2, true)));
        assert_eq!((connections.opened, connections.open), (2, 1));
        assert_eq!(connections.most_calls, 2);
    }

    #[test]
    fn most_in_flight_is_the_peak_of_calls_begun_and_not_ended() {
        let mut connections = Connections::default();
        connections.begin();
        connections.begin();
        connections.end();
        connections.begin();
        connections.end();
        connections.end();
        assert_eq!(connections.most_in_flight, 2);
    }

    #[test]
    fn only_the_latest_connections_are_kept() {
        let mut connections = Connections::default();
        for _ in 0..LATEST + 5 {
            let number = connections.open();
            connections.call(number);
        }
        connections.call(1);
        connections.close(1);
        assert_eq!(connections.get(0).map(|seen| seen.connection), Some(6));
        assert_eq!(connections.get(LATEST), None);
        assert_eq!(connections.opened, LATEST as u64 + 5);
        assert_eq!(connections.most_calls, 1);
    }
}
