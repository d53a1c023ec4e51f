//! `recall completions` and `recall man`: completions and man pages, generated from the flags.

use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::stdout::print;
use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::error::{Error, Result};
use crate::exit;

/// Prints the completions for a shell.
///
/// # Errors
/// If stdout can't be written.
pub fn completions(args: &CompletionsArgs) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "recall", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(exit::OK)
}

/// Prints a man page, or writes them all into a folder.
///
/// # Errors
/// If there is no such command or a page can't be written.
pub fn man(args: &ManArgs) -> Result<u8> {
    let mut cli = whole(Cli::command());
    // Gives each command its full name, such as `recall usersig mint`.
    cli.build();
    match &args.out {
        None => print(&page(find(&cli, &args.command)?.clone()))?,
        Some(folder) => fs::create_dir_all(folder)
            .and_then(|()| write_all(&cli, folder))
            .map_err(|error| {
                Error::output(format!("cannot write man pages to {}", folder.display()))
                    .because(error)
            })?,
    }
    Ok(exit::OK)
}

/// Shows the flags that `-h` hides, and removes `help`, which needs no page.
fn whole(command: Command) -> Command {
    command
        .disable_help_subcommand(true)
        .mut_args(|arg| arg.hide_short_help(false))
        .mut_subcommands(whole)
}

fn find<'a>(cli: &'a Command, words: &[String]) -> Result<&'a Command> {
    words.iter().try_fold(cli, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            let known: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
            let error = Error::usage(format!("{} has no command {word:?}", command.get_name()));
            if known.is_empty() {
                error
            } else {
                error.hint(format!("it has {}", known.join(", ")))
            }
        })
    })
}

fn write_all(command: &Command, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands() {
        write_all(below, folder)?;
    }
    let file = folder.join(Man::new(command.clone()).get_filename());
    fs::write(file, page(command.clone()))
}

fn page(command: Command) -> String {
    let mut page = Vec::new();
    Man::new(command)
        .source(concat!("recall ", env!("CARGO_PKG_VERSION")))
        .manual("recall")
        .render(&mut page)
        .expect("writing to a Vec can't fail");
    // The last section has examples and tables, whose lines must not be joined.
    String::from_utf8_lossy(&page).replace(".SH EXTRA\n", ".SH NOTES\n.nf\n")
}
