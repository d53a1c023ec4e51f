//! Data for whoever reads stdout.

use std::io::{self, Write as _};

use crate::error::{Error, Result};

/// Writes text to stdout. A reader that has seen enough and gone is no error.
pub(super) fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::output("cannot write to stdout").because(error))
        }
        _ => Ok(()),
    }
}

/// Writes an object to stdout, as JSON on a line of its own.
pub(super) fn print_json(object: &impl serde::Serialize) -> Result<()> {
    print(&(serde_json::to_string(object).expect("plain data") + "\n"))
}
