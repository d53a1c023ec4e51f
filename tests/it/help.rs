//! Help, completions and man pages: they are complete, and the short help fits a screen.

use std::collections::BTreeSet;
use std::process::Command;

use clap::{CommandFactory as _, ValueHint};
use recall_worker::cli::Cli;

use crate::stage::{Place, Running};

/// Each command, as a path of words, with its flags.
fn commands() -> Vec<(Vec<String>, Vec<String>)> {
    fn collect(
        command: &clap::Command,
        path: &[String],
        into: &mut Vec<(Vec<String>, Vec<String>)>,
    ) {
        for below in command.get_subcommands() {
            let mut path = path.to_vec();
            path.push(below.get_name().to_owned());
            let flags = below.get_arguments().filter_map(clap::Arg::get_long);
            into.push((
                path.clone(),
                flags.map(|flag| format!("--{flag}")).collect(),
            ));
            collect(below, &path, into);
        }
    }
    let mut commands = Vec::new();
    collect(&Cli::command(), &[], &mut commands);
    assert!(commands.len() > 10);
    commands
}

fn help(words: &[&str]) -> String {
    let place = Place::new();
    let help = place.recall(words).env("COLUMNS", "80");
    help.finish().exits(0).stdout
}

/// The flags at the start of a line, which the help explains there.
fn explained(help: &str) -> BTreeSet<&str> {
    let words = help.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        words.find(|word| !word.starts_with('-') || word.starts_with("--"))
    });
    words.filter(|word| word.starts_with("--")).collect()
}

#[test]
fn the_short_help_of_run_fits_a_screen_and_refers_to_the_long_one() {
    let short = help(&["run", "-h"]);
    assert!(short.lines().count() <= 55, "{short}");
    assert!(
        short.lines().all(|line| line.chars().count() <= 80),
        "{short}"
    );
    let headings = [
        "Rows:",
        "Service:",
        "Pace and patience:",
        "Results:",
        "Examples:",
    ];
    let places: Vec<_> = headings.iter().map(|heading| short.find(heading)).collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{short}"
    );
    assert!(
        short.contains("recall run --help has every flag"),
        "{short}"
    );
    let rare = ["--mock-fail", "--cacert", "--concurrency"];
    assert!(rare.iter().all(|flag| !short.contains(flag)), "{short}");
}

#[test]
fn the_long_help_explains_every_flag() {
    for (path, flags) in commands() {
        let mut words: Vec<_> = path.iter().map(String::as_str).collect();
        words.push("--help");
        let help = help(&words);
        let explained = explained(&help);
        for flag in flags {
            assert!(explained.contains(&*flag), "{flag} of {path:?}: {help}");
        }
    }
    let run = help(&["run", "--help"]);
    assert!(
        run.contains("Exit codes:") && run.contains("RECALL_MAX_OUTAGE"),
        "{run}"
    );
    assert!(run.lines().all(|line| line.chars().count() <= 80), "{run}");
}

#[test]
fn the_completions_of_each_shell_have_every_command_and_flag() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = place.recall(["completions", shell]).finish().exits(0);
        for (path, flags) in commands() {
            let name = path.last().unwrap();
            assert!(done.stdout.contains(name), "{shell}: {name}");
            for flag in flags {
                let flag = if shell == "fish" { &flag[2..] } else { &flag };
                assert!(done.stdout.contains(flag), "{shell}: {flag} of {path:?}");
            }
        }
    }
    place
        .recall(["completions", "dos"])
        .finish()
        .exits(2)
        .says("zsh");
}

