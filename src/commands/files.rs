//! Paths of results. By default, the ledger is next to the input and named after it, and the
//! failed-rows file is next to the ledger and named after that.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::RunArgs;
use crate::durable::{self, folder_of};
use crate::error::{Error, Result};
use crate::rows::{self, Format, Source, without_packing};

/// Returns the path of a run's ledger.
///
/// # Errors
/// If there are several inputs, and thus no name to derive, and no `--ledger`.
pub(super) fn ledger(args: &RunArgs) -> Result<PathBuf> {
    match (&args.ledger, &args.rows.inputs[..]) {
        (Some(ledger), _) => {
            refuse_stdout(ledger, "--ledger", "the ledger")?;
            Ok(ledger.clone())
        }
        (None, [input]) => Ok(ledger_beside(input, args.service.mock)),
        (None, _) => Err(Error::usage("several inputs need --ledger")
            .hint("name one, such as --ledger wave.ledger.jsonl")),
    }
}

/// Returns the path of the failed-rows file and its format: the one its name implies, since it is
/// itself an input, or else that of the inputs.
///
/// # Errors
/// If ledger, failed-rows file and inputs are not all different, or if the failed-rows file would
/// replace something else or can't be written.
pub(super) fn failed_rows(
    named: Option<&PathBuf>,
    ledger: &Path,
    inputs: &[PathBuf],
    of_inputs: Format,
) -> Result<(PathBuf, Format)> {
    let (failed_rows, format) = if let Some(failed_rows) = named {
        refuse_stdout(failed_rows, "--failed", "the failed-rows file")?;
        let by_name = Format::by_name(failed_rows);
        (failed_rows.clone(), by_name.unwrap_or(of_inputs))
    } else {
        let format = format_beside(ledger, of_inputs);
        (failed_rows_beside(ledger, format), format)
    };
    for input in inputs {
        keep_apart((ledger, "the ledger"), (input, "the input"))?;
        keep_apart((&failed_rows, "the failed-rows file"), (input, "the input"))?;
    }
    keep_apart(
        (&failed_rows, "the failed-rows file"),
        (ledger, "the ledger"),
    )?;
    // If both share a missing folder, opening the ledger reports it.
    if named.is_some() && !folder_of(&failed_rows).is_dir() {
        return Err(refused(&failed_rows, "whose folder does not exist"));
    }
    check_failed_rows(&failed_rows)?;
    Ok((failed_rows, format))
}

/// Returns the format of the failed rows next to a ledger: that of a file left by an earlier run,
/// if any, whatever the inputs are now. Two such files would soon disagree.
fn format_beside(ledger: &Path, of_inputs: Format) -> Format {
    let formats = [of_inputs, Format::Csv, Format::Tsv, Format::Jsonl];
    let exists = |format: &Format| are_failed_rows(&failed_rows_beside(ledger, *format));
    formats.into_iter().find(exists).unwrap_or(of_inputs)
}

/// Returns the default failed-rows file: for `x/rows.ledger.jsonl`, it is `x/rows.failed.csv`.
fn failed_rows_beside(ledger: &Path, format: Format) -> PathBuf {
    let without = |path: &Path, end: &str| {
        let has_end = path.extension().is_some_and(|extension| extension == end);
        has_end.then(|| path.with_extension(""))
    };
    let stem = match without(ledger, "jsonl") {
        Some(stem) => without(&stem, "ledger").unwrap_or(stem),
        None => ledger.to_owned(),
    };
    let mut name = stem.into_os_string();
    name.push(format!(".failed.{}", extension(format)));
    name.into()
}

/// Returns the default ledger: for `x/rows.csv`, it is `x/rows.ledger.jsonl`. For stdin and other
/// pipes, the name is `recall` in the current folder: files next to `/dev/stdin` would not persist.
fn ledger_beside(input: &Path, rehearsal: bool) -> PathBuf {
    let mut name = if input == Path::new("-") || durable::is_passing(input) {
        "recall".into()
    } else {
        without_packing(input).with_extension("").into_os_string()
    };
    name.push(if rehearsal { ".mock" } else { "" });
    name.push(".ledger.jsonl");
    name.into()
}

