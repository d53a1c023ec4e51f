//! The inputs of a command: their rows, and their names in messages.

use std::collections::HashSet;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use crate::cli::InputArgs;
use crate::error::{Error, Result};
use crate::harmless::harmless;
use crate::ledger::Reader;
use crate::monitor::Screen;
use crate::rows::{self, Columns, Options, Rows, Source};
use crate::shell::quoted_file;

/// Opens all inputs and reads their headers.
///
/// # Errors
/// If an input can't be read, is a ledger or is given twice, or if a flag is invalid.
pub(super) fn open(args: &InputArgs) -> Result<Rows> {
    let mut given = HashSet::new();
    for input in &args.inputs {
        if !given.insert(place(input)) {
            return Err(
                Error::usage(format!("{} is given twice", input.display())).hint("name it once")
            );
        }
        refuse_ledger(input)?;
    }
    let columns = args.columns.as_deref();
    let options = Options {
        columns: columns.map_or(Ok(Columns::default()), str::parse)?,
        header: !args.no_header,
        encoding: args.encoding.as_deref().map(str::parse).transpose()?,
        strict: args.strict,
    };
    let sources: Vec<_> = args.inputs.iter().cloned().map(Source::from).collect();
    rows::open(&sources, &options)
}

/// Tells the operator if rows are read from the keyboard.
pub(super) fn tell_of_keyboard(args: &InputArgs, screen: &Screen) {
    let mut inputs = args.inputs.iter();
    if io::stdin().is_terminal() && inputs.any(|input| input == Path::new("-")) {
        screen.line("Rows are read from this terminal; Ctrl-D on a line of its own ends them.");
    }
}

/// Returns the name of the inputs: `rows.csv`, or `rows.csv and 2 more`.
pub(super) fn name(args: &InputArgs) -> String {
    match &args.inputs[..] {
        [] => String::new(),
        [only] => harmless(only),
        [first, more @ ..] => format!("{} and {} more", harmless(first), more.len()),
    }
}

/// Returns a path that is the same for all names of a file.
fn place(input: &Path) -> PathBuf {
    match Source::from(input.to_owned()) {
        Source::Stdin => input.to_owned(),
        Source::File(path) => path.canonicalize().unwrap_or(path),
    }
}

/// Refuses a ledger: it would parse as JSONL rows, but its rows are settled.
fn refuse_ledger(input: &Path) -> Result<()> {
    // A file that is called `-` is not what stdin reads.
    let is_file = Source::from(input.to_owned()) != Source::Stdin && input.is_file();
    if is_file && Reader::open(input).is_ok() {
        let name = quoted_file(input);
        return Err(
            Error::usage(format!("{name} is a ledger, not an input")).hint(format!(
                "recall replay {name} sends its failed rows again; recall report {name} shows its contents"
            )),
        );
    }
    Ok(())
}
