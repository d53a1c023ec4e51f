//! The configuration file, at its effect.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::stage::{Answer, Place, SECRET_KEY, Service, rows};

/// A file of two apps, and a place to use it in without any environment.
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
fn a_profile_says_who_calls_and_where() {
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
fn the_environment_weighs_more_and_flags_weigh_most() {
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
fn an_unknown_profile_is_told_the_known_ones() {
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
fn the_environment_names_file_and_profile_too() {
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
fn a_profile_of_no_file_is_refused() {
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
fn a_variable_that_is_misspelt_gets_a_warning_that_does_not_tell_its_value() {
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

/// Where a bound of the pace may be said, apart from its flag.
#[derive(Clone, Copy, Debug)]
enum Said {
    File,
    Environment,
}

/// A run of these rows where this bound is said so.
fn bounded(
    place: &Place,
    service: &Service,
    said: Said,
    key: &str,
    value: &str,
) -> crate::stage::Recall {
    let run = place.recall(["run", "rows.csv"]).on(service.address());
    match said {
        Said::File => {
            place.write("pace.toml", format!("{key} = {value}"));
            run.with(["--config", "pace.toml"])
        }
        Said::Environment => {
            let variable = format!("RECALL_{}", key.to_uppercase());
            run.env(&variable, value.trim_matches('"'))
        }
    }
}

const EITHER: [Said; 2] = [Said::File, Said::Environment];

#[test]
fn how_many_calls_are_in_flight_may_be_set_for_good() {
    for said in EITHER {
        let (service, gate) = Service::gated();
        let place = Place::with_rows(rows(30));
        let running = bounded(&place, &service, said, "concurrency", "3").start();
        service.until_called(3);
        gate.open();
        running.finish().exits(0);
        assert_eq!(
            (service.calls(), service.most_in_flight()),
            (30, 3),
            "{said:?}"
        );
    }
}

#[test]
fn how_often_a_row_is_tried_may_be_set_for_good_and_a_flag_weighs_more() {
    for said in EITHER {
        let service = Service::start(|_| Answer::code(10002));
        let place = Place::with_rows(rows(1));
        let run = |value| bounded(&place, &service, said, "max_attempts", value);
        run("2").finish().exits(3);
        assert_eq!(service.calls(), 2, "{said:?}");
        let flag = ["--max-attempts", "1", "--ledger", "2"];
        run("2").with(flag).finish().exits(3);
        assert_eq!(service.calls(), 3, "{said:?}");
    }
}

#[test]
fn the_pace_may_be_set_for_good() {
    for said in EITHER {
        let service = Service::good();
        let place = Place::with_rows(rows(6));
        let run = bounded(&place, &service, said, "rate", "3").with(["--json"]);
        let done = run.finish().exits(0);
        assert!(done.count("worst_second") <= 3, "{said:?}: {}", done.stdout);
        assert_eq!(done.json()["limited_by"], "cap", "{said:?}");
        let wrong = bounded(&place, &service, said, "rate", "0")
            .finish()
            .exits(2);
        wrong.says(match said {
            Said::File => "pace.toml: rate 0",
            Said::Environment => "RECALL_RATE 0",
        });
    }
}

#[test]
fn patience_may_be_set_for_good() {
    for said in EITHER {
        let service = Service::start(|_| Answer::silence());
        let place = Place::with_rows(rows(1));
        let run = bounded(&place, &service, said, "timeout", "\"200ms\"");
        run.with(["--max-attempts", "1"]).finish().exits(3);
        assert_eq!(place.ledger().entries[0].code, -1, "{said:?}");

        let service = Service::start(|_| Answer::code(10002));
        let place = Place::with_rows(rows(30));
        let run = bounded(&place, &service, said, "max_outage", "0");
        run.with(["--max-attempts", "1"])
            .finish()
            .exits(4)
            .says("the first 20 rows");

        let service = Service::start(|_| Answer::code(10010));
        let place = Place::with_rows(rows(30));
        let run = bounded(&place, &service, said, "max_failures", "2");
        run.with(["--concurrency", "1"]).finish().exits(4);
        assert_eq!(service.calls(), 3, "{said:?}");
    }
}
