//! Words as a shell takes them, for commands that are printed to be copied.

use std::ffi::OsStr;
use std::path::Path;

/// A word that a shell reads as this one, and that drives no terminal.
pub(crate) fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,%@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    if !word.contains(char::is_control) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let escaped = word.chars().map(|c| match c {
        '\'' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    });
    format!("$'{}'", escaped.collect::<String>())
}

/// The name of a file as a shell takes it, and a command for no flag.
pub(crate) fn quoted_file(file: &Path) -> String {
    if file.as_os_str().as_encoded_bytes().starts_with(b"-") {
        return quoted(Path::new(".").join(file));
    }
    quoted(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_to_copy_survives_the_shell() {
        assert_eq!(quoted("samples/spam-wave.csv"), "samples/spam-wave.csv");
        assert_eq!(quoted("my rows.csv"), "'my rows.csv'");
        assert_eq!(quoted("用户.csv"), "'用户.csv'");
        assert_eq!(quoted("it's; rm"), r"'it'\''s; rm'");
        assert_eq!(quoted("a'\\\u{1b}[2J"), r"$'a\'\\\u001b[2J'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_file_is_no_flag_whatever_its_name() {
        let names = ["-x.csv", "-", "x-y.csv", "../-x.csv"];
        let quoted = names.map(|name| quoted_file(Path::new(name)));
        assert_eq!(quoted, ["./-x.csv", "./-", "x-y.csv", "../-x.csv"]);
    }
}
