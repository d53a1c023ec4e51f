//! Commands to type next, built from this process's own command line, to be copied.

use std::ffi::{OsStr, OsString};
use std::iter;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::shell::{quoted, quoted_file};

/// Returns this process's command line, plus the flag `and` unless it is there already.
pub(super) fn this_command(and: Option<&str>) -> String {
    // Skips the name of the binary.
    typed_again(std::env::args_os().skip(1).map(quoted), and)
}

/// Returns the command that resumes a run of these inputs. If they came through a pipe, it says so:
/// the command alone would read rows from the keyboard.
pub(super) fn run_again(inputs: &[PathBuf]) -> String {
    let command = this_command(Some("--resume"));
    if inputs.iter().any(|input| input == Path::new("-")) {
        return format!("pipe the same rows in again: … | {command}");
    }
    command
}

fn typed_again(words: impl Iterator<Item = String>, and: Option<&str>) -> String {
    let mut words: Vec<_> = iter::once("recall".to_owned()).chain(words).collect();
    let is_present = |flag: &&str| before_inputs(words.iter()).any(|word| word == *flag);
    if let Some(flag) = and.filter(|flag| !is_present(flag)) {
        // Right after the name of the command.
        words.insert(2, flag.to_owned());
    }
    words.join(" ")
}

/// Returns the words before `--`; every word after it is an input.
fn before_inputs<W: AsRef<OsStr>>(words: impl Iterator<Item = W>) -> impl Iterator<Item = W> {
    words.take_while(|word| word.as_ref() != "--")
}

/// Returns the command that sends the failed rows of this run's ledger again. It keeps the flags
/// that `replay` has too, such as those for the service, the caller and the pace.
pub(super) fn replay(ledger: &Path) -> String {
    // Skips the names of the binary and of the command.
    let words = std::env::args_os().skip(2);
    replay_after(words, ledger)
}

fn replay_after(words: impl Iterator<Item = OsString>, ledger: &Path) -> String {
    let mut words = before_inputs(words);
    let cli = Cli::command();
    let flags_of = |name| {
        let command = cli.find_subcommand(name).expect("the command exists");
        command.get_arguments().collect::<Vec<_>>()
    };
    let (run, replay) = (flags_of("run"), flags_of("replay"));
    let mut kept = vec![
        "recall".to_owned(),
        "replay".to_owned(),
        quoted_file(ledger),
    ];
    while let Some(word) = words.next() {
        // Flag names are ASCII; values may be anything.
        let text = word.to_string_lossy();
        let name = text.split('=').next().unwrap_or_default();
        let matches = |flag: &&&clap::Arg| {
            let long = flag.get_long().map(|long| format!("--{long}"));
            let short = flag.get_short().map(|short| format!("-{short}"));
            [long, short].iter().flatten().any(|known| known == name)
        };
        // A word that is not a flag is an input.
        let Some(flag) = run.iter().find(matches) else {
            continue;
        };
        let value = if flag.get_action().takes_values() && name == text {
            words.next()
        } else {
            None
        };
        if replay.iter().any(|flag| matches(&flag)) {
            kept.push(quoted(&word));
            kept.extend(value.map(quoted));
        }
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay(words: &[&str]) -> String {
        let words = words.iter().map(OsString::from);
        replay_after(words, Path::new("my rows.ledger.jsonl"))
    }

    #[test]
    fn the_flag_is_inserted_before_any_inputs() {
        let again = |words: &[&str]| {
            let words = words.iter().map(ToString::to_string);
            typed_again(words, Some("--resume"))
        };
        assert_eq!(
            again(&["run", "--mock", "--", "rows.csv"]),
            "recall run --resume --mock -- rows.csv"
        );
        assert_eq!(
            again(&["run", "--", "--resume"]),
            "recall run --resume -- --resume"
        );
        assert_eq!(
            again(&["run", "rows.csv", "--resume"]),
            "recall run rows.csv --resume"
        );
    }

    #[test]
    fn an_input_after_two_dashes_is_not_taken_for_a_flag() {
        assert_eq!(
            replay(&["--mock", "--", "--rate", "-y"]),
            "recall replay 'my rows.ledger.jsonl' --mock"
        );
    }

    #[test]
    fn a_replay_keeps_the_service_the_caller_and_the_pace_of_the_run() {
        let kept = [
            "--region=tokyo",
            "--config",
            "my apps.toml",
            "--profile",
            "game",
            "--rate",
            "50",
            "-y",
        ];
        let dropped = [
            "rows.csv",
            "--ledger",
            "my rows.ledger.jsonl",
            "--limit=10",
            "--resume",
            "--columns",
            "group=--rate,sender=2",
            "--no-header",
        ];
        let words: Vec<_> = dropped.into_iter().chain(kept).collect();
        assert_eq!(
            replay(&words),
            "recall replay 'my rows.ledger.jsonl' \
             --region=tokyo --config 'my apps.toml' --profile game --rate 50 -y"
        );
    }

    #[test]
    fn a_rehearsal_is_replayed_against_the_mock() {
        assert_eq!(
            replay(&["-", "--mock", "--mock-fail", "10010=5%"]),
            "recall replay 'my rows.ledger.jsonl' --mock --mock-fail 10010=5%"
        );
    }
}
