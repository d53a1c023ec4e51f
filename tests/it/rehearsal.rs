//! Rehearsals: compare the mock's world before and after a run.

use std::collections::BTreeMap;

use recall_worker::mock::{KeyFilter, List, Mock, Options, World};
use serde::Deserialize;

use crate::stage::{Place, rows, wait_until};

type Row = (String, String, String);

/// The state of a sender's messages in a group or topic.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Tally {
    group: String,
    sender: String,
    topic: String,
    sent: u64,
    recalled: u64,
    left: u64,
    within_reach: u64,
}

fn world_of(mock: &Mock) -> BTreeMap<Row, Tally> {
    let lines = mock.list(List::World(KeyFilter::default()));
    let tallies = lines.lines().map(|line| {
        let tally: Tally = serde_json::from_str(line).unwrap();
        let row = (
            tally.group.clone(),
            tally.sender.clone(),
            tally.topic.clone(),
        );
        (row, tally)
    });
    tallies.collect()
}

fn sample(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("samples")
        .join(name)
}

fn start(options: Options) -> Mock {
    Mock::start(options).unwrap()
}

/// Runs the sample's spam wave. Returns the rows that the ledger records as recalled.
fn clean_up(place: &Place, mock: &Mock) -> Vec<Row> {
    let run = place.run("rows.csv").on(mock.address()).with_secret_key();
    // The sample has a bad row, and two rows of a dismissed group.
    run.finish().exits(3);
    let recalled = place.ledger().entries.into_iter();
    recalled
        .filter(|entry| entry.outcome == "recalled")
        .map(|entry| (entry.group, entry.sender, entry.topic))
        .collect()
}

fn spam_wave() -> Place {
    Place::with_rows(std::fs::read(sample("spam-wave.csv")).unwrap())
}

/// Fails unless the reachable messages of these rows are gone and everything else is unchanged.
fn assert_clean(before: &BTreeMap<Row, Tally>, after: &BTreeMap<Row, Tally>, rows: &[Row]) {
    assert!(rows.iter().all(|row| before.contains_key(row)));
    for (row, was) in before {
        // In the live room a recall does nothing.
        let gone = rows.contains(row) && row.0 != "@TGS#2J4SZEAEL";
        let expected = Tally {
            recalled: if gone { was.within_reach } else { 0 },
            left: was.left - if gone { was.within_reach } else { 0 },
            within_reach: if gone { 0 } else { was.within_reach },
            ..was.clone()
        };
        assert_eq!(after[row], expected);
    }
    assert_eq!(after.len(), before.len());
}

#[test]
fn a_cleanup_removes_the_spam_and_nothing_else() {
    let mock = start(Options {
        world: Some(World::load(&sample("world.toml")).unwrap()),
        ..Options::default()
    });
    let (place, before) = (spam_wave(), world_of(&mock));
    let rows = clean_up(&place, &mock);
    let after = world_of(&mock);
    assert_clean(&before, &after, &rows);
    // Make sure the sample covers the cases: spam that was recalled, spam out of reach, and spam in
    // the live room.
    let luna = |world: &BTreeMap<Row, Tally>| {
        let row = ("@TGS#2C5SZEAEF", "Luna Bargains", "");
        world[&(row.0.into(), row.1.into(), row.2.into())].clone()
    };
    assert_eq!((luna(&before).sent, luna(&before).within_reach), (70, 50));
    assert_eq!((luna(&after).recalled, luna(&after).left), (50, 20));
    assert!(rows.iter().any(|row| row.0 == "@TGS#2J4SZEAEL"));
    let sum: u64 = after.values().map(|tally| tally.recalled).sum();
    assert_eq!(mock.seen().world.unwrap().recalled, sum);
}

#[test]
fn faults_do_not_change_what_a_cleanup_removes() {
    let faults = ["10002=8%", "502=4%", "reset=8%", "wrong=8%"];
    let mock = start(Options {
        world: Some(World::load(&sample("world.toml")).unwrap()),
        faults: faults.map(|fault| fault.parse().unwrap()).to_vec(),
        // So that each row gets the same faults every time this test runs.
        count_rows: true,
        ..Options::default()
    });
    let (place, before) = (spam_wave(), world_of(&mock));
    let rows = clean_up(&place, &mock);
    assert_eq!(mock.seen().faults.len(), 3, "{:?}", mock.seen().faults);
    assert_clean(&before, &world_of(&mock), &rows);
}

#[test]
fn new_messages_push_old_ones_out_of_reach() {
    let busy = r#"
        app = { sdkappid = 1400000000, admins = ["administrator"] }
        [[group]]
        id = "@TGS#1"
        type = "Public"
        members = ["member"]
        messages = [{ senders = ["u0"], count = 900 }]
    "#;
    let mock = start(Options {
        world: Some(World::from_toml(busy).unwrap()),
        traffic: 20_000.0,
        ..Options::default()
    });
    // After a tenth of a second, no old message is within reach.
    wait_until("traffic", || mock.seen().world.unwrap().messages >= 2000);
    let place = Place::with_rows(rows(1));
    place.run("rows.csv").on(mock.address()).finish().exits(0);
    assert_eq!(place.ledger().entry_of("u0").outcome, "recalled");
    let spam = &world_of(&mock)[&("@TGS#1".into(), "u0".into(), String::new())];
    assert_eq!((spam.sent, spam.recalled, spam.left), (900, 0, 900));
}

#[test]
fn without_a_world_file_the_mock_makes_one_up_and_can_list_it() {
    let mock = start(Options {
        count_rows: true,
        faults: vec!["70107=30%/sender".parse().unwrap()],
        ..Options::default()
    });
    let place = Place::with_rows(rows(50));
    let run = place.run("rows.csv").on(mock.address());
    run.with(["--max-failures", "none"]).finish().exits(3);
    let (ledger, after) = (place.ledger(), world_of(&mock));
    assert_eq!(after.len(), 50);
    for ((_, sender, _), tally) in after {
        let recalled = ledger.entry_of(&sender).outcome == "recalled";
        assert_eq!(
            ledger.entry_of(&sender).code,
            if recalled { 0 } else { 70107 }
        );
        if recalled {
            assert_eq!(tally.within_reach, 0);
        } else {
            assert_eq!(tally.recalled, 0);
        }
        assert_eq!(tally.sent, tally.recalled + tally.left);
    }
    let recalled = ledger.outcomes()["recalled"];
    assert!((20..50).contains(&recalled), "{recalled}");
}
