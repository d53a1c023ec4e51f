//! What a mock has seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::FaultKind;
use super::lane::{Command, Lanes};

/// What a mock has seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    /// Calls of the API, whatever their result, except `lookups`.
    pub calls: u64,
    /// The number of calls, including lookups, answered with each code; 0 is success.
    pub by_code: BTreeMap<i64, u64>,
    /// The number of calls, including lookups, struck by each fault other than a code. For
    /// `refuse`, how often the mock stopped listening: it can't count the connections refused
    /// meanwhile.
    pub faults: BTreeMap<String, u64>,
    /// The maximum number of calls of one app that arrived at the machine, head and body, in any
    /// sliding second; on Linux by the kernel's timestamps.
    pub worst_second: u64,
    /// Calls that the cap rejected.
    pub over_cap: u64,
    /// Calls whose `random` repeated that of one of the last few thousand calls. It should be new
    /// for every call; by chance, about one in a million repeats.
    pub repeated_randoms: u64,
    /// Calls of `get_group_info`.
    pub lookups: GroupInfoCalls,
    /// Requests for a path without a command, such as a browser's for an icon. They are not calls
    /// and count only here and towards connections.
    pub unknown_paths: u64,
    /// Connections opened, including those that asked for these figures.
    pub connections: u64,
    /// Connections open now.
    pub open_connections: u64,
    /// The maximum number of calls over one connection.
    pub most_calls_on_a_connection: u64,
    /// The maximum number of calls in flight at once: read, with their answer not yet due.
    pub most_in_flight: u64,
    /// Different rows called, if rows are counted.
    pub rows: Option<u64>,
    /// The maximum number of calls for one row, if rows are counted.
    pub most_calls_for_a_row: Option<u32>,
    /// The messages of the world, if there is one.
    pub world: Option<WorldSeen>,
}

/// Calls of `get_group_info`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupInfoCalls {
    /// The number of calls.
    pub calls: u64,
    /// The maximum number for one app in any sliding second.
    pub worst_second: u64,
    /// Calls that the cap rejected.
    pub over_cap: u64,
}

/// The messages of a world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldSeen {
    /// All messages ever sent.
    pub messages: u64,
    /// Recalled messages.
    pub recalled: u64,
}

/// The figures as they are collected.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Few codes occur, so a scan beats a map. Success comes first.
    by_code: Vec<(i64, u64)>,
    faults: BTreeMap<FaultKind, u64>,
    /// Each slot holds the last `random` that maps to it, so memory stays fixed.
    randoms: Vec<Option<u32>>,
    repeated_randoms: u64,
    unknown_paths: u64,
}

const RANDOMS: usize = 8192;

impl Figures {
    pub(crate) fn new() -> Self {
        Self {
            by_code: vec![(0, 0)],
            faults: BTreeMap::new(),
            randoms: vec![None; RANDOMS],
            repeated_randoms: 0,
            unknown_paths: 0,
        }
    }

    /// Records the `random` of a call.
    pub(crate) fn random(&mut self, random: u32) {
        let slot = &mut self.randoms[random as usize % RANDOMS];
        if slot.replace(random) == Some(random) {
            self.repeated_randoms += 1;
        }
    }

    /// Records a request for a path without a command.
    pub(crate) fn unknown_path(&mut self) {
        self.unknown_paths += 1;
    }

    /// Records a call answered with this code.
    pub(crate) fn answered(&mut self, code: i64) {
        match self.by_code.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += 1,
            None => self.by_code.push((code, 1)),
        }
    }

    /// Records a fault.
    pub(crate) fn met(&mut self, kind: FaultKind) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// Returns the figures kept here and in the lanes.
    pub(crate) fn snapshot(&self, lanes: &Lanes) -> Seen {
        let answered = self.by_code.iter().copied();
        let faults = self.faults.iter();
        let mut seen = Seen {
            by_code: answered.filter(|&(_, count)| count > 0).collect(),
            faults: faults
                .map(|(kind, count)| (kind.to_string(), *count))
                .collect(),
            repeated_randoms: self.repeated_randoms,
            unknown_paths: self.unknown_paths,
            ..Seen::default()
        };
        for lane in lanes.iter() {
            let (calls, worst, over_cap) = match lane.command {
                Command::Recall => (&mut seen.calls, &mut seen.worst_second, &mut seen.over_cap),
                Command::GroupInfo => {
                    let lookups = &mut seen.lookups;
                    (
                        &mut lookups.calls,
                        &mut lookups.worst_second,
                        &mut lookups.over_cap,
                    )
                }
            };
            *calls += lane.calls;
            *worst = (*worst).max(lane.worst_second as u64);
            *over_cap += lane.over_cap;
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_repeated_random_is_counted() {
        let mut figures = Figures::new();
        for random in [7, 8, 9, 7, u32::MAX, 0, 0] {
            figures.random(random);
        }
        assert_eq!(figures.snapshot(&Lanes::new(None)).repeated_randoms, 2);
    }

    #[test]
    fn only_codes_and_faults_that_occurred_are_listed() {
        let mut figures = Figures::new();
        figures.answered(10002);
        figures.answered(10002);
        figures.met(FaultKind::Hang);
        let seen = figures.snapshot(&Lanes::new(None));
        assert_eq!(seen.by_code, BTreeMap::from([(10002, 2)]));
        assert_eq!(seen.faults, BTreeMap::from([("hang".to_owned(), 1)]));
    }

    #[test]
    fn lookups_are_counted_separately_and_the_worst_second_per_app() {
        let mut lanes = Lanes::new(None);
        for (app, command) in [
            (1, Command::Recall),
            (2, Command::Recall),
            (1, Command::Recall),
            (1, Command::GroupInfo),
        ] {
            lanes.arrived(Duration::ZERO, app, command);
        }
        let seen = Figures::new().snapshot(&lanes);
        assert_eq!((seen.calls, seen.worst_second), (3, 2));
        assert_eq!((seen.lookups.calls, seen.lookups.worst_second), (1, 1));
    }

    #[test]
    fn figures_round_trip_through_json() {
        let mut figures = Figures::new();
        figures.answered(10002);
        figures.met(FaultKind::Status(502));
        let seen = figures.snapshot(&Lanes::new(None));
        let text = serde_json::to_string(&seen).expect("JSON");
        assert_eq!(serde_json::from_str::<Seen>(&text).expect("the same"), seen);
    }
}
