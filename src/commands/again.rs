//! What to type next: commands made of this process's own words, to be copied.

use std::ffi::{OsStr, OsString};
use std::iter;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::shell::{quoted, quoted_file};

/// This process's command line, to be typed again, with one more flag where it is not there yet.
pub(super) fn this_command(and: Option<&str>) -> String {
    // Without the name of the binary.
    typed_again(std::env::args_os().skip(1).map(quoted), and)
}

/// The command that goes on with a run of these inputs. Alone it would read rows from the keyboard,
/// where they came through a pipe.
pub(super) fn run_again(inputs: &[PathBuf]) -> String {
    let command = this_command(Some("--resume"));
    if inputs.iter().any(|input| input == Path::new("-")) {
        return format!("pipe the same rows in again: … | {command}");
    }
    command
}

fn typed_again(words: impl Iterator<Item = String>, and: Option<&str>) -> String {
    let mut words: Vec<_> = iter::once("recall".to_owned()).chain(words).collect();
    let is_there = |flag: &&str| before_inputs(words.iter()).any(|word| word == *flag);
    if let Some(flag) = and.filter(|flag| !is_there(flag)) {
        // Right behind the name of the command.
        words.insert(2, flag.to_owned());
    }
    words.join(" ")
}

/// The words up to `--`, behind which every word is an input.
fn before_inputs<W: AsRef<OsStr>>(words: impl Iterator<Item = W>) -> impl Iterator<Item = W> {
    words.take_while(|word| word.as_ref() != "--")
}

/// The command that sends the failed rows of this run's ledger again, with those of this run's
/// flags that a replay has too: where the service is, who calls, how fast.
pub(super) fn replay(ledger: &Path) -> String {
    // Without the names of the binary and of the command.
    let words = std::env::args_os().skip(2);
    replay_after(words, ledger)
}

fn replay_after(words: impl Iterator<Item = OsString>, ledger: &Path) -> String {
    let mut words = before_inputs(words);
    let cli = Cli::command();
    let flags_of = |name| {
        let command = cli.find_subcommand(name).expect("a command of ours");
        command.get_arguments().collect::<Vec<_>>()
    };
    let (run, replay) = (flags_of("run"), flags_of("replay"));
    let mut kept = vec![
        "recall".to_owned(),
        "replay".to_owned(),
        quoted_file(ledger),
    ];
    while let Some(word) = words.next() {
        // The names of flags are ASCII, their values are whatever they are.
        let text = word.to_string_lossy();
        let name = text.split('=').next().unwrap_or_default();
        let is_it = |flag: &&&clap::Arg| {
            let long = flag.get_long().map(|long| format!("--{long}"));
            let short = flag.get_short().map(|short| format!("-{short}"));
            [long, short].iter().flatten().any(|known| known == name)
        };
        // Whatever is no flag is the input.
        let Some(flag) = run.iter().find(is_it) else {
            continue;
        };
        let value = if flag.get_action().takes_values() && name == text {
            words.next()
        } else {
            None
        };
        if replay.iter().any(|flag| is_it(&flag)) {
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
    fn the_flag_stands_where_it_is_no_input() {
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
    fn an_input_is_not_taken_for_a_flag() {
        assert_eq!(
            replay(&["--mock", "--", "--rate", "-y"]),
            "recall replay 'my rows.ledger.jsonl' --mock"
        );
    }

    #[test]
    fn a_replay_goes_where_the_run_went_and_is_who_it_was() {
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
    fn a_rehearsal_is_replayed_as_one() {
        assert_eq!(
            replay(&["-", "--mock", "--mock-fail", "10010=5%"]),
            "recall replay 'my rows.ledger.jsonl' --mock --mock-fail 10010=5%"
        );
    }
}
