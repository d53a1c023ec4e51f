//! The configuration file: what the environment could say, for several apps.
//!
//! ```toml
//! region = "singapore"
//! identifier = "administrator"
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

use crate::error::{Error, Result};

/// The keys, and the variables of the environment that say the same.
const KEYS: [(&str, &str); 6] = [
    ("sdkappid", "RECALL_SDKAPPID"),
    ("identifier", "RECALL_IDENTIFIER"),
    ("secret_key", "RECALL_SECRET_KEY"),
    ("usersig", "RECALL_USERSIG"),
    ("region", "RECALL_REGION"),
    ("endpoint", "RECALL_ENDPOINT"),
];
/// Variables that answer the same question: whoever says one of them says it all.
const ALTERNATIVES: [[&str; 2]; 2] = [
    ["RECALL_SECRET_KEY", "RECALL_USERSIG"],
    ["RECALL_REGION", "RECALL_ENDPOINT"],
];

/// What is set in one place, by the names of the environment's variables.
pub(super) type Layer = BTreeMap<&'static str, String>;

/// The environment as a layer.
pub(super) fn environment(env: super::Env<'_>) -> Layer {
    let set = |(_, variable): (_, &'static str)| Some((variable, env(variable)?));
    KEYS.into_iter().filter_map(set).collect()
}

/// Puts one layer over another, which weighs less.
pub(super) fn over(mut upper: Layer, mut lower: Layer) -> Layer {
    for alternatives in ALTERNATIVES {
        if alternatives
            .iter()
            .any(|variable| upper.contains_key(variable))
        {
            for variable in alternatives {
                lower.remove(variable);
            }
        }
    }
    lower.append(&mut upper);
    lower
}

/// Reads a file, and in it a profile.
///
/// # Errors
/// Usage, naming the line or key; never its value, which may be the secret.
pub(super) fn read(path: &Path, profile: Option<&str>) -> Result<Layer> {
    let name = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| Error::usage(format!("cannot read --config {name}")).because(error))?;
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
    let layer = match profile {
        None => top,
        Some(profile) => {
            let known = layers.keys().cloned().collect::<Vec<_>>().join(", ");
            let chosen = layers.remove(profile).ok_or_else(|| {
                Error::usage(format!("{name} has no profile {profile:?}")).hint(
                    if known.is_empty() {
                        "it has none".to_owned()
                    } else {
                        format!("it has {known}")
                    },
                )
            })?;
            over(chosen, top)
        }
    };
    if layer.keys().any(|key| ALTERNATIVES[0].contains(key)) {
        warn_of_readers(path);
    }
    Ok(layer)
}

fn layer(table: Table, place: &str) -> Result<Layer> {
    let mut layer = Layer::new();
    for (key, value) in table {
        let Some((_, variable)) = KEYS.into_iter().find(|(known, _)| *known == key) else {
            let known = KEYS.map(|(known, _)| known).join(", ");
            return Err(
                Error::usage(format!("{place}: there is no key {key:?}")).hint(format!(
                    "the keys are {known}, and tables [profile.NAME] of them"
                )),
            );
        };
        let text = match value {
            Value::String(text) => text,
            Value::Integer(number) if key == "sdkappid" => number.to_string(),
            _ => {
                return Err(Error::usage(format!(
                    "{place}: {key} is not a text in quotes"
                )));
            }
        };
        layer.insert(variable, text);
    }
    Ok(layer)
}

/// A secret that others on this machine can read is none.
#[cfg(unix)]
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

#[cfg(not(unix))]
fn warn_of_readers(_: &Path) {}

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
    "#;

    fn read_text(text: &str, profile: Option<&str>) -> Result<Layer> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("recall.toml");
        fs::write(&path, text).expect("written");
        read(&path, profile)
    }

    fn pairs(layer: &Layer) -> Vec<(&str, &str)> {
        layer
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect()
    }

    #[test]
    fn a_profile_adds_to_the_top_and_weighs_more() {
        let top = read_text(FILE, None).expect("fine");
        assert_eq!(
            pairs(&top),
            [("RECALL_REGION", "singapore"), ("RECALL_SECRET_KEY", "top")]
        );
        let game = read_text(FILE, Some("game")).expect("fine");
        assert_eq!(
            pairs(&game),
            [
                ("RECALL_REGION", "singapore"),
                ("RECALL_SDKAPPID", "1400000000"),
                ("RECALL_USERSIG", "game's")
            ]
        );
        let test = read_text(FILE, Some("test")).expect("fine");
        assert_eq!(
            pairs(&test),
            [
                ("RECALL_ENDPOINT", "http://127.0.0.1:1"),
                ("RECALL_SECRET_KEY", "top")
            ]
        );
    }

    #[test]
    fn an_unknown_key_or_profile_is_told_the_known_ones() {
        let error = read_text("regoin = \"china\"", None)
            .expect_err("no such key")
            .to_string();
        assert!(
            error.contains("\"regoin\"") && error.contains("region"),
            "{error}"
        );
        let error = read_text(FILE, Some("gmae"))
            .expect_err("no such profile")
            .to_string();
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
            let error = read_text(text, None).expect_err(text).to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
