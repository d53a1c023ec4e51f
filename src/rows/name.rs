//! The name of an input as rows report it.

use std::path::{Component, Path, PathBuf};

/// Normalizes the name of an input: without `.`, redundant slashes and, where possible, `..`. It
/// does not resolve links, because the file may no longer exist.
pub fn plain_name(name: &str) -> String {
    let mut plain = PathBuf::new();
    for component in Path::new(name).components() {
        match (component, plain.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                plain.pop();
            }
            (other, _) => plain.push(other),
        }
    }
    // Lossless, because the name was text and was only split at slashes.
    plain.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_same_file_are_normalized() {
        for (name, plain) in [
            ("./a.csv", "a.csv"),
            ("x//y/../a.csv", "x/a.csv"),
            ("x/./../../a.csv", "../a.csv"),
            ("/../a.csv", "/a.csv"),
            ("../../a.csv", "../../a.csv"),
            ("a.csv", "a.csv"),
        ] {
            assert_eq!(plain_name(name), plain, "{name}");
        }
    }
}
