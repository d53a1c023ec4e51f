//! Where results go, unless flags say otherwise: a ledger beside the input and named after it, the
//! failed rows beside their ledger and named after that.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::RunArgs;
use crate::error::{Error, Result};
use crate::rows::{self, Format, Source, without_packing};

/// The ledger of a run.
///
/// # Errors
/// When there are several inputs, which have no name in common, and no flag gives one.
pub(super) fn ledger(args: &RunArgs) -> Result<PathBuf> {
    match (&args.ledger, &args.rows.inputs[..]) {
        (Some(ledger), _) => Ok(ledger.clone()),
        (None, [input]) => Ok(ledger_beside(input, args.service.mock)),
        (None, _) => Err(Error::usage("several inputs need a ledger by name")
            .hint("add one, such as --ledger wave.ledger.jsonl")),
    }
}

/// The failed-rows file of a ledger, and of the inputs of a run.
///
/// # Errors
/// When one of ledger, failed-rows file and inputs would overwrite another, or this file something
/// else, or can't be there.
pub(super) fn failed_rows(
    named: Option<&PathBuf>,
    ledger: &Path,
    inputs: &[PathBuf],
    format: Format,
) -> Result<PathBuf> {
    let failed_rows = match named {
        Some(failed_rows) => failed_rows.clone(),
        None => failed_rows_beside(ledger, format),
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
    if named.is_some() && !folder(&failed_rows).is_dir() {
        return Err(refused(&failed_rows, "whose folder is not there"));
    }
    check_failed_rows(&failed_rows)?;
    Ok(failed_rows)
}

/// The format of the failed rows that a run has left beside its ledger, where it has.
pub(super) fn format_of_failed_rows(ledger: &Path) -> Option<Format> {
    let formats = [Format::Csv, Format::Tsv, Format::Jsonl];
    let mut formats = formats.into_iter();
    formats.find(|format| failed_rows_beside(ledger, *format).exists())
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

/// `x/rows.csv` has its ledger in `x/rows.ledger.jsonl`; what comes from stdin is called `recall`.
fn ledger_beside(input: &Path, rehearsal: bool) -> PathBuf {
    let mut name = if input == Path::new("-") {
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
    let source = [Source::File(path.to_owned())];
    let is_ours = || {
        let opened = rows::open(&source, &rows::Options::default());
        opened.is_ok_and(|rows| rows.is_failed_rows())
    };
    match path.metadata() {
        Ok(found) if !found.is_file() => Err(refused(path, "which is no file")),
        Ok(found) if found.len() > 0 && !is_ours() => {
            Err(refused(path, "which holds something else"))
        }
        _ => Ok(()),
    }
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
    there.or_else(|| Some(folder(file).canonicalize().ok()?.join(file.file_name()?)))
}

/// The folder that a file is in.
fn folder(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    folder.unwrap_or(Path::new("."))
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

    #[cfg(unix)]
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
