//! The configuration file, tested by its effects.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;

use recall_worker::api::secret::Secret;
use recall_worker::api::usersig;

use crate::stage::{Answer, Finished, Place, SECRET_KEY, Service, rows};

/// A place with a configuration file of two apps.
fn place(service: &Service) -> Place {
    let place = Place::with_rows(rows(1));
    place.write(
        "recall.toml",
        format!(
            "endpoint = \"http://{}\"\nidentifier = \"top\"\n\
             [profile.game]\nsdkappid = 7\nsecret_key = \"{SECRET_KEY}\"\nidentifier = \"gamer\"\n\
             [profile.other]\nsdkappid = 8\n",
            service.address()
        ),
    );
    chmod(&place, 0o600);
    place
}

fn chmod(place: &Place, mode: u32) {
    set_permissions(place.path("recall.toml"), Permissions::from_mode(mode)).unwrap();
}

fn run(place: &Place) -> crate::stage::Recall {
    let run = place
        .run("rows.csv")
        .without("RECALL_SDKAPPID")
        .without("RECALL_USERSIG");
    run.with(["--config", "recall.toml", "--profile", "game"])
}

#[test]
fn a_profile_sets_the_caller_and_the_endpoint() {
    let service = Service::good();
    let place = place(&service);
    let done = run(&place).finish().exits(0);
    let call = &service.requests()[0];
    let parameters = call.parameters();
    assert!(
        parameters.contains(&("sdkappid".to_owned(), "7".to_owned())),
        "{parameters:?}"
    );
    assert!(
        parameters.contains(&("identifier".to_owned(), "gamer".to_owned())),
        "{parameters:?}"
    );
    done.never_says("chmod");
}

#[test]
fn the_environment_overrides_the_file_and_flags_override_both() {
    let service = Service::good();
    let place = place(&service);
    run(&place)
        .env("RECALL_SDKAPPID", "9")
        .env("RECALL_IDENTIFIER", "env")
        .with(["--identifier", "flag"])
        .finish()
        .exits(0);
    let parameters = service.requests()[0].parameters();
    assert!(
        parameters.contains(&("sdkappid".to_owned(), "9".to_owned())),
        "{parameters:?}"
    );
    assert!(
        parameters.contains(&("identifier".to_owned(), "flag".to_owned())),
        "{parameters:?}"
    );
}

#[test]
fn a_secret_that_others_can_read_gets_a_warning() {
    let service = Service::good();
    let place = place(&service);
    chmod(&place, 0o644);
    let done = run(&place).finish().exits(0).says("chmod 600 recall.toml");
    done.never_says(SECRET_KEY);
}

#[test]
fn an_unknown_profile_is_refused_and_the_known_ones_are_listed() {
    let service = Service::good();
    let place = place(&service);
    let words = [
        "run",
        "rows.csv",
        "--config",
        "recall.toml",
        "--profile",
        "gmae",
    ];
    place.recall(words).finish().exits(2).says("game, other");
    assert_eq!(service.calls(), 0);
}

#[test]
fn the_environment_can_name_the_file_and_the_profile() {
    let service = Service::good();
    let place = place(&service);
    let run = || {
        let run = place.recall(["run", "rows.csv"]).without("RECALL_USERSIG");
        let run = run.without("RECALL_SDKAPPID");
        run.env("RECALL_CONFIG", "recall.toml")
            .env("RECALL_PROFILE", "game")
    };
    run().finish().exits(0);
    assert_eq!(service.requests()[0].parameter("sdkappid"), "7");
    let other = run().with(["--profile", "other", "--ledger", "2"]);
    other.finish().exits(2).says("RECALL_SECRET_KEY");
    let gone = run().with(["--config", "gone.toml"]).finish().exits(2);
    gone.says("gone.toml");
}

#[test]
fn a_profile_without_a_file_is_refused() {
    let service = Service::good();
    let place = place(&service);
    let run = || place.run("rows.csv").on(service.address());
    let by_flag = run().with(["--profile", "game"]).finish().exits(2);
    by_flag.says("--profile game").says("--config");
    let by_variable = run().env("RECALL_PROFILE", "game").finish().exits(2);
    by_variable
        .says("RECALL_PROFILE game")
        .says("RECALL_CONFIG");
    assert_eq!(service.calls(), 0);
}

