//! The configuration file, at its effect.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::stage::{Place, SECRET_KEY, Service, rows};

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
    assert!(!done.stderr.contains("chmod"), "{}", done.stderr);
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
    assert!(!done.stderr.contains(SECRET_KEY));
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
