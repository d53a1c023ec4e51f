//! The configuration file: what the environment could say, for several apps.
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
//! A profile adds to the keys at the top and weighs more than they do; the environment weighs
//! more than both.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

use super::settings::{KEYS, Layer, Setting};
use crate::error::{Error, Result};

/// Reads a file, and in it a profile: layers, the weightier first.
///
/// # Errors
/// Usage, naming the line or key; never its value, which may be the secret.
pub(super) fn read(path: &Path, profile: Option<&str>) -> Result<Vec<Layer>> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        Error::usage(format!("cannot read the configuration {name}")).because(error)
    })?;
    let mut table: Table = text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        Error::usage(format!("{name}, line {line} is not TOML"))
            .hint("texts stand in quotes: region = \"singapore\"")
    })?;
    let profiles = match table.remove("profile") {
        None => Table::new(),
        Some(Value::Table(profiles)) => profiles,
        Some(_) => {
            return Err(
                Error::usage(format!("{name}: profile is no table")).hint("write [profile.NAME]")
            );
        }
    };
    let top = layer(table, &name.to_string())?;
    let mut layers = BTreeMap::new();
    for (profile, keys) in profiles {
        let place = format!("{name}, profile {profile}");
        let Value::Table(keys) = keys else {
            return Err(Error::usage(format!("{place} is no table")).hint("write [profile.NAME]"));
        };
        layers.insert(profile, layer(keys, &place)?);
    }
    let mut chosen = Vec::new();
    if let Some(profile) = profile {
        let known = layers.keys().cloned().collect::<Vec<_>>().join(", ");
        chosen.push(layers.remove(profile).ok_or_else(|| {
            Error::usage(format!("{name} has no profile {profile:?}")).hint(if known.is_empty() {
                "it has none".to_owned()
            } else {
                format!("it has {known}")
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

fn layer(table: Table, place: &str) -> Result<Layer> {
    let mut layer = Layer::new();
    for (key, value) in table {
        let Some(key) = KEYS.into_iter().find(|known| *known == key) else {
            return Err(
                Error::usage(format!("{place}: there is no key {key:?}")).hint(format!(
                    "the keys are {}, and tables [profile.NAME] of them",
                    KEYS.join(", ")
                )),
            );
        };
        let value = match value {
            Value::String(text) => text,
            Value::Integer(number) => number.to_string(),
            _ => {
                return Err(Error::usage(format!(
                    "{place}: {key} is neither a text in quotes nor a number"
                )));
            }
        };
        let from = format!("{place}: {key}");
        layer.insert(key, Setting { value, from });
    }
    Ok(layer)
}

/// A secret that others on this machine can read is none.
fn warn_of_readers(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let readable = fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    if readable {
        tracing::warn!(
            "others on this machine can read the secret in {0}: chmod 600 {0}",
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
    fn a_profile_lies_over_the_top_of_the_file() {
        let top = ["region", "secret_key"];
        assert_eq!(keys(None), [top]);
        assert_eq!(keys(Some("game")), [["sdkappid", "usersig"], top]);
    }

    #[test]
    fn an_unknown_key_or_profile_is_told_the_known_ones() {
        let refused = |text, profile| {
            let error = read_text(text, profile).err();
            error.expect("nobody knows it").to_string()
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
