//! Words as a shell takes them, for commands that are printed to be copied.

use std::ffi::OsStr;
use std::path::Path;

use crate::harmless::is_harmful;

/// A word that a shell reads as this one, byte for byte, and that drives no terminal.
pub(crate) fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,%@+".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(plain) => text.to_owned(),
        Some(text) if !text.contains(is_harmful) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => escaped(word.as_encoded_bytes()),
    }
}

fn escaped(word: &[u8]) -> String {
    let character = |c: char| match c {
        '\'' | '\\' => format!("\\{c}"),
        c if is_harmful(c) => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    let chunks = word.utf8_chunks().flat_map(|chunk| {
        let characters = chunk.valid().chars().map(character);
        characters.chain(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")))
    });
    format!("$'{}'", chunks.collect::<String>())
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
        assert_eq!(quoted("a\u{202e}"), r"$'a\u202e'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_name_that_is_not_utf_8_survives_it_too() {
        use std::os::unix::ffi::OsStrExt as _;
        assert_eq!(quoted(OsStr::from_bytes(b"f\xff/a'b")), r"$'f\xff/a\'b'");
    }

    #[test]
    fn a_file_is_no_flag_whatever_its_name() {
        let names = ["-x.csv", "-", "x-y.csv", "../-x.csv"];
        let quoted = names.map(|name| quoted_file(Path::new(name)));
        assert_eq!(quoted, ["./-x.csv", "./-", "x-y.csv", "../-x.csv"]);
    }
}
