//! What an input is called where rows say in which one they stand.

use std::path::{Component, Path, PathBuf};

/// The name of an input without what does not matter in it. Links are not looked at: the file may
/// be gone by now.
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
    // It was text, and was only taken apart at its slashes.
    plain.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_whatever_way_it_takes() {
        for (name, plainly) in [
            ("./a.csv", "a.csv"),
            ("x//y/../a.csv", "x/a.csv"),
            ("x/./../../a.csv", "../a.csv"),
            ("/../a.csv", "/a.csv"),
            ("../../a.csv", "../../a.csv"),
            ("a.csv", "a.csv"),
        ] {
            assert_eq!(plain_name(name), plainly, "{name}");
        }
    }
}
