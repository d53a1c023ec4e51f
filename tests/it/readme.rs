//! Every command of the README, run as it stands there, in the order in which it stands there.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use crate::stage::{Place, Running, mock, rows};

const README: &str = include_str!("../../README.md");

/// How each ends; the sample has a bad row. Commands of cargo are CI's to run, but for the binary's.
const ENDS: [(&str, i32); 8] = [
    ("run samples/spam-wave.csv --mock", 3),
    ("run rows.csv --dry-run", 0),
    ("run rows.csv --limit 10", 0),
    ("run rows.csv --resume", 0),
    ("replay samples/spam-wave.mock.ledger.jsonl --mock", 0),
    (
        "export samples/spam-wave.mock.ledger.jsonl --outcome failed --format csv",
        0,
    ),
    ("explain 10007", 0),
    // Until it is interrupted.
    (
        "mock --listen 127.0.0.1:8086 --latency 20ms..80ms --fail 10002=5% --cap 200",
        0,
    ),
];

/// The words behind `recall` of every command, without comments.
fn commands() -> Vec<&'static str> {
    let mut commands = Vec::new();
    let mut shell = false;
    for line in README.lines() {
        if line.starts_with("```") {
            shell = line == "```sh";
        } else if shell {
            let command = line.split(" #").next().unwrap().trim();
            let words = command.strip_prefix("recall ");
            commands.extend(words.or(command.strip_prefix("cargo run --release -- ")));
        }
    }
    commands
}

fn copy_samples(to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/samples")).unwrap() {
        let file = file.unwrap();
        // What a rehearsal left beside the samples is none of them.
        if !file.file_name().to_string_lossy().contains(".mock.") {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    let service = mock("0ms", &[]);
    let place = Place::with_rows(rows(30));
    copy_samples(&place.path("samples"));
    let mut left: Vec<_> = ENDS.to_vec();
    for command in commands() {
        let known = left.iter().position(|(known, _)| *known == command);
        let known = known.unwrap_or_else(|| panic!("what does it do? recall {command}"));
        let (_, code) = left.remove(known);
        let words = command.replace("127.0.0.1:8086", "127.0.0.1:0");
        let recall = place
            .recall(words.split(' '))
            .with_secret_key()
            .env("RECALL_ENDPOINT", format!("http://{}", service.address()));
        if command.starts_with("mock") {
            let running: Running = recall.start();
            running.until_it_prints("Stop it with Ctrl-C");
            running.signal(Signal::INT);
            running.finish().exits(code);
        } else {
            recall.finish().exits(code);
        }
    }
    assert_eq!(left, [], "the README no longer says how to do this");
    assert_eq!(place.ledger().senders().len(), 30);
}

#[test]
fn the_ledger_of_the_readme_can_be_read() {
    let block = README.split("```json\n").nth(1).unwrap();
    let place = Place::new();
    place.write("rows.ledger.jsonl", block.split("```").next().unwrap());
    let export = place
        .recall(["export", "rows.ledger.jsonl"])
        .finish()
        .exits(0);
    assert!(
        export
            .stdout
            .contains("17,@TGS#2C5SZEAEF,leckie,,recalled,0,,2,"),
        "{}",
        export.stdout
    );
}
