//! Settings from flags, environment, configuration file and defaults, in this order of precedence.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::file;
use crate::cli::{CallerArgs, FileArgs, PaceArgs, ServiceArgs};
use crate::error::{Error, Result};

/// All settings. Each is a key in the file, an environment variable and, except for secrets, a
/// flag: `max_outage`, `RECALL_MAX_OUTAGE`, `--max-outage`.
pub(super) const KEYS: [&str; 12] = [
    "sdkappid",
    "identifier",
    "secret_key",
    "usersig",
    "region",
    "endpoint",
    "rate",
    "concurrency",
    "max_attempts",
    "timeout",
    "max_outage",
    "max_failures",
];
/// The defaults.
pub(super) const BUILT_IN: [(&str, &str); 6] = [
    ("identifier", "administrator"),
    ("rate", "200"),
    ("concurrency", "200"),
    ("max_attempts", "8"),
    ("timeout", "10s"),
    ("max_outage", "30m"),
];
/// The variables that name the file and the profile in it.
const CONFIG: &str = "RECALL_CONFIG";
const PROFILE: &str = "RECALL_PROFILE";

/// Environment variables, by name.
pub type Env = BTreeMap<String, String>;

/// Returns recall's variables in the environment of this process.
///
/// # Errors
/// Usage, if a value is not UTF-8; the error does not show it, since it may be a secret.
pub fn process_env() -> Result<Env> {
    read_env(std::env::vars_os())
}

fn read_env(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Env> {
    variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, value)| name.starts_with("RECALL_") && !value.is_empty())
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(Error::usage(format!("{name} is not UTF-8"))
                .hint("a file whose name is not UTF-8 can be passed by its flag")),
        })
        .collect()
}

/// A value, and where it was set. It may be a secret, so there is no `Debug`.
pub(super) struct Setting {
    pub(super) value: String,
    /// The flag, the variable, or the file and key.
    pub(super) from: String,
}

/// A key, and the value of its flag.
type Flag<'a> = (&'static str, &'a Option<String>);

/// The settings from one place, by key.
pub(super) type Layer = BTreeMap<&'static str, Setting>;

/// All settings.
pub struct Settings {
    /// Highest precedence first.
    layers: Vec<Layer>,
}

impl Settings {
    /// Returns the settings of a run.
    ///
    /// # Errors
    /// As [`of_caller`](Self::of_caller).
    pub fn of_run(service: &ServiceArgs, pace: &PaceArgs, env: &Env) -> Result<Self> {
        let flags = [
            ("region", &service.region),
            ("endpoint", &service.endpoint),
            ("rate", &pace.rate),
            ("concurrency", &pace.concurrency),
            ("max_attempts", &pace.max_attempts),
            ("timeout", &pace.timeout),
            ("max_outage", &pace.max_outage),
            ("max_failures", &pace.max_failures),
        ];
        Self::new(&who(&service.caller), &flags, &service.caller.file, env)
    }

    /// Returns the settings of a command that makes no calls.
    ///
    /// # Errors
    /// Usage, if the file can't be read or contains an unknown key; the hint lists the known ones.
    pub fn of_caller(caller: &CallerArgs, env: &Env) -> Result<Self> {
        Self::new(&who(caller), &[], &caller.file, env)
    }

    /// Returns the settings of a command without flags for the caller.
    ///
    /// # Errors
    /// As [`of_caller`](Self::of_caller).
    pub fn of_file(file: &FileArgs, env: &Env) -> Result<Self> {
        Self::new(&[], &[], file, env)
    }

