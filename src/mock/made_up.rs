//! The world if none is given: everything a call can name exists, made up from the seed.
//!
//! It stores nothing. A group follows from the seed and its ID, and a sender's messages from the
//! seed and the row. So it takes no memory and its answers never change.

use super::answer::Reply;
use super::group_info::About;
use super::ids;
use super::key::Key;
use super::world::REACH;
use super::world_view::TallySeen;

/// A world that is made up on the fly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MadeUp {
    pub(crate) seed: u64,
}

impl MadeUp {
    /// Describes a group. One in fifty is an `AVChatRoom`, where a recall does nothing. Communities
    /// are recognised by their IDs, as in the service.
    pub(crate) fn group(self, id: &str) -> About<'static> {
        let group = Key {
            group: id,
            ..Key::default()
        };
        let hash = group.hash(self.seed);
        let kind = match hash % 50 {
            _ if ids::is_community(id) => "Community",
            0 => "AVChatRoom",
            1..15 => "ChatRoom",
            15..25 => "Private",
            _ => "Public",
        };
        About {
            kind,
            name: "made up",
            members: 2 + usize::try_from(hash >> 32).unwrap_or(0) % 2000,
            // At least as many messages as a recall reaches.
            last_seq: REACH as u64 + (hash >> 16) % 50_000,
        }
    }

    /// Answers a recall. It fails only if the topic can't exist.
    pub(crate) fn recall(row: Key<'_>) -> Reply {
        if row.topic.is_empty() || ids::is_community(row.group) {
            Reply::OK
        } else {
            Reply::fail(110_013)
        }
    }

    /// Counts the messages of the row's sender, and how many are left if a recall has `landed`.
    /// Returns `None` if the row can't exist.
    pub(crate) fn tally(self, row: Key<'_>, landed: bool) -> Option<TallySeen<'_>> {
        if ids::check(row).is_err() || Self::recall(row) != Reply::OK {
            return None;
        }
        let mut chance = fastrand::Rng::with_seed(row.hash(self.seed));
        // Spammers write up to a few dozen messages; one in forty has none within reach.
        let (within_reach, older) = (chance.u64(..40), chance.u64(..10));
        let recalls = landed && self.group(row.group).kind != "AVChatRoom";
        let recalled = if recalls { within_reach } else { 0 };
        Some(TallySeen {
            key: row,
            sent: within_reach + older,
            recalled,
            left: within_reach + older - recalled,
            within_reach: within_reach - recalled,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE_UP: MadeUp = MadeUp { seed: 7 };

    fn row<'a>(group: &'a str, sender: &'a str, topic: &'a str) -> Key<'a> {
        Key {
            group,
            sender,
            topic,
        }
    }

    fn kinds(made_up: MadeUp) -> Vec<&'static str> {
        (0..1000)
            .map(|n| made_up.group(&format!("g{n}")).kind)
            .collect()
    }

    #[test]
    fn groups_have_all_types_and_never_change() {
        let kinds = kinds(MADE_UP);
        for kind in ["Public", "ChatRoom", "Private", "AVChatRoom"] {
            assert!(kinds.contains(&kind), "{kind}");
        }
        assert_eq!(self::kinds(MADE_UP), kinds);
        assert_ne!(self::kinds(MadeUp { seed: 8 }), kinds);
        assert_eq!(MADE_UP.group("@TGS#_c").kind, "Community");
    }

    #[test]
    fn only_a_community_has_topics() {
        let code = |group, topic| MadeUp::recall(row(group, "s", topic)).code;
        assert_eq!(code("@TGS#_c", "@TGS#_c@TOPIC#_1"), 0);
        assert_eq!(code("@TGS#c", "@TGS#c@TOPIC#_1"), 110_013);
        assert_eq!([code("@TGS#_c", ""), code("@TGS#c", "")], [0, 0]);
    }

    fn tally(made_up: MadeUp, row: Key<'_>, landed: bool) -> TallySeen<'_> {
        made_up.tally(row, landed).expect("a possible row")
    }

    #[test]
    fn a_recall_takes_the_messages_within_reach_and_leaves_the_rest() {
        for n in 0..1000 {
            let (group, sender) = (format!("g{}", n % 97), format!("user{n}"));
            let row = row(&group, &sender, "");
            let (before, after) = (tally(MADE_UP, row, false), tally(MADE_UP, row, true));
            assert_eq!((before.recalled, before.left), (0, before.sent));
            assert_eq!(after.sent, before.sent);
            assert_eq!(after.recalled + after.left, after.sent);
            let silent = MADE_UP.group(&group).kind == "AVChatRoom";
            let expected = if silent { 0 } else { before.within_reach };
            assert_eq!(after.recalled, expected);
            assert_eq!(after.within_reach, before.within_reach - expected);
        }
    }

    #[test]
    fn senders_have_different_numbers_of_messages_within_reach_some_none() {
        let within = |seed| {
            let within = |n: u32| {
                let sender = n.to_string();
                tally(MadeUp { seed }, row("g", &sender, ""), false).within_reach
            };
            (0..1000).map(within).collect::<Vec<_>>()
        };
        assert!(within(7).contains(&0) && within(7).contains(&39));
        assert_ne!(within(7), within(8));
    }

    #[test]
    fn impossible_rows_have_no_tally() {
        for row in [row("群", "s", ""), row("g", "s", "g@TOPIC#_1")] {
            assert_eq!(MADE_UP.tally(row, false), None);
        }
    }
}