#[test]
fn a_misspelt_variable_gets_a_warning_that_does_not_show_its_value() {
    let service = Service::good();
    let place = Place::with_rows(rows(1));
    let run = place.run("rows.csv").on(service.address());
    let run = run.env("RECALL_SECRETKEY", SECRET_KEY);
    let done = run.finish().exits(0);
    done.never_says(SECRET_KEY);
    done.says("\"RECALL_SECRETKEY\" is set")
        .says("RECALL_SECRET_KEY");
    let run = place.run("rows.csv").on(service.address());
    let fine = run.with(["--ledger", "2"]).finish().exits(0);
    fine.never_says("is set");
}

/// Where a setting comes from, apart from its flag.
#[derive(Clone, Copy, Debug)]
enum Source {
    File,
    Environment,
}

/// A run with this setting from this source.
fn run_with(
    place: &Place,
    service: &Service,
    source: Source,
    key: &str,
    value: &str,
) -> crate::stage::Recall {
    let run = place.recall(["run", "rows.csv"]).on(service.address());
    match source {
        Source::File => {
            place.write("pace.toml", format!("{key} = {value}"));
            run.with(["--config", "pace.toml"])
        }
        Source::Environment => {
            let variable = format!("RECALL_{}", key.to_uppercase());
            run.env(&variable, value.trim_matches('"'))
        }
    }
}

const EITHER: [Source; 2] = [Source::File, Source::Environment];

#[test]
fn file_and_environment_can_set_concurrency() {
    for source in EITHER {
        let (service, gate) = Service::gated();
        let place = Place::with_rows(rows(30));
        let running = run_with(&place, &service, source, "concurrency", "3").start();
        service.wait_until_called(3);
        gate.open();
        running.finish().exits(0);
        assert_eq!(
            (service.calls(), service.max_in_flight()),
            (30, 3),
            "{source:?}"
        );
    }
}

#[test]
fn file_and_environment_can_set_max_attempts_and_the_flag_overrides_them() {
    for source in EITHER {
        let service = Service::start(|_| Answer::code(10002));
        let place = Place::with_rows(rows(1));
        let run = |value| run_with(&place, &service, source, "max_attempts", value);
        run("2").finish().exits(3);
        assert_eq!(service.calls(), 2, "{source:?}");
        let flag = ["--max-attempts", "1", "--ledger", "2"];
        run("2").with(flag).finish().exits(3);
        assert_eq!(service.calls(), 3, "{source:?}");
    }
}

#[test]
fn file_and_environment_can_set_the_rate() {
    for source in EITHER {
        let service = Service::good();
        let place = Place::with_rows(rows(6));
        let run = run_with(&place, &service, source, "rate", "3").with(["--json"]);
        let done = run.finish().exits(0);
        assert!(
            done.count("worst_second") <= 3,
            "{source:?}: {}",
            done.stdout
        );
        assert_eq!(done.json()["limited_by"], "cap", "{source:?}");
        let wrong = run_with(&place, &service, source, "rate", "0")
            .finish()
            .exits(2);
        wrong.says(match source {
            Source::File => "pace.toml: rate 0",
            Source::Environment => "RECALL_RATE 0",
        });
    }
}

#[test]
fn a_variable_that_is_not_utf_8_is_refused() {
    use std::os::unix::ffi::OsStringExt as _;
    let service = Service::good();
    let place = Place::with_rows(rows(1));
    for name in ["RECALL_RATE", "RECALL_CONFIG"] {
        let value = std::ffi::OsString::from_vec(b"5\xff".to_vec());
        let run = place.run("rows.csv").on(service.address());
        let done = run.env(name, value).finish().exits(2);
        done.says(&format!("{name} is not UTF-8"));
    }
    assert_eq!(service.calls(), 0);
}

#[test]
fn file_and_environment_can_set_timeout_max_outage_and_max_failures() {
    for source in EITHER {
        let service = Service::start(|_| Answer::silence());
        let place = Place::with_rows(rows(1));
        let run = run_with(&place, &service, source, "timeout", "\"200ms\"");
        run.with(["--max-attempts", "1"]).finish().exits(3);
        assert_eq!(place.ledger().entries[0].code, -1, "{source:?}");

        let service = Service::start(|_| Answer::code(10002));
        let place = Place::with_rows(rows(30));
        let run = run_with(&place, &service, source, "max_outage", "0");
        run.with(["--max-attempts", "1"])
            .finish()
            .exits(4)
            .says("the first 20 rows");

        let service = Service::start(|_| Answer::code(10010));
        let place = Place::with_rows(rows(30));
        let run = run_with(&place, &service, source, "max_failures", "2");
        run.with(["--concurrency", "1"]).finish().exits(4);
        assert_eq!(service.calls(), 3, "{source:?}");
    }
}