    fn new(who: &[Flag], flags: &[Flag], file: &FileArgs, env: &Env) -> Result<Self> {
        for name in unknown(env) {
            let known: Vec<_> = known().collect();
            tracing::warn!(
                "{name:?} is set, but recall has no such variable; its variables are {}",
                known.join(", ")
            );
        }
        let flags = who.iter().chain(flags).filter_map(|(key, value)| {
            let value = value.as_ref()?.clone();
            let from = format!("--{}", key.replace('_', "-"));
            Some((*key, Setting { value, from }))
        });
        let variables = KEYS.into_iter().filter_map(|key| {
            let from = variable(key);
            let value = env.get(&from)?.clone();
            Some((key, Setting { value, from }))
        });
        let built_in = BUILT_IN.into_iter().map(|(key, value)| {
            let (value, from) = (value.to_owned(), format!("the default {key}"));
            (key, Setting { value, from })
        });
        let mut layers = vec![flags.collect(), variables.collect()];
        layers.extend(of_file(file, env)?);
        layers.push(built_in.collect());
        Ok(Self { layers })
    }

    /// Returns the effective setting for a key.
    pub(super) fn get(&self, key: &str) -> Option<&Setting> {
        self.layers.iter().find_map(|layer| layer.get(key))
    }

    /// Returns the effective settings for two alternative keys: the first layer with either of them
    /// determines both.
    pub(super) fn either(&self, keys: [&str; 2]) -> [Option<&Setting>; 2] {
        let has_either = |layer: &&Layer| keys.iter().any(|key| layer.contains_key(key));
        match self.layers.iter().find(has_either) {
            Some(layer) => keys.map(|key| layer.get(key)),
            None => [None, None],
        }
    }
}

/// Returns the flags that set the caller.
fn who(caller: &CallerArgs) -> [Flag<'_>; 2] {
    [
        ("sdkappid", &caller.sdkappid),
        ("identifier", &caller.identifier),
    ]
}

fn of_file(file: &FileArgs, env: &Env) -> Result<Vec<Layer>> {
    let config = file.config.clone();
    let config = config.or_else(|| env.get(CONFIG).map(PathBuf::from));
    let profile = match (&file.profile, env.get(PROFILE)) {
        (Some(profile), _) => Some((profile, "--profile")),
        (None, Some(profile)) => Some((profile, PROFILE)),
        (None, None) => None,
    };
    match (config, profile) {
        (Some(path), profile) => file::read(&path, profile.map(|(profile, _)| &**profile)),
        (None, Some((profile, from))) => Err(Error::usage(format!(
            "{from} {profile} needs a configuration file"
        ))
        .hint("pass --config FILE or set RECALL_CONFIG")),
        (None, None) => Ok(Vec::new()),
    }
}

/// Returns the environment variable for a key.
fn variable(key: &str) -> String {
    format!("RECALL_{}", key.to_ascii_uppercase())
}

fn known() -> impl Iterator<Item = String> {
    let places = [CONFIG, PROFILE].map(ToOwned::to_owned);
    KEYS.into_iter().map(variable).chain(places)
}

/// Returns variables that look like recall's but aren't: probably typos.
fn unknown(env: &Env) -> impl Iterator<Item = &str> {
    env.keys()
        .filter(|name| known().all(|known| known != **name))
        .map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory as _;

    #[test]
    fn a_misspelled_variable_is_found() {
        let set = [
            "RECALL_SECRETKEY",
            "RECALL_SECRET_KEY",
            "RECALL_CONFIG",
            "RECALL_RATE",
        ];
        let env = Env::from(set.map(|name| (name.to_owned(), "x".to_owned())));
        assert_eq!(unknown(&env).collect::<Vec<_>>(), ["RECALL_SECRETKEY"]);
    }

    #[test]
    fn the_help_names_the_defaults() {
        let cli = Cli::command();
        let run = cli.find_subcommand("run").expect("it exists");
        for (key, value) in BUILT_IN {
            let flag = run.get_arguments().find(|flag| flag.get_id() == key);
            let help = flag.and_then(clap::Arg::get_help).expect(key).to_string();
            assert!(help.ends_with(&format!("[default: {value}]")), "{help}");
        }
    }
}
