//! Where results go, unless flags say otherwise: a ledger beside the input and named after it, the
//! failed rows beside their ledger and named after that.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::RunArgs;
use crate::durable::{self, folder_of};
use crate::error::{Error, Result};
use crate::rows::{self, Format, Source, without_packing};

/// The ledger of a run.
///
/// # Errors
/// When there are several inputs, which have no name in common, and no flag gives one.
pub(super) fn ledger(args: &RunArgs) -> Result<PathBuf> {
    match (&args.ledger, &args.rows.inputs[..]) {
        (Some(ledger), _) => {
            refuse_stdout(ledger, "--ledger", "the ledger")?;
            Ok(ledger.clone())
        }
        (None, [input]) => Ok(ledger_beside(input, args.service.mock)),
        (None, _) => Err(Error::usage("several inputs need a ledger by name")
            .hint("add one, such as --ledger wave.ledger.jsonl")),
    }
}

/// The failed-rows file of a ledger, and of the inputs of a run, and its format: the one that its
/// name tells, for it is an input itself; else that of the inputs.
///
/// # Errors
/// When one of ledger, failed-rows file and inputs would overwrite another, or this file something
/// else, or can't be there.
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
    // The ledger itself tells where there is no folder for both.
    if named.is_some() && !folder_of(&failed_rows).is_dir() {
        return Err(refused(&failed_rows, "whose folder is not there"));
    }
    check_failed_rows(&failed_rows)?;
    Ok((failed_rows, format))
}

/// The format of the failed rows beside a ledger: the one in which an earlier run has left some,
/// whatever its inputs were. Two such files would soon tell different things.
fn format_beside(ledger: &Path, of_inputs: Format) -> Format {
    let formats = [of_inputs, Format::Csv, Format::Tsv, Format::Jsonl];
    let is_there = |format: &Format| are_failed_rows(&failed_rows_beside(ledger, *format));
    formats.into_iter().find(is_there).unwrap_or(of_inputs)
}

/// `x/rows.ledger.jsonl` has its failed rows in `x/rows.failed.csv`.
fn failed_rows_beside(ledger: &Path, format: Format) -> PathBuf {
    let without = |path: &Path, end: &str| {
        let ends_so = path.extension().is_some_and(|extension| extension == end);
        ends_so.then(|| path.with_extension(""))
    };
    let stem = match without(ledger, "jsonl") {
        Some(stem) => without(&stem, "ledger").unwrap_or(stem),
        None => ledger.to_owned(),
    };
    let mut name = stem.into_os_string();
    name.push(format!(".failed.{}", extension(format)));
    name.into()
}

/// `x/rows.csv` has its ledger in `x/rows.ledger.jsonl`; what comes from stdin or another pipe is
/// called `recall`. `/dev/stdin` can be a file, but beside it nothing outlasts the machine.
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

/// How the name of a file of this format ends.
fn extension(format: Format) -> &'static str {
    match format {
        Format::Csv => "csv",
        Format::Tsv => "tsv",
        Format::Jsonl => "jsonl",
    }
}

/// Refuses to put the failed rows in the place of something else.
fn check_failed_rows(path: &Path) -> Result<()> {
    match path.metadata() {
        Ok(found) if !found.is_file() => Err(refused(path, "which is no file")),
        Ok(found) if found.len() > 0 && !are_failed_rows(path) => {
            Err(refused(path, "which holds something else"))
        }
        _ => durable::check(path)
            .map_err(|error| refused(path, "which can't be replaced").because(error)),
    }
}

/// Whether a run has left this file.
fn are_failed_rows(path: &Path) -> bool {
    let source = [Source::File(path.to_owned())];
    let is_file = path.is_file();
    is_file
        && rows::open(&source, &rows::Options::default()).is_ok_and(|rows| rows.is_failed_rows())
}

/// Whoever writes `-` means stdout, which keeps nothing.
pub(super) fn refuse_stdout(file: &Path, flag: &str, what: &str) -> Result<()> {
    if file == Path::new("-") {
        return Err(Error::usage(format!("{flag} -: {what} must be a file"))
            .hint(format!("name one; a file that is called so is {flag} ./-")));
    }
    Ok(())
}

fn refused(failed_rows: &Path, why: &str) -> Error {
    let failed_rows = failed_rows.display();
    Error::usage(format!("the failed rows would go to {failed_rows}, {why}"))
        .hint("--failed FILE puts them elsewhere")
}

/// Refuses one file for two things.
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

/// Where a file is, or would be, whatever way its name takes.
fn place(file: &Path) -> Option<PathBuf> {
    let there = fs::canonicalize(file).ok();
    there.or_else(|| Some(folder_of(file).canonicalize().ok()?.join(file.file_name()?)))
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
        assert_eq!(beside("x/wave.jsonl"), Path::new("x/wave.failed.csv"));
        assert_eq!(beside("x/other"), Path::new("x/other.failed.csv"));
        assert_eq!(beside("x.y/a.b"), Path::new("x.y/a.b.failed.csv"));
    }

    #[test]
    fn nothing_lies_beside_a_device_or_a_file_descriptor() {
        for input in ["-", "/dev/stdin", "/dev/fd/63", "/proc/self/fd/0"] {
            let beside = |rehearsal| ledger_beside(Path::new(input), rehearsal);
            assert_eq!(beside(false), Path::new("recall.ledger.jsonl"));
            assert_eq!(beside(true), Path::new("recall.mock.ledger.jsonl"));
        }
        let device = ledger_beside(Path::new("x/dev/rows.csv"), false);
        assert_eq!(device, Path::new("x/dev/rows.ledger.jsonl"));
    }

    #[test]
    fn a_folder_of_any_name_keeps_its_failed_rows() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        let path = |name: &[u8]| PathBuf::from(OsStr::from_bytes(name));
        assert_eq!(
            failed_rows_beside(&path(b"f\xff/r\xfe.ledger.jsonl"), Format::Tsv),
            path(b"f\xff/r\xfe.failed.tsv")
        );
    }
}
