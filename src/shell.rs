//! Quotes words for the shell, for printed commands that are meant to be copied.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::iter;
use std::path::Path;

use crate::harmless::is_harmful;

/// Quotes a word so that a shell reads it back byte for byte, without control characters.
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
        // Not `\u`, which bash encodes by locale: in LC_ALL=C it would produce other bytes.
        c if is_harmful(c) => bytes(c.encode_utf8(&mut [0; 4]).as_bytes()),
        c => c.to_string(),
    };
    let chunks = word.utf8_chunks().flat_map(|chunk| {
        let characters = chunk.valid().chars().map(character);
        characters.chain(iter::once(bytes(chunk.invalid())))
    });
    format!("$'{}'", chunks.collect::<String>())
}

fn bytes(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\x{byte:02x}").expect("writing to a String can't fail");
        text
    })
}

/// Quotes a file name so that no command takes it for a flag.
pub(crate) fn quoted_file(file: &Path) -> String {
    if file.as_os_str().as_encoded_bytes().starts_with(b"-") {
        return quoted(Path::new(".").join(file));
    }
    quoted(file)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn words_are_quoted_only_as_far_as_needed() {
        assert_eq!(quoted("samples/spam-wave.csv"), "samples/spam-wave.csv");
        assert_eq!(quoted("my rows.csv"), "'my rows.csv'");
        assert_eq!(quoted("用户.csv"), "'用户.csv'");
        assert_eq!(quoted("it's; rm"), r"'it'\''s; rm'");
        assert_eq!(quoted("a'\\\u{1b}[2J"), r"$'a\'\\\x1b[2J'");
        assert_eq!(quoted("a\u{202e}"), r"$'a\xe2\x80\xae'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn bash_reads_a_quoted_word_byte_for_byte_in_any_locale() {
        let word = "用\u{7f}'\\\u{9b}2J\u{202e}a b";
        let mut bash = Command::new("bash");
        bash.env("LC_ALL", "C")
            .args(["-c", &format!("printf %s {}", quoted(word))]);
        let output = bash.output().expect("bash runs");
        assert_eq!(output.stdout, word.as_bytes());
    }

    #[test]
    fn invalid_utf_8_is_quoted_byte_by_byte() {
        use std::os::unix::ffi::OsStrExt as _;
        assert_eq!(quoted(OsStr::from_bytes(b"f\xff/a'b")), r"$'f\xff/a\'b'");
    }

    #[test]
    fn a_file_name_is_never_taken_for_a_flag() {
        let names = ["-x.csv", "-", "x-y.csv", "../-x.csv"];
        let quoted = names.map(|name| quoted_file(Path::new(name)));
        assert_eq!(quoted, ["./-x.csv", "./-", "x-y.csv", "../-x.csv"]);
    }
}