/// Returns the file name extension of a format.
fn extension(format: Format) -> &'static str {
    match format {
        Format::Csv => "csv",
        Format::Tsv => "tsv",
        Format::Jsonl => "jsonl",
    }
}

/// Refuses to replace anything other than a failed-rows file.
fn check_failed_rows(path: &Path) -> Result<()> {
    match path.metadata() {
        Ok(found) if !found.is_file() => Err(refused(path, "which is not a regular file")),
        Ok(found) if found.len() > 0 && !are_failed_rows(path) => {
            Err(refused(path, "which contains something else"))
        }
        _ => durable::check(path)
            .map_err(|error| refused(path, "which can't be replaced").because(error)),
    }
}

/// Whether this is the failed-rows file of a run.
fn are_failed_rows(path: &Path) -> bool {
    let source = [Source::File(path.to_owned())];
    let is_file = path.is_file();
    is_file
        && rows::open(&source, &rows::Options::default()).is_ok_and(|rows| rows.is_failed_rows())
}

/// Refuses `-`: it means stdout, which stores nothing.
pub(super) fn refuse_stdout(file: &Path, flag: &str, what: &str) -> Result<()> {
    if file == Path::new("-") {
        return Err(
            Error::usage(format!("{flag} -: {what} must be a file")).hint(format!(
                "name one; for a file that is called -, use {flag} ./-"
            )),
        );
    }
    Ok(())
}

fn refused(failed_rows: &Path, why: &str) -> Error {
    let failed_rows = failed_rows.display();
    Error::usage(format!("the failed rows would go to {failed_rows}, {why}"))
        .hint("choose another file with --failed FILE")
}

/// Refuses one file for two purposes.
fn keep_apart((file, what): (&Path, &str), (other, what_else): (&Path, &str)) -> Result<()> {
    let place = place(file);
    if file == other || (place.is_some() && place == self::place(other)) {
        return Err(Error::usage(format!(
            "{what} and {what_else} are both {}",
            file.display()
        ))
        .hint("choose other names with --ledger and --failed"));
    }
    Ok(())
}

/// Returns the canonical path of a file, which need not exist.
fn place(file: &Path) -> Option<PathBuf> {
    let existing = fs::canonicalize(file).ok();
    existing.or_else(|| Some(folder_of(file).canonicalize().ok()?.join(file.file_name()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failed_rows_file_is_named_after_the_ledger() {
        let beside = |ledger: &str| failed_rows_beside(Path::new(ledger), Format::Csv);
        assert_eq!(
            beside("x/rows.ledger.jsonl"),
            Path::new("x/rows.failed.csv")
        );
        assert_eq!(
            beside("x/rows.mock.ledger.jsonl"),
            Path::new("x/rows.mock.failed.csv")
        );
        assert_eq!(beside("x/wave.jsonl"), Path::new("x/wave.failed.csv"));
        assert_eq!(beside("x/other"), Path::new("x/other.failed.csv"));
        assert_eq!(beside("x.y/a.b"), Path::new("x.y/a.b.failed.csv"));
    }

    #[test]
    fn the_ledger_of_a_device_or_file_descriptor_is_in_the_current_folder() {
        for input in ["-", "/dev/stdin", "/dev/fd/63", "/proc/self/fd/0"] {
            let beside = |rehearsal| ledger_beside(Path::new(input), rehearsal);
            assert_eq!(beside(false), Path::new("recall.ledger.jsonl"));
            assert_eq!(beside(true), Path::new("recall.mock.ledger.jsonl"));
        }
        let device = ledger_beside(Path::new("x/dev/rows.csv"), false);
        assert_eq!(device, Path::new("x/dev/rows.ledger.jsonl"));
    }

    #[test]
    fn names_that_are_not_utf_8_are_kept() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        let path = |name: &[u8]| PathBuf::from(OsStr::from_bytes(name));
        assert_eq!(
            failed_rows_beside(&path(b"f\xff/r\xfe.ledger.jsonl"), Format::Tsv),
            path(b"f\xff/r\xfe.failed.tsv")
        );
    }
}
