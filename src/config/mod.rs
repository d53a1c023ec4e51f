//! Flags, environment and file, checked once. No type of the argument parser goes further than here.

mod file;

use std::fs;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::api::client::Transport;
use crate::api::credentials::{Auth, Credentials};
use crate::api::endpoint::Endpoint;
use crate::api::secret::Secret;
use crate::api::usersig;
use crate::cli::{PaceArgs, ServiceArgs};
use crate::error::{Error, Result};
use crate::mock::{self, Cap, Mock};
use crate::run::{MaxFailures, Plan};
use file::Layer;

/// The cap of the service, in calls a second (documented).
pub const CAP: u32 = 200;
/// What a ledger calls the endpoint of a rehearsal, whose port changes from run to run.
const MOCK: &str = "mock";
/// The app of a rehearsal.
const MOCK_APP: u64 = 1_400_000_000;

/// Reads a variable of the environment.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The environment of this process.
pub fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where the service is and who calls.
#[derive(Debug)]
pub struct Service {
    /// The mock inside, in a rehearsal; it runs as long as this lives.
    pub mock: Option<Mock>,
    /// The address.
    pub endpoint: Endpoint,
    /// What a ledger calls it.
    pub name: String,
    /// Who calls.
    pub credentials: Credentials,
    /// How to reach it.
    pub transport: Transport,
}

impl Service {
    /// Puts flags, environment and file together, in that order of weight. `ledger` is the endpoint that a
    /// replayed ledger names: where else should its rows go?
    ///
    /// # Errors
    /// Usage, where something is missing or wrong, naming the flag and the variable.
    pub fn new(
        args: &ServiceArgs,
        env: Env<'_>,
        pace: &PaceArgs,
        plan: &Plan,
        ledger: Option<&str>,
    ) -> Result<Self> {
        let file = match &args.config {
            Some(path) => file::read(path, args.profile.as_deref())?,
            None => Layer::new(),
        };
        let settings = file::over(file::environment(env), file);
        let now = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
        let mock = if args.mock {
            Some(start_mock(args)?)
        } else {
            None
        };
        let (endpoint, name, credentials) = if let Some(mock) = &mock {
            let endpoint: Endpoint = format!("http://{}", mock.address()).parse()?;
            let key = Auth::SecretKey(Secret::new("the mock takes any key"));
            let credentials = Credentials::new(MOCK_APP, "administrator", key, now);
            (endpoint, MOCK.to_owned(), credentials)
        } else {
            let endpoint = endpoint(args, &settings, ledger)?;
            let name = endpoint.to_string();
            (endpoint, name, credentials(args, &settings, now)?)
        };
        let cacert = args.cacert.as_deref().map(read_cacert).transpose()?;
        let transport = Transport {
            endpoint: endpoint.clone(),
            timeout: timeout(&pace.timeout)?,
            connections: plan.concurrency.get(),
            cacert,
        };
        let service = Self {
            mock,
            endpoint,
            name,
            credentials,
            transport,
        };
        if !service.endpoint.is_loopback() && plan.rate.is_none_or(|rate| rate.get() > CAP) {
            return Err(Error::usage(format!(
                "--rate {} is above the service's cap of {CAP} calls a second",
                pace.rate
            ))
            .hint("more is for a loopback service only, such as --mock"));
        }
        Ok(service)
    }
}

/// The bounds of a run. Rows that have failed before may fail again, unless flags say otherwise.
///
/// # Errors
/// Usage, naming the flag.
pub fn plan(args: &PaceArgs, limit: Option<u64>, failed_before: bool) -> Result<Plan> {
    let positive = |flag: &str| Error::usage(format!("{flag} must be 1 or more"));
    let usual = if failed_before {
        MaxFailures::Any
    } else {
        MaxFailures::Percent(50.0)
    };
    Ok(Plan {
        rate: rate(&args.rate)?,
        concurrency: NonZeroUsize::new(args.concurrency)
            .ok_or_else(|| positive("--concurrency"))?,
        max_attempts: NonZeroU32::new(args.max_attempts)
            .ok_or_else(|| positive("--max-attempts"))?,
        max_outage: duration("--max-outage", &args.max_outage)?,
        max_failures: args
            .max_failures
            .as_deref()
            .map_or(Ok(usual), max_failures)?,
        limit: limit
            .map(|limit| NonZeroU64::new(limit).ok_or_else(|| positive("--limit")))
            .transpose()?,
    })
}

fn start_mock(args: &ServiceArgs) -> Result<Mock> {
    Mock::start(mock::Options {
        latency: args
            .mock_latency
            .as_deref()
            .map_or(Ok(mock::Latency::default()), str::parse)?,
        faults: args
            .mock_fail
            .iter()
            .map(|fault| fault.parse())
            .collect::<Result<_>>()?,
        cap: args.mock_cap.map(Cap::Sliding),
        seed: args.mock_seed,
        ..mock::Options::default()
    })
}

