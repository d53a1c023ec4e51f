//! Runs every command of the README as written, in the order of the README.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use crate::stage::{Finished, Place, Running, get, mock, rows};

const README: &str = include_str!("../../README.md");

/// Each command with its exit code. The sample has a bad row, and in both rehearsals some rows
/// fail. The cargo commands are left to CI.
const ENDS: &[(&str, i32)] = &[
    (
        "run samples/spam-wave.csv --mock --mock-fail 70107=10%/row",
        3,
    ),
    ("usersig mint --expire 2h", 0),
    ("usersig show", 0),
    ("check rows.csv", 0),
    ("check rows.csv --online", 0),
    ("run rows.csv --dry-run", 0),
    ("run rows.csv --preflight --limit 10", 0),
    ("run rows.csv --preflight --resume", 0),
    ("completions bash", 0),
    ("man run", 0),
    ("explain 10007", 0),
    ("replay samples/spam-wave.mock.ledger.jsonl --mock", 0),
    (
        "export samples/spam-wave.mock.ledger.jsonl --outcome failed --format csv",
        0,
    ),
    ("report samples/spam-wave.mock.ledger.jsonl", 0),
    (
        "report samples/spam-wave.mock.ledger.jsonl --html report.html",
        0,
    ),
    ("report samples/spam-wave.mock.ledger.jsonl --json", 0),
    (
        "mock --listen 127.0.0.1:8086 --world samples/world.toml \
         --script samples/incident.toml --traffic 5 --details",
        0,
    ),
    (
        "check samples/dashboard.csv --encoding gb18030 \
         --columns group=房间,sender=账号,topic=话题",
        3,
    ),
    (
        "run samples/dashboard.csv --encoding gb18030 \
         --columns group=房间,sender=账号,topic=话题 --strict --preflight --rate 5 \
         --ledger incident.ledger.jsonl --yes --limit 5",
        3,
    ),
    (
        "run samples/dashboard.csv --encoding gb18030 \
         --columns group=房间,sender=账号,topic=话题 --strict --preflight --rate 5 \
         --ledger incident.ledger.jsonl --yes --resume",
        3,
    ),
    ("replay incident.ledger.jsonl", 3),
    ("report incident.ledger.jsonl --html incident.html", 0),
    (
        "mock --listen 127.0.0.1:8086 --latency 20ms..80ms --fail 10002=5% \
         --fail 10010=2%/group --cap 200",
        0,
    ),
];

/// The lines of all shell blocks, without comments.
fn lines() -> Vec<&'static str> {
    let mut lines = Vec::new();
    let mut shell = false;
    for line in README.lines() {
        if line.starts_with("```") {
            shell = line == "```sh";
        } else if shell {
            lines.push(line.split(" #").next().unwrap().trim());
        }
    }
    lines
}

