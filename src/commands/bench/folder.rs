//! A folder for the ledger, gone when the bench is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A folder of this process's own, among the machine's temporary files.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes it.
    pub(super) fn new() -> Result<Self> {
        let name = format!("recall-bench-{:016x}", fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        // Fails where there is something already.
        fs::create_dir(&path).map_err(|error| {
            Error::output(format!("cannot make the folder {}", path.display()))
                .because(error)
                .hint("TMPDIR says where it lies")
        })?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "cannot remove the folder {}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_with_what_is_in_it() {
        let folder = Folder::new().expect("a folder");
        let path = folder.path().to_owned();
        fs::write(path.join("bench.ledger.jsonl"), "x").expect("written");
        drop(folder);
        assert!(!path.exists());
    }
}
