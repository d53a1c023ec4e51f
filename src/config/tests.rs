//! Tests of how flags, environment and file combine.

use std::time::Duration;

use super::*;
use crate::api::secret::Secret;
use crate::cli::{Cli, Command, RunArgs};
use crate::run::MaxFailures;
use clap::Parser as _;

fn args(line: &str) -> RunArgs {
    let words = ["recall", "run", "rows.csv"]
        .into_iter()
        .chain(line.split_whitespace());
    match Cli::try_parse_from(words).expect("valid flags").command {
        Command::Run(args) => args,
        other => panic!("{other:?}"),
    }
}

fn settings(args: &RunArgs, env: &[(&str, &str)]) -> Result<Settings> {
    let env = env.iter();
    let env = env.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::of_run(&args.service, &args.pace, &env.collect())
}

fn service(line: &str, env: &[(&str, &str)]) -> Result<Service> {
    let args = args(line);
    let settings = settings(&args, env)?;
    let plan = plan(&settings, args.limit, false)?;
    Service::new(&args.service, &settings, &plan, None)
}

fn plan_of(line: &str, failed_before: bool) -> Result<Plan> {
    let args = args(line);
    plan(&settings(&args, &[])?, args.limit, failed_before)
}

const WHO: [(&str, &str); 2] = [("RECALL_SDKAPPID", "1400000000"), ("RECALL_USERSIG", "eJw")];

#[test]
fn flags_override_the_environment() {
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
fn carriage_returns_from_an_env_file_are_trimmed_from_the_caller() {
    let env = [
        ("RECALL_SDKAPPID", "7\r"),
        ("RECALL_IDENTIFIER", "root\r"),
        ("RECALL_SECRET_KEY", "key\r"),
        ("RECALL_REGION", "tokyo"),
    ];
    let service = service("", &env).expect("complete");
    assert_eq!(service.name, "https://adminapijpn.im.qcloud.com");
    let Credentials {
        app, identifier, ..
    } = service.credentials;
    assert_eq!((app, identifier.as_str()), (7, "root"));
}

#[test]
fn an_error_names_the_missing_setting() {
    let missing =
        |line: &str, env: &[(&str, &str)]| service(line, env).expect_err(line).to_string();
    assert!(missing("", &[]).contains("RECALL_REGION"));
    assert!(missing("--region china", &[]).contains("RECALL_SDKAPPID"));
    assert!(missing("--region china", &WHO[..1]).contains("RECALL_SECRET_KEY"));
}

#[test]
fn a_rate_above_the_cap_is_refused_for_a_real_service() {
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
fn an_unreachable_rate_is_refused() {
    for rate in ["0", "1000001", "4294967295", "4294967296"] {
        let error = service(
            &format!("--endpoint http://127.0.0.1:1 --rate {rate}"),
            &WHO,
        );
        let error = error.expect_err(rate).to_string();
        assert!(error.contains("is not 1 to 1000000, or max"), "{error}");
    }
    service("--endpoint http://127.0.0.1:1 --rate 1000000", &WHO).expect("the highest");
}

#[test]
fn a_usersig_of_another_app_or_account_or_an_expired_one_is_refused() {
    let now = usersig::now();
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
        (7, "administrator", now - 3_601, "has expired"),
    ] {
        let error = refused(app, identifier, time).expect(words);
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn limits_are_parsed_and_invalid_ones_refused() {
    let default = plan_of("", false).expect("defaults");
    assert_eq!(format!("{default:?}"), format!("{:?}", Plan::default()));
    let other = plan_of("--rate max --max-failures 7 --max-outage 0", false).expect("fine");
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
        "--max-failures x",
        "--max-failures 101%",
        "--max-failures -1",
        "--max-outage x",
    ] {
        plan_of(&bad.replacen(' ', "=", 1), false).expect_err(bad);
    }
}

#[test]
fn flags_override_the_environment_which_overrides_the_file_which_overrides_the_defaults() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("recall.toml");
    let text = "rate = 50\nmax_attempts = 3\n[profile.slow]\nrate = \"5\"\ntimeout = \"1s\"\n";
    std::fs::write(&file, text).expect("written");
    let plan = |line: &str, env: &[(&str, &str)]| {
        let args = args(&format!("--config {} {line}", file.display()));
        plan(&settings(&args, env)?, None, false)
    };
    let rate = |line: &str, env: &[(&str, &str)]| {
        let plan = plan(line, env).expect("fine");
        (plan.cap(), plan.max_attempts.get())
    };
    let env = [("RECALL_RATE", "20"), ("RECALL_PROFILE", "slow")];
    assert_eq!(rate("", &[]), (Some(50), 3));
    assert_eq!(rate("--profile slow", &[]), (Some(5), 3));
    assert_eq!(rate("", &env[1..]), (Some(5), 3));
    assert_eq!(rate("", &env), (Some(20), 3));
    assert_eq!(rate("--rate 30 --max-attempts 2", &env), (Some(30), 2));
    let wrong = plan("", &[("RECALL_RATE", "fast")]).expect_err("not a rate");
    assert!(wrong.to_string().starts_with("RECALL_RATE fast"), "{wrong}");
}

#[test]
fn rows_that_failed_before_have_no_failure_limit_unless_one_is_set() {
    let max = |line| plan_of(line, true).expect("fine").max_failures;
    assert_eq!(max(""), MaxFailures::Any);
    assert_eq!(max("--max-failures 10%"), MaxFailures::Percent(10.0));
}
