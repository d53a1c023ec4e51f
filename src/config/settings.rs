//! What flags, environment, file and this tool itself say, in this order of weight.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::file;
use crate::cli::{CallerArgs, FileArgs, PaceArgs, ServiceArgs};
use crate::error::{Error, Result};

/// All that can be set. Each is a key of the file, a variable of the environment and, but for the
/// secrets, a flag: `max_outage`, `RECALL_MAX_OUTAGE`, `--max-outage`.
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
/// What holds where nobody says anything else.
pub(super) const BUILT_IN: [(&str, &str); 6] = [
    ("identifier", "administrator"),
    ("rate", "200"),
    ("concurrency", "200"),
    ("max_attempts", "8"),
    ("timeout", "10s"),
    ("max_outage", "30m"),
];
/// Where the file is, and which of its profiles is meant.
const CONFIG: &str = "RECALL_CONFIG";
const PROFILE: &str = "RECALL_PROFILE";

/// Variables of the environment, by name.
pub type Env = BTreeMap<String, String>;

/// This tool's variables in the environment of this process.
///
/// # Errors
/// Usage, where one is no UTF-8; it does not show the value, which may be a secret.
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
                .hint("a file whose name is not can be given by its flag")),
        })
        .collect()
}

/// A value, and who said it. It may be a secret, so it does not print.
pub(super) struct Setting {
    pub(super) value: String,
    /// The flag, the variable, or file and key.
    pub(super) from: String,
}

/// A key, and what its flag says.
type Flag<'a> = (&'static str, &'a Option<String>);

/// What is set in one place, by key.
pub(super) type Layer = BTreeMap<&'static str, Setting>;

/// Everything that is set.
pub struct Settings {
    /// The weightiest first.
    layers: Vec<Layer>,
}

impl Settings {
    /// What is set for a run.
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

    /// What is set for a command that makes no calls.
    ///
    /// # Errors
    /// Usage, where the file can't be read, or says what nobody understands; it lists what there
    /// is.
    pub fn of_caller(caller: &CallerArgs, env: &Env) -> Result<Self> {
        Self::new(&who(caller), &[], &caller.file, env)
    }

    /// What is set where no flag says who calls.
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

    /// What counts for a key.
    pub(super) fn get(&self, key: &str) -> Option<&Setting> {
        self.layers.iter().find_map(|layer| layer.get(key))
    }

    /// What counts for two keys that answer the same question: whoever says one of them says it
    /// all.
    pub(super) fn either(&self, keys: [&str; 2]) -> [Option<&Setting>; 2] {
        let said = |layer: &&Layer| keys.iter().any(|key| layer.contains_key(key));
        match self.layers.iter().find(said) {
            Some(layer) => keys.map(|key| layer.get(key)),
            None => [None, None],
        }
    }
}

/// The flags that say who calls.
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
        .hint("say --config FILE or set RECALL_CONFIG")),
        (None, None) => Ok(Vec::new()),
    }
}

/// The variable that says what a key of the file says.
fn variable(key: &str) -> String {
    format!("RECALL_{}", key.to_ascii_uppercase())
}

fn known() -> impl Iterator<Item = String> {
    let places = [CONFIG, PROFILE].map(ToOwned::to_owned);
    KEYS.into_iter().map(variable).chain(places)
}

/// Variables that look like this tool's and are none: a slip of the hand.
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
    fn a_variable_that_looks_like_ours_and_is_none_is_found() {
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
    fn the_help_tells_what_is_built_in() {
        let cli = Cli::command();
        let run = cli.find_subcommand("run").expect("there is one");
        for (key, value) in BUILT_IN {
            let flag = run.get_arguments().find(|flag| flag.get_id() == key);
            let help = flag.and_then(clap::Arg::get_help).expect(key).to_string();
            assert!(help.ends_with(&format!("[default: {value}]")), "{help}");
        }
    }
}
