//! `recall report`: reports on a ledger, as text, JSON or an HTML page.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use super::files;
use super::stdout::{print, print_json};
use crate::cli::ReportArgs;
use crate::durable;
use crate::error::{Error, Result};
use crate::exit;
use crate::harmless::harmless;
use crate::monitor::Screen;
use crate::report::{self, Report};

/// Reports on a ledger.
///
/// # Errors
/// If the ledger can't be read, or stdout or the page can't be written.
pub fn run(args: &ReportArgs, screen: &Screen) -> Result<u8> {
    if let Some(file) = &args.html {
        files::refuse_stdout(file, "--html", "the page")?;
        check_replaceable(file)?;
    }
    let patience = screen.patience(format!("Reading {}…", harmless(&args.ledger)));
    let report = Report::read(&args.ledger)?;
    drop(patience);
    if let Some(file) = &args.html {
        let page = report::page(&report);
        durable::replace(file, |to| to.write_all(page.as_bytes())).map_err(|error| {
            Error::output(format!("cannot write the report to {}", file.display())).because(error)
        })?;
        screen.line(&format!("Report: {}", harmless(file)));
    }
    match (args.json, &args.html) {
        (true, _) => print_json(&report)?,
        (false, None) => print(&report::text(&report))?,
        (false, Some(_)) => {}
    }
    Ok(exit::OK)
}

/// Refuses to replace anything other than an earlier report or an empty file: a typo must not
/// destroy a ledger, a list of rows or another page.
fn check_replaceable(file: &Path) -> Result<()> {
    let replaceable = match fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Ok(metadata) if metadata.is_file() => is_report(file),
        Ok(_) => Ok(false),
        Err(error) => Err(error),
    };
    let name = file.display();
    match replaceable {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::usage(format!(
            "--html {name} exists and is not a recall report, so it is not replaced"
        ))
        .hint("choose another name, such as report.html")),
        Err(error) => Err(Error::output(format!("cannot read {name}")).because(error)),
    }
}

/// Whether a file is empty or an earlier report, which has a mark near its start.
fn is_report(file: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(file)?.take(1024).read_to_end(&mut start)?;
    let start = String::from_utf8_lossy(&start);
    Ok(start.is_empty() || start.contains(&report::mark().into_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_replaces_only_an_earlier_report_or_an_empty_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("empty"), "").expect("written");
        fs::write(
            at("page"),
            format!("<!DOCTYPE html>{}", report::mark().into_string()),
        )
        .expect("written");
        fs::write(at("theirs"), "<!DOCTYPE html>\n<p>").expect("written");
        fs::write(at("rows"), "group,sender\n").expect("written");
        for name in ["nothing", "empty", "page"] {
            check_replaceable(&at(name)).expect(name);
        }
        for other in [
            at("rows"),
            at("theirs"),
            at("."),
            "/dev/null".into(),
            "/dev/full".into(),
        ] {
            let error = check_replaceable(&other).expect_err("not a report");
            assert!(
                error.to_string().contains("is not a recall report"),
                "{error}"
            );
        }
    }
}
