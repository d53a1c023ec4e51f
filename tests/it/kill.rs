//! `kill -9` at any moment: no row is lost, and few are called twice.
//!
//! `RECALL_KILLS=1000 cargo test --test it kill -- --nocapture` does a long run;
//! `RECALL_SEED=7` repeats the kill times of an earlier one.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::stage::{Entry, Ledger, Place, mock, row_calls};

/// The number of kills, unless `RECALL_KILLS` is set.
const KILLS: u64 = 25;
/// Kills per ledger. With a longer ledger, every kill would hit while it is still being read.
const ROUND: u64 = 25;
const CONCURRENCY: u64 = 20;
/// Rows added whenever a run finishes before it is killed.
const MORE_ROWS: u64 = 2_000;
/// The latest time of a kill, in milliseconds from the start of the process.
const LATEST_KILL: u64 = 400;

/// The counts of one or more rounds.
#[derive(Debug, Default)]
struct Figures {
    kills: u64,
    rows: u64,
    calls: u64,
    /// Successful calls for rows that had already been recalled.
    twice: u64,
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// Appends [`MORE_ROWS`] rows to the input. It has a bad row at its start and a duplicate of every
/// tenth row.
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

/// The complete lines of a ledger.
fn whole(text: &str) -> &str {
    &text[..text.rfind('\n').map_or(0, |end| end + 1)]
}

/// Runs rounds of kills until there were enough, with these faults of the service, and prints the
/// counts.
fn check_kills(faults: &[&str]) {
    let wanted = setting("RECALL_KILLS").unwrap_or(KILLS);
    let seed = setting("RECALL_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    print_figures(&format!("RECALL_SEED={seed}"));
    let mut rng = Rng::with_seed(seed);
    let started = Instant::now();
    let mut all = Figures::default();
    while all.kills < wanted {
        let round = kill_round(ROUND.min(wanted - all.kills), faults, &mut rng);
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
    let limit = CONCURRENCY * kills;
    print_figures(&format!(
        "{kills} kills in {seconds} s: {rows} rows, 0 lost, {calls} calls, {twice} of them for rows \
         done before (at most {CONCURRENCY} a kill, {limit} in all)"
    ));
}

/// Kills runs of one ledger at random times, then lets one finish and checks its results.
fn kill_round(wanted: u64, faults: &[&str], rng: &mut Rng) -> Figures {
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
        let moment = Instant::now() + Duration::from_millis(rng.u64(1..LATEST_KILL));
        let mut running = run().start();
        while Instant::now() < moment && !running.has_ended() {
            thread::sleep(Duration::from_millis(1));
        }
        if running.has_ended() {
            running.finish().exits(3);
            grow(&place, &mut rows);
        } else {
            // Dropping it kills it.
            drop(running);
            kills += 1;
        }
        let after = std::fs::read_to_string(place.path("rows.ledger.jsonl")).unwrap_or_default();
        // A ledger without entries may be started again.
        let kept = whole(&before);
        let lost = kept.lines().count() > 1 && !after.starts_with(kept);
        assert!(!lost, "entries are lost");
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
    assert_eq!(
        lines.len() as u64,
        rows + 1,
        "one line for each row and one for the bad row"
    );
    let recalled = |entry: &&Entry| entry.outcome == "recalled";
    assert_eq!(ledger.entries.iter().filter(recalled).count() as u64, rows);

    let seen = row_calls(mock.address());
    assert_eq!(
        seen.len() as u64,
        rows,
        "each row of the input should be called, and no other"
    );
    assert!(
        seen.iter().all(|row| row.ok >= 1),
        "a row has a line but no successful call"
    );
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

#[expect(
    clippy::print_stderr,
    reason = "the figures are for the person who runs the test"
)]
fn print_figures(figures: &str) {
    eprintln!("{figures}");
}

#[test]
fn a_run_killed_at_any_moment_loses_no_row_and_repeats_few() {
    check_kills(&[]);
}

#[test]
fn a_run_with_retries_killed_at_any_moment_loses_no_row_and_repeats_few() {
    check_kills(&["10002=5%", "60008=2%"]);
}