/// Returns the result of a dry run that this configuration file makes fail.
#[track_caller]
fn refused(text: &str) -> Finished {
    let place = Place::with_rows(rows(1));
    place.write("cfg.toml", text);
    let words = ["run", "rows.csv", "--dry-run", "--config", "cfg.toml"];
    place.recall(words).finish().exits(2)
}

#[test]
fn a_syntax_error_is_reported_with_its_line_and_cause() {
    const QUOTES: &str = "put text in quotes";
    for (text, words, about_quotes) in [
        (
            "region = \"tokyo\"\nregion = \"tokyo\"\n",
            "cfg.toml, line 2: \"region\" is set twice",
            false,
        ),
        (
            "[profile.a]\nrate = 1\n[profile.a]\n",
            "cfg.toml, line 3: duplicate key",
            false,
        ),
        ("rate = 1\nregion = tokyo\n", "cfg.toml, line 2", true),
        ("timeout = 10s\n", "cfg.toml, line 1", true),
        ("max_failures = 20%\n", "cfg.toml, line 1", true),
        ("region = \"tokyo\n", "cfg.toml, line 1", false),
        (
            "region\n",
            "cfg.toml, line 1 is not TOML: key with no value",
            false,
        ),
        (
            "region =\n",
            "cfg.toml, line 1 is not TOML: the value is missing",
            false,
        ),
        ("[profile.a\n", "cfg.toml, line 1", false),
    ] {
        let done = refused(text).says(words);
        let mentions_quotes = done.stderr.contains(QUOTES);
        assert_eq!(mentions_quotes, about_quotes, "{text}: {}", done.stderr);
    }
}

#[test]
fn no_error_in_the_file_shows_a_secret() {
    for key in ["secret_key", "usersig"] {
        for value in [
            "s3cret",
            "'s3cret",
            "\"s3cret\" s3cret",
            "['s3cret']",
            "\"s3cret\"\nKEY = \"s3cret\"",
            "\"\"\"s3cret\ns3cret",
            "1s3cret",
            "{ s3cret = 1, s3cret = 2 }",
            "'s3cret'\nregoin = 's3cret'",
        ] {
            let text = format!("{key} = {}\n", value.replace("KEY", key));
            let done = refused(&text).says("cfg.toml");
            assert!(!done.stderr.contains("s3cret"), "{text}: {}", done.stderr);
        }
    }
}

#[test]
fn an_unknown_key_is_reported_with_its_line_and_the_known_keys() {
    for (text, words) in [
        (
            "rate = 1\nregoin = \"tokyo\"\n",
            "line 2: there is no key \"regoin\"",
        ),
        (
            "rate = 1\n[profile.a]\n\nsdkapid = 1\n",
            "line 4: there is no key \"sdkapid\"",
        ),
        (
            "[profil.a]\nrate = 1\n",
            "line 1: there is no key \"profil\"",
        ),
    ] {
        let done = refused(text).says("cfg.toml, ").says(words);
        done.says("sdkappid, identifier").says("[profile.NAME]");
    }
}

#[test]
fn an_invalid_region_or_endpoint_is_reported_with_its_source() {
    let place = Place::with_rows(rows(1));
    let dry = || place.recall(["run", "rows.csv", "--dry-run"]);
    for (key, value, why) in [
        ("region", "singapur", "is not a region"),
        ("region", "singapur", "china, singapore, seoul"),
        ("endpoint", "http://example.com", "unencrypted"),
        ("endpoint", "example.com", "is not a URL"),
        ("endpoint", "ftp://example.com", "must start with https://"),
        ("endpoint", "https://a:b@example.com", "no user"),
    ] {
        place.write("cfg.toml", format!("[profile.x]\n{key} = \"{value}\"\n"));
        let file = dry().with(["--config", "cfg.toml", "--profile", "x"]);
        file.finish()
            .exits(2)
            .says(&format!("cfg.toml, profile x: {key}"))
            .says(why);
        let variable = format!("RECALL_{}", key.to_uppercase());
        let by_variable = dry().env(&variable, value).finish().exits(2);
        by_variable.says(&variable).says(why);
        let flag = format!("--{key}");
        let by_flag = dry().with([&*flag, value]).finish().exits(2);
        by_flag.says(&flag).says(why);
    }
}

