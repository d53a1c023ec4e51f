//! `kill -9` at any moment: nothing is lost, and little is done twice.
//!
//! `RECALL_KILLS=1000 cargo test --test it kill -- --nocapture` for a long run;
//! `RECALL_SEED=7` repeats the moments of another.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::stage::{Entry, Ledger, Place, mock, row_calls};

/// Kills, unless `RECALL_KILLS` says otherwise.
const KILLS: u64 = 25;
/// Kills in a row of the same ledger. Of a longer one only the reading would be killed.
const ROUND: u64 = 25;
const CONCURRENCY: u64 = 20;
/// Whenever a run gets through before it is killed, there are so many more rows.
const MORE_ROWS: u64 = 2_000;
/// The latest moment of a kill, from the start of the process.
const LATEST: u64 = 400;

/// What was counted.
#[derive(Debug, Default)]
struct Figures {
    kills: u64,
    rows: u64,
    calls: u64,
    /// Calls that did what had been done before.
    twice: u64,
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// An input that grows, with a bad row at its start and a duplicate of every tenth row.
fn grow(place: &Place, rows: &mut u64) {
    let path = place.path("rows.csv");
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    let mut text = String::new();
    if *rows == 0 {
        text += "group,sender\n@TGS#1,\n";
    }
    for row in *rows..*rows + MORE_ROWS {
        let line = format!("@TGS#1,u{row}\n");
        text += &line.repeat(if row % 10 == 0 { 2 } else { 1 });
    }
    file.write_all(text.as_bytes()).unwrap();
    *rows += MORE_ROWS;
}

/// What of a ledger has been written for good: its whole lines.
fn whole(text: &str) -> &str {
    &text[..text.rfind('\n').map_or(0, |end| end + 1)]
}

/// Kills runs at random moments, then lets one get through, until there were enough kills. With
/// these faults of the service.
fn survives_kills(faults: &[&str]) {
    let wanted = setting("RECALL_KILLS").unwrap_or(KILLS);
    let seed = setting("RECALL_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    tell(&format!("RECALL_SEED={seed}"));
    let mut rng = Rng::with_seed(seed);
    let started = Instant::now();
    let mut all = Figures::default();
    while all.kills < wanted {
        let round = survive(ROUND.min(wanted - all.kills), faults, &mut rng);
        all.kills += round.kills;
        all.rows += round.rows;
        all.calls += round.calls;
        all.twice += round.twice;
    }
    let Figures {
        kills,
        rows,
        calls,
        twice,
    } = all;
    let seconds = started.elapsed().as_secs();
    let most = CONCURRENCY * kills;
    tell(&format!(
        "{kills} kills in {seconds} s: {rows} rows, 0 lost, {calls} calls, {twice} of them for rows \
         done before (at most {CONCURRENCY} a kill, {most} in all)"
    ));
}

fn survive(wanted: u64, faults: &[&str], rng: &mut Rng) -> Figures {
    let mock = mock("2ms..12ms", faults);
    let place = Place::new();
    let run = || {
        let run = place.run("rows.csv").on(mock.address()).with(["--resume"]);
        run.with(["--concurrency", &CONCURRENCY.to_string()])
    };
    let mut before = String::new();
    let (mut rows, mut kills) = (0, 0);
    grow(&place, &mut rows);
    while kills < wanted {
        let moment = Instant::now() + Duration::from_millis(rng.u64(1..LATEST));
        let mut running = run().start();
        while Instant::now() < moment && !running.has_ended() {
            thread::sleep(Duration::from_millis(1));
        }
        if running.has_ended() {
            running.finish().exits(3);
            grow(&place, &mut rows);
        } else {
            // Dropped is killed.
            drop(running);
            kills += 1;
        }
        let after = std::fs::read_to_string(place.path("rows.ledger.jsonl")).unwrap_or_default();
        // One in which no row is recorded yet may be begun anew.
        let kept = whole(&before);
        let lost = kept.lines().count() > 1 && !after.starts_with(kept);
        assert!(!lost, "what was written is lost");
        before = after;
    }
    let done = run().finish().exits(3);
    assert_eq!(
        [done.count("distinct"), done.count("duplicates")],
        [rows, rows / 10]
    );
    assert_eq!([done.count("pending"), done.count("failed")], [0, 0]);

    let ledger = Ledger::parse(&place.read("rows.ledger.jsonl"));
    let mut lines: HashMap<&str, Vec<&Entry>> = HashMap::new();
    for entry in &ledger.entries {
        lines.entry(&entry.sender).or_default().push(entry);
    }
    let lost = (0..rows)
        .filter(|row| !lines.contains_key(&*format!("u{row}")))
        .count();
    assert_eq!(lost, 0, "rows without a line");
    assert!(
        lines.values().all(|lines| lines.len() == 1),
        "rows with two lines"
    );
    assert_eq!(lines.len() as u64, rows + 1, "the bad row has one too");
    let recalled = |entry: &&Entry| entry.outcome == "recalled";
    assert_eq!(ledger.entries.iter().filter(recalled).count() as u64, rows);

    let seen = row_calls(mock.address());
    assert_eq!(
        seen.len() as u64,
        rows,
        "no row but those of the input was called"
    );
    assert!(seen.iter().all(|row| row.ok >= 1), "a line without a call");
    let landed: u64 = seen.iter().map(|row| row.ok).sum();
    let twice = landed - rows;
    let calls: u64 = seen.iter().map(|row| row.calls).sum();
    if faults.is_empty() {
        assert_eq!(calls, landed);
    }
    assert!(twice <= CONCURRENCY * kills, "{twice} rows done twice");
    Figures {
        kills,
        rows,
        calls,
        twice,
    }
}

#[expect(clippy::print_stderr, reason = "the figures are for whoever runs it")]
fn tell(figures: &str) {
    eprintln!("{figures}");
}

#[test]
fn killed_at_any_moment_a_run_loses_nothing_and_does_little_twice() {
    survives_kills(&[]);
}

#[test]
fn killed_at_any_moment_a_run_with_retries_loses_nothing_and_does_little_twice() {
    survives_kills(&["10002=5%", "60008=2%"]);
}
