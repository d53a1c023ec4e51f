//! The rows of every command that reads some.

use std::path::Path;

use crate::cli::InputArgs;
use crate::error::{Error, Result};
use crate::ledger::Reader;
use crate::rows::{self, Columns, Options, Rows, Source};

/// Opens an input as the flags say.
pub(super) fn open(args: &InputArgs) -> Result<Rows> {
    refuse_ledger(&args.input)?;
    let columns = args.columns.as_deref();
    let options = Options {
        columns: columns.map_or(Ok(Columns::default()), str::parse)?,
        header: !args.no_header,
        strict: args.strict,
    };
    rows::open(&Source::from(args.input.clone()), &options)
}

/// A ledger looks like JSONL rows, but its rows are settled.
fn refuse_ledger(input: &Path) -> Result<()> {
    if input.is_file() && Reader::open(input).is_ok() {
        let name = input.display();
        return Err(
            Error::usage(format!("{name} is a ledger, not an input")).hint(format!(
                "recall replay {name} sends its failed rows again; recall report {name} tells what is in it"
            )),
        );
    }
    Ok(())
}