#[test]
fn invalid_credentials_are_refused_before_any_call() {
    let service = Service::good();
    let place = Place::with_rows(rows(1));
    let run = || {
        let run = place.run("rows.csv").on(service.address());
        run.with(["--preflight"])
    };
    for (flag, values) in [
        ("--sdkappid", &["0", "", "-1", "app", "1.5"][..]),
        ("--identifier", &["", " "]),
    ] {
        for value in values {
            let done = run().with([format!("{flag}={value}")]).finish();
            done.exits(2).says(flag);
        }
    }
    let zero = run().env("RECALL_SDKAPPID", "0").finish().exits(2);
    zero.says("RECALL_SDKAPPID");
    for (key, value) in [
        ("sdkappid", "0"),
        ("sdkappid", "-5"),
        ("sdkappid", "99999999999999999999"),
        ("identifier", "''"),
        ("usersig", "''"),
        ("secret_key", "' '"),
    ] {
        place.write("cfg.toml", format!("{key} = {value}\n"));
        let run = run().with(["--config", "cfg.toml"]);
        let run = run.without("RECALL_SDKAPPID").without("RECALL_USERSIG");
        let run = if key == "sdkappid" {
            run
        } else {
            run.env("RECALL_SDKAPPID", "7")
        };
        run.finish().exits(2).says(&format!("cfg.toml: {key}"));
    }
    assert_eq!(service.calls(), 0);
    // An empty variable counts as unset.
    run().env("RECALL_IDENTIFIER", "").finish().exits(0);
    assert_eq!(
        service.requests()[0].parameter("identifier"),
        "administrator"
    );
}

#[test]
fn of_key_and_usersig_the_nearer_source_wins_and_a_warning_names_it() {
    let service = Service::good();
    let place = Place::with_rows(rows(1));
    let mut nth = 0;
    let mut used = |file: &str, env: &[(&str, &str)]| {
        nth += 1;
        place.write("cfg.toml", file);
        let run = place.run("rows.csv").on(service.address());
        let run = run.without("RECALL_USERSIG");
        let run = run.with(["--config", "cfg.toml", "--ledger", &nth.to_string()]);
        let run = env
            .iter()
            .fold(run, |run, (name, value)| run.env(name, *value));
        let done = run.finish().exits(0);
        let sent = service.requests().last().unwrap().parameter("usersig");
        assert!(!done.stderr.contains(SECRET_KEY), "{}", done.stderr);
        (if sent == "brought" { "usersig" } else { "key" }, done)
    };
    let (key, sig) = (
        ("RECALL_SECRET_KEY", SECRET_KEY),
        ("RECALL_USERSIG", "brought"),
    );
    let key_in_file = format!("secret_key = \"{SECRET_KEY}\"\n");
    let both_in_file = format!("{key_in_file}usersig = \"brought\"\n");
    for (file, env, expected, warning) in [
        (
            "",
            &[key, sig][..],
            "key",
            "RECALL_SECRET_KEY and RECALL_USERSIG are both set",
        ),
        (
            &*both_in_file,
            &[],
            "key",
            "cfg.toml: secret_key and cfg.toml: usersig are both set",
        ),
        (
            &*key_in_file,
            &[sig],
            "usersig",
            "RECALL_USERSIG is used, not cfg.toml: secret_key",
        ),
        ("usersig = \"brought\"\n", &[key], "key", ""),
        (&*key_in_file, &[], "key", ""),
    ] {
        let (got, done) = used(file, env);
        assert_eq!(got, expected, "{file}");
        let warned = done.stderr.contains(" set: ") || done.stderr.contains("is used, not");
        assert_eq!(warned, !warning.is_empty(), "{}", done.stderr);
        done.says(warning);
    }
}

#[test]
fn an_expired_usersig_that_overrides_a_key_is_refused_with_the_advice_to_unset_it() {
    let service = Service::good();
    let place = Place::with_rows(rows(1));
    let key = Secret::new(SECRET_KEY);
    let old = usersig::mint(&key, 1_400_000_000, "administrator", 1_700_000_000, 60);
    place.write("cfg.toml", format!("secret_key = \"{SECRET_KEY}\"\n"));
    let run = place.run("rows.csv").on(service.address());
    let run = run.with(["--config", "cfg.toml"]);
    let done = run.env("RECALL_USERSIG", old.expose()).finish().exits(2);
    done.says("the UserSig in RECALL_USERSIG has expired")
        .says("unset RECALL_USERSIG")
        .says("cfg.toml: secret_key");
    assert_eq!(service.calls(), 0);
}
