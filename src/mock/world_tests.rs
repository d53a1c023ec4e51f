//! The effect of recalls on a world.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::super::world_view::MessageSeen;
use super::*;

const TOPIC: &str = "@TGS#_c@TOPIC#_1";

const WORLD: &str = r#"
    [app]
    sdkappid = 1
    admins = ["administrator"]
    accounts = ["quiet"]
    [[group]]
    id = "public"
    type = "Public"
    members = ["leckie"]
    messages = [
        { senders = ["spam"], count = 10 },
        { senders = ["spam", "leckie"], count = 998 },
    ]
    [[group]]
    id = "live"
    type = "AVChatRoom"
    messages = [{ senders = ["spam"], count = 3 }]
    [[group]]
    id = "old"
    type = "BChatRoom"
    [[group]]
    id = "gone"
    type = "Public"
    dismissed = true
    [[group]]
    id = "closed"
    type = "Work"
    denied = ["administrator"]
    [[group]]
    id = "@TGS#_c"
    type = "Community"
    messages = [{ senders = ["spam"], count = 2 }]
    topics = [{ id = "@TGS#_c@TOPIC#_1", messages = [{ senders = ["spam"], seq = 7 }] }]
"#;

fn world() -> World {
    World::from_toml(WORLD).expect("a world")
}

fn key<'a>(group: &'a str, sender: &'a str, topic: &'a str) -> Key<'a> {
    Key {
        group,
        sender,
        topic,
    }
}

fn recall(world: &mut World, group: &str, sender: &str, topic: &str) -> i64 {
    world
        .recall(key(group, sender, topic), "administrator")
        .code
}

/// Returns the messages sent, recalled, left and still within reach.
fn tally(world: &World, wanted: Key<'_>) -> [u64; 4] {
    let mut tallies = (0..).map_while(|index| world.tally(index));
    let tally = tallies.find(|tally| tally.key == wanted).expect("a tally");
    [tally.sent, tally.recalled, tally.left, tally.within_reach]
}

#[test]
fn only_the_senders_messages_among_the_last_1000_are_recalled() {
    let mut world = world();
    assert_eq!(recall(&mut world, "public", "spam", ""), 0);
    // Of 1,008 messages the first eight, all by this sender, are out of reach.
    assert_eq!(tally(&world, key("public", "spam", "")), [509, 501, 8, 0]);
    assert_eq!(
        tally(&world, key("public", "leckie", "")),
        [499, 0, 499, 499]
    );
    assert_eq!(tally(&world, key("@TGS#_c", "spam", "")), [2, 0, 2, 2]);
    assert_eq!(world.seen().recalled, 501);
}

#[test]
fn recalling_twice_has_the_same_effect_as_once() {
    let mut world = world();
    for _ in 0..2 {
        assert_eq!(recall(&mut world, "public", "leckie", ""), 0);
    }
    assert_eq!(tally(&world, key("public", "leckie", "")), [499, 499, 0, 0]);
}

#[test]
fn a_recall_in_an_avchatroom_succeeds_and_does_nothing() {
    let mut world = world();
    assert_eq!(recall(&mut world, "live", "spam", ""), 0);
    assert_eq!(tally(&world, key("live", "spam", "")), [3, 0, 3, 3]);
}

#[test]
fn a_topic_and_its_group_are_separate_rooms() {
    let mut world = world();
    assert_eq!(recall(&mut world, "@TGS#_c", "spam", TOPIC), 0);
    assert_eq!(tally(&world, key("@TGS#_c", "spam", TOPIC)), [1, 1, 0, 0]);
    assert_eq!(tally(&world, key("@TGS#_c", "spam", "")), [2, 0, 2, 2]);
}

#[test]
fn each_kind_of_wrong_row_gets_its_code() {
    let mut world = world();
    for (group, sender, topic, code) in [
        ("public", "quiet", "", 0),
        ("nowhere", "spam", "", 10010),
        ("gone", "spam", "", 10010),
        ("old", "spam", "", 10007),
        ("closed", "spam", "", 10007),
        ("public", "nobody", "", 70107),
        ("@TGS#_c", "spam", "@TGS#_c@TOPIC#_2", 110_013),
        ("public", "spam", TOPIC, 110_013),
    ] {
        assert_eq!(
            recall(&mut world, group, sender, topic),
            code,
            "{group} {sender}"
        );
    }
    assert_eq!(world.seen().recalled, 0);
}