fn endpoint(args: &ServiceArgs, settings: &Layer, ledger: Option<&str>) -> Result<Endpoint> {
    if let Some(region) = &args.region {
        return Endpoint::of_region(region);
    }
    if let Some(endpoint) = &args.endpoint {
        return endpoint.parse();
    }
    let said = |name| settings.get(name);
    match (said("RECALL_ENDPOINT"), said("RECALL_REGION"), ledger) {
        (Some(_), Some(_), _) => Err(Error::usage(
            "an endpoint and a region are both set, and only one can be meant",
        )
        .hint("unset RECALL_ENDPOINT or RECALL_REGION, or say --endpoint or --region")),
        (Some(endpoint), None, _) => endpoint.parse(),
        (None, Some(region), _) => Endpoint::of_region(region),
        (None, None, Some(MOCK)) => Err(Error::usage("this is the ledger of a rehearsal")
            .hint("add --mock to replay it as one")),
        (None, None, Some(ledger)) => ledger.parse(),
        (None, None, None) => Err(Error::usage("where is the service?").hint(
            "say --region NAME or set RECALL_REGION; --endpoint URL for any other address; --mock to rehearse",
        )),
    }
}

fn credentials(args: &ServiceArgs, settings: &Layer, now: u64) -> Result<Credentials> {
    let app = match (args.sdkappid, settings.get("RECALL_SDKAPPID")) {
        (Some(app), _) => app,
        (None, Some(app)) => app
            .trim()
            .parse()
            .map_err(|_| Error::usage("RECALL_SDKAPPID is not an integer"))?,
        (None, None) => {
            return Err(Error::usage("which app?").hint("set RECALL_SDKAPPID, or say --sdkappid N"));
        }
    };
    let identifier = args
        .identifier
        .clone()
        .or_else(|| settings.get("RECALL_IDENTIFIER").cloned())
        .unwrap_or_else(|| "administrator".to_owned());
    let secret = |name| settings.get(name).map(|value| Secret::new(value.trim()));
    let auth = match (secret("RECALL_SECRET_KEY"), secret("RECALL_USERSIG")) {
        (Some(key), _) => Auth::SecretKey(key),
        (None, Some(usersig)) => {
            check_usersig(&usersig, app, &identifier, now)?;
            Auth::UserSig(usersig)
        }
        (None, None) => {
            return Err(Error::usage("who calls? There is neither a secret key nor a UserSig").hint(
                "set RECALL_SECRET_KEY, and UserSigs are made and renewed from it, or set RECALL_USERSIG",
            ));
        }
    };
    Ok(Credentials::new(app, identifier, auth, now))
}

/// Refuses a `UserSig` that the service would refuse. One that can't be read may still be right.
fn check_usersig(usersig: &Secret, app: u64, identifier: &str, now: u64) -> Result<()> {
    let Ok(claims) = usersig::decode(usersig.expose()) else {
        tracing::warn!("RECALL_USERSIG is none that this tool can read: cut off, perhaps");
        return Ok(());
    };
    let wrong = if claims.app != app {
        format!("is for app {}, and this run is for app {app}", claims.app)
    } else if claims.identifier != identifier {
        format!(
            "is for {:?}, and this run calls as {identifier:?}",
            claims.identifier
        )
    } else if claims.ends() <= now {
        "has run out".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::usage(format!("the UserSig {wrong}"))
        .hint("make a new one, or set RECALL_SECRET_KEY, and they are made and renewed from it"))
}

fn read_cacert(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| {
        Error::usage(format!("cannot read --cacert {}", path.display())).because(error)
    })
}

pub(crate) fn rate(text: &str) -> Result<Option<NonZeroU32>> {
    if text == "max" {
        return Ok(None);
    }
    match text.parse() {
        Ok(rate) => Ok(Some(rate)),
        Err(_) => Err(Error::usage(format!(
            "--rate {text} is not 1 or more, or max"
        ))),
    }
}

fn max_failures(text: &str) -> Result<MaxFailures> {
    let wrong = || {
        Error::usage(format!(
            "--max-failures {text} is not a number of rows, a share such as 20%, or none"
        ))
    };
    if text == "none" {
        return Ok(MaxFailures::Any);
    }
    match text.strip_suffix('%') {
        Some(percent) => percent
            .parse()
            .ok()
            .filter(|percent| (0.0..=100.0).contains(percent))
            .map(MaxFailures::Percent)
            .ok_or_else(wrong),
        None => text.parse().map(MaxFailures::Rows).map_err(|_| wrong()),
    }
}

fn timeout(text: &str) -> Result<Duration> {
    let timeout = duration("--timeout", text)?;
    if timeout.is_zero() {
        return Err(Error::usage("--timeout must be above zero"));
    }
    Ok(timeout)
}

