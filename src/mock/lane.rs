//! The calls of one app and command, to which a cap applies.

use std::time::Duration;

use serde::Serialize;

use super::cap::{Arrivals, Cap, Limiter};

/// The commands of the mock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Command {
    #[serde(rename = "delete_group_msg_by_sender")]
    Recall,
    #[serde(rename = "get_group_info")]
    GroupInfo,
}

/// The calls of one app and command.
#[derive(Debug, Serialize)]
pub(crate) struct Lane {
    app: u64,
    pub(crate) command: Command,
    #[serde(skip)]
    gate: Option<Limiter>,
    #[serde(skip)]
    arrivals: Arrivals,
    pub(crate) calls: u64,
    pub(crate) worst_second: usize,
    pub(crate) over_cap: u64,
}

impl Lane {
    fn arrived(&mut self, now: Duration) {
        self.calls += 1;
        self.worst_second = self.worst_second.max(self.arrivals.add(now).1);
    }

    /// Returns whether the cap lets a call pass.
    pub(crate) fn pass(&mut self, now: Duration) -> bool {
        let passes = self.gate.as_mut().is_none_or(|gate| gate.pass(now));
        self.over_cap += u64::from(!passes);
        passes
    }
}

/// All lanes, in order of their first call.
#[derive(Debug)]
pub(crate) struct Lanes {
    cap: Option<Cap>,
    lanes: Vec<Lane>,
}

/// Keeps a caller that makes up an app for each call from filling the memory.
const MAX_LANES: usize = 1000;

impl Lanes {
    pub(crate) fn new(cap: Option<Cap>) -> Self {
        Self {
            cap,
            lanes: Vec::new(),
        }
    }

    /// Records a call for an app (0 if it names none) and command, and returns its lane.
    pub(crate) fn arrived(&mut self, now: Duration, app: u64, command: Command) -> &mut Lane {
        let mine = |lane: &Lane| lane.app == app && lane.command == command;
        let full = self.lanes.len() >= MAX_LANES;
        let index = match self.lanes.iter().position(mine) {
            Some(index) => index,
            None if full => MAX_LANES - 1,
            None => {
                self.lanes.push(Lane {
                    app,
                    command,
                    gate: self.cap.map(Limiter::new),
                    arrivals: Arrivals::default(),
                    calls: 0,
                    worst_second: 0,
                    over_cap: 0,
                });
                self.lanes.len() - 1
            }
        };
        let lane = &mut self.lanes[index];
        lane.arrived(now);
        lane
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn lanes() -> Lanes {
        Lanes::new(Some(2.into()))
    }

    #[test]
    fn each_app_and_command_has_its_own_cap() {
        let mut lanes = lanes();
        for (app, command) in [
            (1, Command::Recall),
            (2, Command::Recall),
            (1, Command::GroupInfo),
        ] {
            let passed = [0, 1, 2].map(|ms| lanes.arrived(ms * MS, app, command).pass(ms * MS));
            assert_eq!(passed, [true, true, false]);
        }
        assert!(
            lanes
                .iter()
                .all(|lane| (lane.calls, lane.over_cap) == (3, 1))
        );
    }

    #[test]
    fn the_worst_second_may_start_at_any_time() {
        let mut lanes = lanes();
        let mut worst = |ms: &mut dyn Iterator<Item = u32>| {
            ms.map(|ms| lanes.arrived(ms * MS, 1, Command::Recall).worst_second)
                .last()
        };
        assert_eq!(worst(&mut (0..10_000).step_by(10)), Some(100));
        // The second from 9.9 to 10.9 has ten calls of the first series and all of the second.
        assert_eq!(worst(&mut (10_700..10_900)), Some(210));
    }

    #[test]
    fn two_calls_a_second_apart_share_no_second() {
        let mut lanes = lanes();
        lanes.arrived(Duration::ZERO, 1, Command::Recall);
        let lane = lanes.arrived(1000 * MS, 1, Command::Recall);
        assert_eq!(lane.worst_second, 1);
    }

    #[test]
    fn made_up_apps_do_not_fill_the_memory() {
        let mut lanes = lanes();
        for app in 0..5_000 {
            lanes.arrived(Duration::ZERO, app, Command::Recall);
        }
        assert_eq!(lanes.iter().count(), MAX_LANES);
        assert_eq!(lanes.iter().map(|lane| lane.calls).sum::<u64>(), 5_000);
    }
}
