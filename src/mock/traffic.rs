//! Messages that keep arriving during a run.

use std::time::Duration;

use super::world::World;

/// A rate of messages, sent by members of random groups. It has no timer: messages that are due
/// arrive when [`advance`](Self::advance) is called.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    per_second: f64,
    arrived: u64,
    rng: fastrand::Rng,
    /// Groups with members, each with the running sum of `busy` up to and including it.
    groups: Vec<(u64, usize)>,
}

impl Traffic {
    pub(crate) fn new(per_second: f64, seed: u64, world: &World) -> Self {
        let mut sum = 0;
        let mut groups = Vec::new();
        for (index, group) in world.groups.iter().enumerate() {
            if !group.members.is_empty() && group.busy > 0 {
                sum += u64::from(group.busy);
                groups.push((sum, index));
            }
        }
        Self {
            per_second,
            arrived: 0,
            rng: fastrand::Rng::with_seed(seed ^ 0x7261_6666_6963),
            groups,
        }
    }

    /// Sends the messages due at `now`.
    pub(crate) fn advance(&mut self, now: Duration, world: &mut World) {
        let Some(&(sum, _)) = self.groups.last() else {
            return;
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "never below 0"
        )]
        let due = (now.as_secs_f64() * self.per_second) as u64;
        while self.arrived < due {
            self.arrived += 1;
            let drawn = self.rng.u64(..sum);
            let at = self.groups.partition_point(|&(upto, _)| upto <= drawn);
            let group = self.groups[at].1;
            let members = &world.groups[group].members;
            let sender = members[self.rng.usize(..members.len())];
            world.chat(group, sender, self.rng.usize(..));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORLD: &str = r#"
        app = { sdkappid = 1, admins = ["administrator"] }
        [[group]]
        id = "busy"
        type = "Public"
        busy = 9
        members = ["a", "b"]
        messages = [{ senders = ["spam"], count = 5 }]
        [[group]]
        id = "calm"
        type = "Public"
        members = ["c"]
        [[group]]
        id = "empty"
        type = "Public"
    "#;

    fn after(seconds: &[u64]) -> Vec<String> {
        let mut world = World::from_toml(WORLD).expect("a world");
        let traffic = Traffic::new(100.0, 3, &world);
        world.start_traffic(traffic);
        for &second in seconds {
            world.advance(Duration::from_secs(second));
        }
        let tallies = (0..).map_while(|index| world.tally(index));
        tallies
            .map(|tally| serde_json::to_string(&tally).expect("JSON"))
            .collect()
    }

    #[test]
    fn traffic_does_not_depend_on_how_often_it_advances() {
        assert_eq!(after(&[100]), after(&[1, 2, 3, 50, 50, 100]));
    }

    #[test]
    fn traffic_pushes_old_messages_out_of_reach() {
        let spam = &after(&[100])[0];
        assert!(spam.contains(r#""sender":"spam""#), "{spam}");
        assert!(spam.contains(r#""left":5,"within_reach":0"#), "{spam}");
    }

    #[test]
    fn busy_groups_get_more_messages() {
        let mut world = World::from_toml(WORLD).expect("a world");
        let mut traffic = Traffic::new(100.0, 3, &world);
        traffic.advance(Duration::from_secs(100), &mut world);
        assert_eq!(world.seen().messages, 5 + 10_000);
        let calm = world.about("calm").expect("the group");
        assert!((800..1200).contains(&calm.last_seq));
    }
}
