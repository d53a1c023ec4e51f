//! The configuration file: the same settings as in the environment, for several apps.
//!
//! ```toml
//! region = "singapore"
//! identifier = "administrator"
//! rate = 100
//!
//! [profile.game]
//! sdkappid = 1400000000
//! secret_key = "…"
//! ```
//!
//! A profile adds to the top-level keys and overrides them; the environment overrides both.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::settings::{KEYS, Layer, Setting};
use crate::error::{Error, Result};

const NO_TABLE: &str = "write [profile.NAME]";
const QUOTES: &str = "put text in quotes: region = \"singapore\"";

/// Reads a file and a profile in it. Returns layers, highest precedence first.
///
/// # Errors
/// Usage, naming the line or key; never the value, which may be a secret.
pub(super) fn read(path: &Path, profile: Option<&str>) -> Result<Vec<Layer>> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| {
        Error::usage(format!("cannot read the configuration {name}")).because(error)
    })?;
    let file = File {
        name: &name,
        text: &text,
    };
    let mut table = DeTable::parse(&text)
        .map_err(|error| file.malformed(&error))?
        .into_inner();
    let profiles = match table.remove("profile").map(Spanned::into_inner) {
        None => DeTable::new(),
        Some(DeValue::Table(profiles)) => profiles,
        Some(_) => {
            return Err(Error::usage(format!("{name}: profile is not a table")).hint(NO_TABLE));
        }
    };
    let top = file.layer(&table, &name)?;
    let mut layers = BTreeMap::new();
    for (profile, keys) in &profiles {
        let profile = profile.get_ref().as_ref();
        let place = format!("{name}, profile {profile}");
        let DeValue::Table(keys) = keys.get_ref() else {
            return Err(Error::usage(format!("{place} is not a table")).hint(NO_TABLE));
        };
        layers.insert(profile, file.layer(keys, &place)?);
    }
    let mut chosen = Vec::new();
    if let Some(profile) = profile {
        let known = layers.keys().copied().collect::<Vec<_>>().join(", ");
        chosen.push(layers.remove(profile).ok_or_else(|| {
            Error::usage(format!("{name} has no profile {profile:?}")).hint(if known.is_empty() {
                "it has no profiles: write [profile.NAME]".to_owned()
            } else {
                format!("its profiles are {known}")
            })
        })?);
    }
    chosen.push(top);
    let holds_secret =
        |layer: &Layer| layer.contains_key("secret_key") || layer.contains_key("usersig");
    if chosen.iter().any(holds_secret) {
        warn_of_readers(path);
    }
    Ok(chosen)
}

/// A file that has been read but not parsed.
struct File<'a> {
    name: &'a str,
    text: &'a str,
}

impl File<'_> {
    /// Returns the number, from 1, and the text of the line that contains this byte.
    fn line(&self, at: usize) -> (usize, &str) {
        let bytes = self.text.bytes().take(at);
        let number = bytes.filter(|byte| *byte == b'\n').count();
        (number + 1, self.text.lines().nth(number).unwrap_or(""))
    }

    /// Converts a parser error. Its message consists of fixed words, while its `Display` output
    /// shows the line, including any secret.
    fn malformed(&self, error: &toml::de::Error) -> Error {
        let span = error.span().unwrap_or_default();
        let (number, line) = self.line(span.start);
        let place = format!("{}, line {number}", self.name);
        if error.message() == "duplicate key" {
            let key = self.text.get(span).filter(|key| KEYS.contains(key));
            return Error::usage(match key {
                Some(key) => format!("{place}: {key:?} is set twice"),
                None => format!("{place}: duplicate key"),
            })
            .hint("remove one of the two");
        }
        // For an unquoted value, the parser guesses a type by its first letter: a boolean, a float.
        let value = line.split_once('=').map(|(_, value)| value.trim_start());
        match value {
            Some("") => Error::usage(format!("{place} is not TOML: the value is missing")),
            Some(value) if value.starts_with(char::is_alphanumeric) => Error::usage(format!(
                "{place} is not TOML: the value is neither text in quotes nor a number"
            ))
            .hint(QUOTES),
            _ => Error::usage(format!("{place} is not TOML: {}", error.message())),
        }
    }

    fn layer(&self, table: &DeTable<'_>, place: &str) -> Result<Layer> {
        let mut layer = Layer::new();
        for (name, value) in table {
            let Some(key) = KEYS.into_iter().find(|known| known == name.get_ref()) else {
                let (line, _) = self.line(name.span().start);
                return Err(Error::usage(format!(
                    "{}, line {line}: there is no key {:?}",
                    self.name,
                    name.get_ref()
                ))
                .hint(format!(
                    "the keys are {}, and tables [profile.NAME] of them",
                    KEYS.join(", ")
                )));
            };
            let from = format!("{place}: {key}");
            let value = match value.get_ref() {
                DeValue::String(text) => text.clone().into_owned(),
                DeValue::Integer(number) => integer(number),
                _ => {
                    return Err(Error::usage(format!(
                        "{from} is neither text in quotes nor a whole number"
                    )));
                }
            };
            layer.insert(key, Setting { value, from });
        }
        Ok(layer)
    }
}

/// Returns the integer in decimal, or as written if it does not fit.
fn integer(number: &DeInteger<'_>) -> String {
    i64::from_str_radix(number.as_str(), number.radix())
        .map_or_else(|_| number.as_str().to_owned(), |number| number.to_string())
}

/// Warns if other users on this machine can read the file, which contains a secret.
fn warn_of_readers(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let readable = fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    if readable {
        tracing::warn!(
            "other users on this machine can read the secret in {0}: run chmod 600 {0}",
            path.display()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        region = "singapore"
        secret_key = "top"

        [profile.game]
        sdkappid = 1400000000
        usersig = "game's"

        [profile.test]
        endpoint = "http://127.0.0.1:1"
        rate = 7
    "#;

    fn read_text(text: &str, profile: Option<&str>) -> Result<Vec<Layer>> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("recall.toml");
        fs::write(&path, text).expect("written");
        read(&path, profile)
    }

    fn keys(profile: Option<&str>) -> Vec<Vec<&'static str>> {
        let layers = read_text(FILE, profile).expect("fine");
        let keys = |layer: &Layer| layer.keys().copied().collect();
        layers.iter().map(keys).collect()
    }

    #[test]
    fn a_profile_overrides_the_top_of_the_file() {
        let top = ["region", "secret_key"];
        assert_eq!(keys(None), [top]);
        assert_eq!(keys(Some("game")), [["sdkappid", "usersig"], top]);
    }

    #[test]
    fn an_error_for_an_unknown_key_or_profile_lists_the_known_ones() {
        let refused = |text, profile| {
            let error = read_text(text, profile).err();
            error.expect("it is unknown").to_string()
        };
        let error = refused("regoin = \"china\"", None);
        assert!(
            error.contains("\"regoin\"") && error.contains("region"),
            "{error}"
        );
        let error = refused(FILE, Some("gmae"));
        assert!(error.contains("game, test"), "{error}");
    }

    #[test]
    fn no_error_shows_a_value() {
        for text in [
            "secret_key = s3cret",
            "secret_key = 's3cret",
            "secret_key = ['s3cret']",
            "s = 1\nsecret_key = \"s3cret\" x",
        ] {
            let error = read_text(text, None).err().expect(text).to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
