//! A temporary folder for the ledger, removed when the bench ends.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A temporary folder that only this process uses.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Creates the folder.
    pub(super) fn new() -> Result<Self> {
        let name = format!("recall-bench-{:016x}", fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        // Fails if the path exists.
        fs::create_dir(&path).map_err(|error| {
            Error::output(format!("cannot create the folder {}", path.display()))
                .because(error)
                .hint("TMPDIR sets where it is created")
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
    fn it_is_removed_with_its_contents() {
        let folder = Folder::new().expect("a folder");
        let path = folder.path().to_owned();
        fs::write(path.join("bench.ledger.jsonl"), "x").expect("written");
        drop(folder);
        assert!(!path.exists());
    }
}
