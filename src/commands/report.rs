//! `recall report`: what a ledger tells, as text, JSON or a page.

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
/// When the ledger can't be read, or stdout or the page can't be written.
pub fn run(args: &ReportArgs, screen: &Screen) -> Result<u8> {
    if let Some(file) = &args.html {
        files::refuse_stdout(file, "--html", "the page")?;
        check_that_it_may_be_replaced(file)?;
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

/// Only a page of this command, an empty file or none at all: a slip of the hand must not cost a
/// ledger, a list of rows or somebody else's page.
fn check_that_it_may_be_replaced(file: &Path) -> Result<()> {
    let is_page = match fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Ok(metadata) if metadata.is_file() => is_page_of_ours(file),
        Ok(_) => Ok(false),
        Err(error) => Err(error),
    };
    let name = file.display();
    match is_page {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::usage(format!(
            "--html {name} is there and is no page of recall's, so it is not replaced"
        ))
        .hint("give another name, such as report.html")),
        Err(error) => Err(Error::output(format!("cannot look at {name}")).because(error)),
    }
}

/// Whether a page says that it is one of these, which it does at its beginning.
fn is_page_of_ours(file: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(file)?.take(1024).read_to_end(&mut start)?;
    let start = String::from_utf8_lossy(&start);
    Ok(start.is_empty() || start.contains(&report::mark().into_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_takes_the_place_of_a_page_or_of_nothing_and_of_no_device() {
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
            check_that_it_may_be_replaced(&at(name)).expect(name);
        }
        for other in [
            at("rows"),
            at("theirs"),
            at("."),
            "/dev/null".into(),
            "/dev/full".into(),
        ] {
            let error = check_that_it_may_be_replaced(&other).expect_err("no page");
            assert!(
                error.to_string().contains("is no page of recall's"),
                "{error}"
            );
        }
    }
}
