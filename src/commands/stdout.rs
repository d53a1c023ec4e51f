//! Writes data to stdout.

use std::io::{self, Write as _};

use crate::error::{Error, Result};

/// Writes text to stdout. A closed pipe is not an error.
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

/// Writes an object to stdout, as one line of JSON.
pub(super) fn print_json(object: &impl serde::Serialize) -> Result<()> {
    print(&(serde_json::to_string(object).expect("it serializes") + "\n"))
}