/// The completions that bash offers for the last of these words.
fn completions(place: &Place, words: &[&str]) -> BTreeSet<String> {
    let script = "source recall.bash
        COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) COMP_LINE=\"$*\" COMP_POINT=${#COMP_LINE}
        complete=$(complete -p recall) && function=${complete#* -F } && function=${function%% *}
        \"$function\" recall \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("/bin/bash");
    bash.args(["--norc", "-c", script, "bash"]).args(words);
    let done = Running::spawn(bash.current_dir(place.path(""))).finish();
    done.stdout.lines().map(ToOwned::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let place = Place::new();
    let script = place.recall(["completions", "bash"]).finish().exits(0);
    place.write("recall.bash", &script.stdout);
    place.write("my rows.csv", "");
    let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    for (words, expected) in [
        (&["recall", "us"][..], set(&["usersig"])),
        (&["recall", "usersig", "m"], set(&["mint"])),
        (&["recall", "run", "--max-o"], set(&["--max-outage"])),
        (&["recall", "run", "--mock-f"], set(&["--mock-fail"])),
        (
            &["recall", "run", "--progress", ""],
            set(&["auto", "bar", "none", "plain"]),
        ),
        (&["recall", "export", "--format", "j"], set(&["jsonl"])),
        (
            &["recall", "run", "--config", "recall.b"],
            set(&["recall.bash"]),
        ),
        (&["recall", "run", "--ledger", "my"], set(&["my rows.csv"])),
        (
            &["recall", "run", "--region", "s"],
            set(&["seoul", "silicon-valley", "singapore"]),
        ),
    ] {
        let completions: BTreeSet<String> = completions(&place, words);
        assert_eq!(completions, expected, "{words:?}");
    }
}

#[test]
fn every_flag_that_takes_a_path_completes_as_one() {
    fn check(command: &clap::Command) {
        for arg in command.get_arguments() {
            let hint = match arg.get_value_names().and_then(|names| names.first()) {
                Some(name) if name == "FILE" || name == "INPUT" || name == "LEDGER" => {
                    ValueHint::FilePath
                }
                Some(name) if name == "DIR" => ValueHint::DirPath,
                _ => ValueHint::Unknown,
            };
            let (command, arg_id) = (command.get_name(), arg.get_id());
            assert_eq!(arg.get_value_hint(), hint, "{command} {arg_id}");
        }
        command.get_subcommands().for_each(check);
    }
    check(&Cli::command());
}

#[test]
fn every_command_has_a_man_page_with_every_flag() {
    let place = Place::new();
    place
        .recall(["man", "--out", "pages/man1"])
        .finish()
        .exits(0);
    let mut expected = vec!["recall.1".to_owned()];
    for (path, flags) in commands() {
        let file = format!("recall-{}.1", path.join("-"));
        let page = place.read(&format!("pages/man1/{file}"));
        let printed = place.recall(["man"]).with(&path).finish().exits(0).stdout;
        assert_eq!(printed, page);
        for flag in flags {
            // The flag is on one line, its description on the next.
            let name = format!("\\fB{}\\fR", flag.replace('-', "\\-"));
            let mut lines = page.lines().skip_while(|line| *line != ".TP");
            let explained = lines.any(|line| line.starts_with("\\fB") && line.contains(&name));
            assert!(explained, "{flag} is not in {file}");
            let words = lines.next().unwrap();
            assert!(
                !words.starts_with('.'),
                "{flag} has no description in {file}"
            );
        }
        expected.push(file);
    }
    let pages = std::fs::read_dir(place.path("pages/man1")).unwrap();
    let mut pages: Vec<_> = pages
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    expected.sort();
    assert_eq!(pages, expected);
    let main = place.recall(["man"]).finish().exits(0).stdout;
    assert_eq!(main, place.read("pages/man1/recall.1"));
    assert!(main.contains(r"recall\-run(1)"), "{main}");
    let run = place.recall(["man", "run"]).finish().exits(0).stdout;
    assert!(run.contains(".nf\nExamples:\n"), "{run}");
}

#[test]
fn an_unknown_man_page_is_refused_and_the_known_ones_are_listed() {
    let place = Place::with_rows("");
    let done = place.recall(["man", "rnu"]).finish().exits(2);
    done.says("rnu").says("run, replay");
    let done = place.recall(["man", "--out", "rows.csv"]).finish().exits(1);
    done.says("rows.csv");
}
