//! The calls of each connection.

use std::collections::VecDeque;

use serde::Serialize;

/// What came over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ConnectionSeen {
    /// The how many-th it is, from 1.
    pub(crate) connection: u64,
    /// Calls over it.
    pub(crate) calls: u64,
    /// Whether it is open.
    pub(crate) open: bool,
}

/// The latest connections; of those before, only the sums. So memory stays flat.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    latest: VecDeque<ConnectionSeen>,
    pub(crate) opened: u64,
    pub(crate) open: u64,
    pub(crate) most_calls: u64,
    /// Requests that are being answered.
    in_flight: u64,
    pub(crate) most_in_flight: u64,
}

const LATEST: usize = 10_000;

impl Connections {
    /// One was opened; this is its number.
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

    /// A request has been read.
    pub(crate) fn begin(&mut self) {
        self.in_flight += 1;
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
    }

    /// A request that has begun is answered, or nobody waits for it any more.
    pub(crate) fn end(&mut self) {
        self.in_flight -= 1;
    }

    pub(crate) fn close(&mut self, number: u64) {
        self.open -= 1;
        if let Some(connection) = self.find(number) {
            connection.open = false;
        }
    }

    /// The `index`th of the latest.
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
    fn calls_are_counted_on_their_connection() {
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
    fn the_most_in_flight_are_those_begun_and_not_yet_ended() {
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
    fn of_very_many_connections_the_latest_are_known() {
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