fn copy_samples(to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/samples")).unwrap() {
        let file = file.unwrap();
        // Skip the files that a rehearsal left next to the samples.
        if !file.file_name().to_string_lossy().contains(".mock.") {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

/// A minimal shell for the README's commands.
struct Shell {
    place: Place,
    exported: Vec<(&'static str, String)>,
    mock: Option<(Running, String)>,
    codes: Vec<(&'static str, i32)>,
    /// The answers of `/mock/world`.
    worlds: Vec<String>,
}

impl Shell {
    fn type_in(&mut self, line: &'static str) {
        if let Some((name, value)) = line
            .strip_prefix("export ")
            .and_then(|set| set.split_once('='))
        {
            // Skip placeholders, and the region, which would mean the real service.
            if !value.contains('…') && name != "RECALL_REGION" {
                let value = value.replace("127.0.0.1:8086", self.address());
                self.exported.push((name, value));
            }
        } else if let Some(url) = line.strip_prefix("curl -s 'http://127.0.0.1:8086") {
            let url = url.trim_end_matches('\'');
            let answer = get(self.address().parse().unwrap(), url);
            assert!(answer.contains("user_439563"), "{line}: {answer}");
            self.worlds.push(answer);
        } else if let Some(words) = line
            .strip_prefix("recall ")
            .or(line.strip_prefix("cargo run --release -- "))
        {
            self.recall(words);
        } else {
            // Building, testing and measuring are not run here.
            let others = ["cargo test", "cargo build --release", "python3 benches/"];
            assert!(
                others.iter().any(|other| line.starts_with(other)),
                "unknown command: {line}"
            );
        }
    }

    /// The address of the mock in the other terminal.
    fn address(&self) -> &str {
        self.mock.as_ref().map_or("", |(_, address)| address)
    }

    fn recall(&mut self, command: &'static str) {
        let known = self.codes.iter().position(|(known, _)| *known == command);
        let known = known.unwrap_or_else(|| panic!("no exit code listed for: recall {command}"));
        let (_, code) = self.codes.remove(known);
        if command.starts_with("mock") {
            self.stop_mock();
            let words = command.replace(":8086", ":0");
            let running = self.place.recall(words.split(' ')).start();
            let banner = running.wait_until_it_prints("Stop it with Ctrl-C");
            let address = banner
                .split("http://")
                .nth(1)
                .unwrap()
                .lines()
                .next()
                .unwrap();
            self.mock = Some((running, address.to_owned()));
            return;
        }
        let recall = self.place.recall(command.split(' ')).with_secret_key();
        let exported = self.exported.iter();
        let done = exported
            .fold(recall, |recall, (name, value)| recall.env(name, value))
            .finish()
            .exits(code);
        if command.starts_with("usersig mint") {
            self.exported
                .push(("RECALL_USERSIG", done.stdout.trim().to_owned()));
        } else if command.starts_with("check samples/dashboard.csv") {
            assert!(README.contains(&done.stdout), "{}", done.stdout);
        } else if command.starts_with("run samples/dashboard.csv") && command.ends_with("--resume")
        {
            assert_shown(&done);
        } else if command.starts_with("replay") {
            done.never_says("Nothing to do");
        } else if command.starts_with("export") {
            assert!(done.stdout.contains(",failed,70107,"), "{}", done.stdout);
        }
    }

    fn stop_mock(&mut self) {
        if let Some((mock, _)) = self.mock.take() {
            mock.signal(Signal::INT);
            mock.finish().exits(0);
        }
    }
}

/// Fails unless the README shows this output, apart from what varies between runs: the duration,
/// and how many rows needed another call.
#[track_caller]
fn assert_shown(incident: &Finished) {
    let mut blocks = README.split("```console\n");
    let block = blocks.find(|block| block.starts_with("7 groups looked up"));
    let (block, _) = block.unwrap().split_once("```").unwrap();
    let varies = "of them at the second call or later";
    for line in block.lines() {
        let line = if line.contains(varies) {
            varies
        } else {
            line.split(" recalled in ").next().unwrap()
        };
        assert!(
            incident.stderr.contains(line),
            "{line:?} is not in\n{}",
            incident.stderr
        );
    }
}

#[test]
fn the_commands_in_the_readme_work_as_described() {
    let service = mock("0ms", &[]);
    let place = Place::with_rows(rows(30));
    copy_samples(&place.path("samples"));
    let mut shell = Shell {
        place,
        exported: vec![("RECALL_ENDPOINT", format!("http://{}", service.address()))],
        mock: None,
        codes: ENDS.to_vec(),
        worlds: Vec::new(),
    };
    lines()
        .into_iter()
        .filter(|line| !line.is_empty())
        .for_each(|line| shell.type_in(line));
    shell.stop_mock();
    assert_eq!(
        shell.codes,
        [],
        "these commands are no longer in the README"
    );
    assert_eq!(shell.place.ledger().senders().len(), 30);
    let rehearsed = shell.place.ledger_named("incident.ledger.jsonl");
    let failed = rehearsed
        .entries
        .iter()
        .filter(|entry| entry.sender == "user_661913");
    assert!(failed.clone().count() > 0 && failed.clone().all(|entry| entry.outcome == "failed"));
    let recalled = |world: &String| !world.contains(r#""recalled":0,"#);
    let worlds: Vec<_> = shell.worlds.iter().map(recalled).collect();
    assert_eq!(worlds, [false, true], "{:?}", shell.worlds);
}

#[test]
fn the_ledger_in_the_readme_can_be_read() {
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
