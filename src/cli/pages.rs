//! The flags of `recall completions` and `recall man`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use clap_complete::Shell;

/// `recall completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(recall completions bash)                in this shell
  recall completions zsh > ~/.zfunc/_recall        a folder of your fpath
  recall completions fish > ~/.config/fish/completions/recall.fish
  recall completions bash > ~/.local/share/bash-completion/completions/recall")]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// `recall man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  recall man run | man -l -                        read a page
  recall man --out ~/.local/share/man/man1         then: man recall-run")]
pub struct ManArgs {
    /// The command to document [default: recall itself]
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    pub command: Vec<String>,
    /// Write all pages into this folder instead
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
}