#[test]
fn messages_keep_their_sequence_numbers() {
    let mut world = world();
    let line = |world: &World| {
        let message = world.message("@TGS#_c", TOPIC, 0).expect("a message");
        serde_json::to_string(&message).expect("JSON")
    };
    assert_eq!(
        line(&world),
        r#"{"seq":7,"sender":"spam","recalled":false}"#
    );
    recall(&mut world, "@TGS#_c", "spam", TOPIC);
    assert_eq!(line(&world), r#"{"seq":7,"sender":"spam","recalled":true}"#);
    assert!(world.message("public", "none", 0).is_none());
}

#[test]
fn json_lines_make_the_same_world() {
    let text = r#"
        {"app":{"sdkappid":1,"admins":["administrator"]}}
        {"group":{"id":"g","type":"Public","messages":[{"senders":["a","b"],"count":3}]}}
        {"message":{"group":"g","sender":"c","seq":9}}
    "#;
    let mut world = World::from_jsonl(text).expect("a world");
    assert_eq!(recall(&mut world, "g", "c", ""), 0);
    assert_eq!(tally(&world, key("g", "a", "")), [2, 0, 2, 2]);
    assert_eq!(tally(&world, key("g", "c", "")), [1, 1, 0, 0]);
}

#[test]
fn file_errors_name_the_line_or_group() {
    let toml = |text: &str| World::from_toml(text).expect_err(text).to_string();
    let app = "app = { sdkappid = 1, admins = [] }\n";
    assert!(toml("x").contains("line 1"), "{}", toml("x"));
    assert!(toml("group = []").contains("app"));
    let twice = "[[group]]\nid = 'g'\ntype = 'Public'\n".repeat(2);
    assert!(toml(&format!("{app}{twice}")).contains("\"g\" appears twice"));
    let typo = format!("{app}[[group]]\nid = 'g'\ntype = 'Public'\nmesages = []");
    assert!(toml(&typo).contains("mesages"));
    let topic = format!("{app}[[group]]\nid = 'g'\ntype = 'Public'\ntopics = [{{ id = 't' }}]");
    assert!(toml(&topic).contains("only a Community"));
    let community = format!("{app}[[group]]\nid = '@TGS#c'\ntype = 'Community'");
    assert!(toml(&community).contains("must start with @TGS#_"));
    assert!(toml("app = { sdkappid = 1, admins = [], region = 'mars' }").contains("mars"));
    let group = |kind: &str| toml(&format!("{app}[[group]]\nid = 'g'\ntype = '{kind}'"));
    for kind in ["public", "Open", ""] {
        let error = group(kind);
        assert!(error.contains(&format!("{kind:?}")), "{error}");
        assert!(error.contains("Private, Work, Public, "), "{error}");
    }
    let jsonl = |text: &str| World::from_jsonl(text).expect_err(text).to_string();
    let app = "{\"app\":{\"sdkappid\":1,\"admins\":[]}}\n";
    assert!(jsonl(&format!("{app}{{}}")).contains("line 2"));
    assert!(jsonl("").contains("no app"));
    assert!(jsonl(&app.repeat(2)).contains("line 2: there is already an app"));
    let message = r#"{"message":{"group":"g","sender":"a"}}"#;
    assert!(jsonl(&format!("{app}{message}")).contains("line 2"));
}

#[test]
fn a_sequence_number_that_leaves_too_few_is_refused() {
    let world = |seq: u64| {
        let app = r#"{"app":{"sdkappid":1,"admins":[]}}"#;
        let group = r#"{"group":{"id":"g","type":"Public"}}"#;
        let message = format!(r#"{{"message":{{"group":"g","sender":"a","seq":{seq}}}}}"#);
        World::from_jsonl(&[app, group, &message].join("\n"))
    };
    for seq in [u64::MAX, u64::MAX - 1, MAX_SEQ + 1] {
        let error = world(seq).expect_err("no numbers are left").to_string();
        assert!(
            error.contains("line 3") && error.contains(&seq.to_string()),
            "{error}"
        );
    }
    let mut world = world(MAX_SEQ).expect("a world");
    for _ in 0..10 {
        world
            .add_message("g", "", "a", None)
            .expect("a number is left");
    }
}

#[test]
fn the_sample_world_matches_the_sample_spam_wave() {
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut world = World::load(&samples.join("world.toml")).expect("the sample");
    let mut codes = HashMap::new();
    let wave = std::fs::read_to_string(samples.join("spam-wave.jsonl")).expect("the wave");
    for line in wave.lines() {
        let Ok(row) = serde_json::from_str::<HashMap<String, serde_json::Value>>(line) else {
            continue;
        };
        let id = |name: &str| match row.get(name) {
            Some(serde_json::Value::String(id)) => id.clone(),
            Some(serde_json::Value::Number(id)) => id.to_string(),
            _ => String::new(),
        };
        let code = recall(&mut world, &id("group"), &id("sender"), &id("topic"));
        *codes.entry(code).or_insert(0) += 1;
    }
    // All rows succeed except those of the dismissed group.
    assert!(codes[&0] > 30 && codes[&10010] == 2, "{codes:?}");
    assert_eq!(codes.len(), 2, "{codes:?}");
    let script = super::super::script::Script::load(&samples.join("incident.toml"));
    assert!(script.is_ok());
}

fn messages<'a>(world: &'a World, group: &str) -> Vec<MessageSeen<'a>> {
    (0..)
        .map_while(|index| world.message(group, "", index))
        .collect()
}

