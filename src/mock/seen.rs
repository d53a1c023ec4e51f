//! What a mock saw.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::FaultKind;
use super::lane::{Command, Lanes};

/// What a mock saw, up to a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    /// Calls of the API, whatever became of them, less the `lookups`.
    pub calls: u64,
    /// How many calls, lookups too, were answered with each code, 0 being success.
    pub by_code: BTreeMap<i64, u64>,
    /// How many calls, lookups too, met each fault that is not a code. Of `refuse`, how many times
    /// the mock stopped listening: of connections that were refused meanwhile it can't know.
    pub faults: BTreeMap<String, u64>,
    /// The most calls of one app that arrived at the machine, head and body, in any sliding
    /// second; on Linux by the kernel's own times.
    pub worst_second: u64,
    /// Calls that the cap rejected.
    pub over_cap: u64,
    /// Calls whose `random` was that of one of the last few thousand calls. It should be
    /// fresh for every call; by chance about one in a million is not.
    pub repeated_randoms: u64,
    /// Calls of `get_group_info`.
    pub lookups: GroupInfoCalls,
    /// Requests for a path at which there is no command, such as a browser's for an icon. They are
    /// no calls, and in no other figure but those of connections.
    pub unknown_paths: u64,
    /// Connections opened, those to ask for these figures too.
    pub connections: u64,
    /// Connections open.
    pub open_connections: u64,
    /// The most calls over one connection.
    pub most_calls_on_a_connection: u64,
    /// The most calls that were in flight at once: read, and their answer not yet due.
    pub most_in_flight: u64,
    /// Different rows called, where rows are counted.
    pub rows: Option<u64>,
    /// The most calls for one row, where rows are counted.
    pub most_calls_for_a_row: Option<u32>,
    /// What the world looks like, where there is one.
    pub world: Option<WorldSeen>,
}

/// Calls of `get_group_info`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupInfoCalls {
    /// How many there were.
    pub calls: u64,
    /// The most of one app in any sliding second.
    pub worst_second: u64,
    /// Those that the cap rejected.
    pub over_cap: u64,
}

/// The messages of a world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldSeen {
    /// All that were ever sent.
    pub messages: u64,
    /// Those that are recalled.
    pub recalled: u64,
}

/// The figures while they grow.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Few codes ever occur, so a walk beats a map; success comes first.
    by_code: Vec<(i64, u64)>,
    faults: BTreeMap<FaultKind, u64>,
    /// Each slot holds the last `random` that fell into it, so memory stays fixed.
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

    /// A call came with this `random`.
    pub(crate) fn random(&mut self, random: u32) {
        let slot = &mut self.randoms[random as usize % RANDOMS];
        if slot.replace(random) == Some(random) {
            self.repeated_randoms += 1;
        }
    }

    /// A request came for a path at which there is no command.
    pub(crate) fn unknown_path(&mut self) {
        self.unknown_paths += 1;
    }

    /// A call is answered with this code.
    pub(crate) fn answered(&mut self, code: i64) {
        match self.by_code.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += 1,
            None => self.by_code.push((code, 1)),
        }
    }

    /// A call met this fault.
    pub(crate) fn met(&mut self, kind: FaultKind) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// The figures that don't need others to be known.
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
    fn a_repeated_random_is_noticed() {
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
    fn lookups_are_counted_apart_and_the_worst_second_is_that_of_one_app() {
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
    fn figures_survive_json() {
        let mut figures = Figures::new();
        figures.answered(10002);
        figures.met(FaultKind::Status(502));
        let seen = figures.snapshot(&Lanes::new(None));
        let text = serde_json::to_string(&seen).expect("JSON");
        assert_eq!(serde_json::from_str::<Seen>(&text).expect("the same"), seen);
    }
}
