//! Where the results of a run go: beside the input and named after it, unless flags say otherwise.

use std::path::{Path, PathBuf};

use super::job;
use crate::cli::RunArgs;
use crate::error::{Error, Result};
use crate::rows::{Format, without_packing};

/// The ledger of a run.
///
/// # Errors
/// When there are several inputs, which have no name in common, and no flag gives one.
pub(super) fn ledger(args: &RunArgs) -> Result<PathBuf> {
    match (&args.ledger, &args.rows.inputs[..]) {
        (Some(ledger), _) => Ok(ledger.clone()),
        (None, [input]) => Ok(named(input, args.service.mock, ".ledger.jsonl")),
        (None, _) => Err(Error::usage("several inputs need a ledger by name")
            .hint("add one, such as --ledger wave.ledger.jsonl")),
    }
}

/// The failed-rows file of a run.
///
/// # Errors
/// When one of ledger, failed-rows file and inputs would overwrite another, or this file something
/// else.
pub(super) fn failed_rows(args: &RunArgs, ledger: &Path, format: Format) -> Result<PathBuf> {
    let inputs = &args.rows.inputs[..];
    let failed_rows = match (&args.output.failed, inputs) {
        (Some(failed_rows), _) => failed_rows.clone(),
        (None, [input]) => {
            let end = format!(".failed.{}", extension(format));
            named(input, args.service.mock, &end)
        }
        (None, _) => failed_rows_beside(ledger, format),
    };
    for input in inputs {
        keep_apart((ledger, "the ledger"), (input, "the input"))?;
        keep_apart((&failed_rows, "the failed-rows file"), (input, "the input"))?;
    }
    keep_apart(
        (&failed_rows, "the failed-rows file"),
        (ledger, "the ledger"),
    )?;
    job::check_failed_rows(&failed_rows)?;
    Ok(failed_rows)
}

/// `x/rows.ledger.jsonl` has its failed rows in `x/rows.failed.csv`.
pub(super) fn failed_rows_beside(ledger: &Path, format: Format) -> PathBuf {
    let name = ledger.to_string_lossy();
    let stem = name
        .strip_suffix(".ledger.jsonl")
        .or_else(|| name.strip_suffix(".jsonl"))
        .unwrap_or(&name);
    PathBuf::from(format!("{stem}.failed.{}", extension(format)))
}

/// `x/rows.csv` with another end; what comes from stdin is called `recall`.
fn named(input: &Path, rehearsal: bool, end: &str) -> PathBuf {
    let mut name = if input == Path::new("-") {
        "recall".into()
    } else {
        without_packing(input).with_extension("").into_os_string()
    };
    name.push(if rehearsal { ".mock" } else { "" });
    name.push(end);
    name.into()
}

/// How the name of a file of this format ends.
fn extension(format: Format) -> &'static str {
    match format {
        Format::Csv => "csv",
        Format::Tsv => "tsv",
        Format::Jsonl => "jsonl",
    }
}

/// Refuses one file for two things.
fn keep_apart((file, what): (&Path, &str), (other, what_else): (&Path, &str)) -> Result<()> {
    let same = file == other
        || matches!((file.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other);
    if same {
        return Err(Error::usage(format!(
            "{what} and {what_else} are both {}",
            file.display()
        ))
        .hint("choose other names with --ledger and --failed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failed_rows_stay_where_the_run_put_them() {
        let beside = |ledger: &str| failed_rows_beside(Path::new(ledger), Format::Csv);
        assert_eq!(
            beside("x/rows.ledger.jsonl"),
            Path::new("x/rows.failed.csv")
        );
        assert_eq!(
            beside("x/rows.mock.ledger.jsonl"),
            Path::new("x/rows.mock.failed.csv")
        );
        assert_eq!(beside("x/other"), Path::new("x/other.failed.csv"));
    }
}