/// A step: messages from a sender arrive in a room, or the sender is recalled there.
fn step() -> impl Strategy<Value = (bool, usize, usize, usize)> {
    (
        prop::bool::weighted(0.3),
        0..2_usize,
        0..4_usize,
        1..600_usize,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_recall_takes_exactly_the_senders_messages_among_the_last_1000(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let groups = ["public", "@TGS#_c"];
        let senders = ["spam", "leckie", "quiet", "late"];
        let mut world = world();
        // The model keeps every message, as (sender, recalled).
        let mut model: HashMap<&str, Vec<(&str, bool)>> = HashMap::new();
        for group in groups {
            let messages = self::messages(&world, group);
            let older = if group == "public" { 8 } else { 0 };
            let all: Vec<_> = messages
                .iter()
                .map(|message| senders.iter().find(|id| **id == message.sender).expect("known"))
                .map(|sender| (*sender, false))
                .collect();
            let all = std::iter::repeat_n(("spam", false), older).chain(all).collect();
            model.insert(group, all);
        }
        for (recalls, group, sender, count) in steps {
            let (group, sender) = (groups[group], senders[sender]);
            let messages = model.get_mut(group).expect("the group");
            if recalls {
                let known = sender != "late" || world.account_of.contains_key("late");
                let code = recall(&mut world, group, sender, "");
                prop_assert_eq!(code, if known { 0 } else { 70107 });
                let reach = messages.len().saturating_sub(1000);
                for message in &mut messages[reach..] {
                    message.1 |= message.0 == sender;
                }
            } else {
                for _ in 0..count {
                    world.add_message(group, "", sender, None).expect("a group");
                    messages.push((sender, false));
                }
            }
        }
        for (group, messages) in &model {
            let written: HashSet<&str> = messages.iter().map(|message| message.0).collect();
            for sender in written {
                let of = |messages: &[(&str, bool)], recalled: bool| {
                    let of = messages.iter().filter(|&&message| message == (sender, recalled));
                    of.count() as u64
                };
                let (gone, left) = (of(messages, true), of(messages, false));
                let reach = of(&messages[messages.len().saturating_sub(1000)..], false);
                prop_assert_eq!(
                    tally(&world, key(group, sender, "")),
                    [gone + left, gone, left, reach]
                );
            }
            let last: Vec<bool> = self::messages(&world, group).iter().map(|m| m.recalled).collect();
            let expected: Vec<bool> = messages[messages.len().saturating_sub(1000)..].iter().map(|m| m.1).collect();
            prop_assert_eq!(last, expected);
        }
    }
}