fn duration(flag: &str, text: &str) -> Result<Duration> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| {
            Error::usage(format!(
                "{flag} {text} is not a time such as 10s, 500ms or 30m"
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command, RunArgs};
    use clap::Parser as _;

    fn args(line: &str) -> RunArgs {
        let words = ["recall", "run", "rows.csv"]
            .into_iter()
            .chain(line.split_whitespace());
        match Cli::try_parse_from(words)
            .expect("the flags are fine")
            .command
        {
            Command::Run(args) => args,
            other => panic!("{other:?}"),
        }
    }

    fn service(line: &str, env: &[(&str, &str)]) -> Result<Service> {
        let args = args(line);
        let plan = plan(&args.pace, args.limit, false)?;
        let look_up = |name: &str| {
            let found = env.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Service::new(&args.service, &look_up, &args.pace, &plan, None)
    }

    const WHO: [(&str, &str); 2] = [("RECALL_SDKAPPID", "1400000000"), ("RECALL_USERSIG", "eJw")];

    #[test]
    fn flags_weigh_more_than_the_environment() {
        let mut env = WHO.to_vec();
        env.push(("RECALL_REGION", "tokyo"));
        env.push(("RECALL_IDENTIFIER", "root"));
        let from_env = service("", &env).expect("complete");
        assert_eq!(from_env.name, "https://adminapijpn.im.qcloud.com");
        assert_eq!(from_env.credentials.identifier, "root");
        let flags = service("--region seoul --sdkappid 7 --identifier me", &env).expect("complete");
        assert_eq!(flags.name, "https://adminapikr.im.qcloud.com");
        assert_eq!(
            (flags.credentials.app, flags.credentials.identifier.as_str()),
            (7, "me")
        );
    }

    #[test]
    fn what_is_missing_is_asked_for_by_name() {
        let missing =
            |line: &str, env: &[(&str, &str)]| service(line, env).expect_err(line).to_string();
        assert!(missing("", &[]).contains("RECALL_REGION"));
        assert!(missing("--region china", &[]).contains("RECALL_SDKAPPID"));
        assert!(missing("--region china", &WHO[..1]).contains("RECALL_SECRET_KEY"));
    }

    #[test]
    fn nothing_above_the_cap_goes_to_a_real_service() {
        for rate in ["201", "max"] {
            let error = service(&format!("--region china --rate {rate}"), &WHO).expect_err(rate);
            assert!(
                error.to_string().contains("above the service's cap"),
                "{error}"
            );
            service(
                &format!("--endpoint http://127.0.0.1:1 --rate {rate}"),
                &WHO,
            )
            .expect(rate);
        }
        service("--region china --rate 200", &WHO).expect("the cap itself");
    }

    #[test]
    fn a_usersig_of_somebody_else_or_of_yesterday_is_refused() {
        let now = u64::try_from(Timestamp::now().as_second()).expect("after 1970");
        let refused = |app: u64, identifier: &str, time: u64| {
            let usersig = usersig::mint(&Secret::new("key"), app, identifier, time, 3_600);
            let env = [
                ("RECALL_SDKAPPID", "7"),
                ("RECALL_USERSIG", usersig.expose()),
            ];
            service("--region china", &env)
                .err()
                .map(|error| error.to_string())
        };
        assert_eq!(refused(7, "administrator", now), None);
        for (app, identifier, time, words) in [
            (8, "administrator", now, "is for app 8"),
            (7, "somebody", now, "is for \"somebody\""),
            (7, "administrator", now - 3_601, "has run out"),
        ] {
            let error = refused(app, identifier, time).expect(words);
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn bounds_are_read_and_bad_ones_refused() {
        let plan_of = |line: &str| {
            let args = args(line);
            plan(&args.pace, args.limit, false)
        };
        let usual = plan_of("").expect("defaults");
        assert_eq!(usual.rate.map(NonZeroU32::get), Some(200));
        assert_eq!(usual.max_failures, MaxFailures::Percent(50.0));
        assert_eq!(usual.max_outage, Duration::from_secs(1_800));
        let other = plan_of("--rate max --max-failures 7 --max-outage 0 --limit 3").expect("fine");
        assert_eq!(
            (other.rate, other.max_failures),
            (None, MaxFailures::Rows(7))
        );
        assert_eq!(other.max_outage, Duration::ZERO);
        for bad in [
            "--rate 0",
            "--rate x",
            "--rate -1",
            "--concurrency 0",
            "--max-attempts 0",
            "--limit 0",
            "--max-failures x",
            "--max-failures 101%",
            "--max-failures -1",
            "--max-outage x",
        ] {
            let words = format!("recall run rows.csv {}", bad.replacen(' ', "=", 1));
            let parsed = Cli::try_parse_from(words.split_whitespace());
            if let Ok(Cli {
                command: Command::Run(args),
            }) = parsed
            {
                plan(&args.pace, args.limit, false).expect_err(bad);
            }
        }
    }

    #[test]
    fn rows_that_failed_before_are_not_guarded_unless_asked_for() {
        let max = |line: &str| {
            plan(&args(line).pace, None, true)
                .expect("fine")
                .max_failures
        };
        assert_eq!(max(""), MaxFailures::Any);
        assert_eq!(max("--max-failures 10%"), MaxFailures::Percent(10.0));
    }
}
