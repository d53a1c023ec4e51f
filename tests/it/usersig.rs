//! Who calls: the `UserSig` in every call, and what happens when it has run out.

use std::collections::HashSet;
use std::sync::OnceLock;

use jiff::Timestamp;
use recall_worker::api::secret::Secret;
use recall_worker::api::usersig;

use crate::stage::{Answer, Place, Request, SECRET_KEY, Service, rows, until};

fn usersigs(service: &Service) -> HashSet<String> {
    let requests = service.requests();
    requests
        .iter()
        .map(|call| call.parameter("usersig"))
        .collect()
}

#[test]
fn with_the_secret_key_a_usersig_is_signed_for_app_and_identifier() {
    let service = Service::good();
    let place = Place::with_rows(rows(3));
    let run = place
        .run("rows.csv")
        .on(service.address())
        .with_secret_key();
    run.with(["--identifier", "root"]).finish().exits(0);
    let usersigs: Vec<_> = usersigs(&service).into_iter().collect();
    assert_eq!(usersigs.len(), 1);
    let claims = usersig::decode(&usersigs[0]).unwrap();
    assert_eq!((&*claims.identifier, claims.app), ("root", 1_400_000_000));
    assert!(claims.signed_with(&Secret::new(SECRET_KEY)));
    let now = u64::try_from(Timestamp::now().as_second()).unwrap();
    assert!(claims.time <= now && now < claims.ends());
}

/// Takes the first `UserSig` that it sees for one that has expired. It says so only when a new
/// one can differ, for they are signed to the second.
struct Expired(OnceLock<(String, Timestamp)>);

impl Expired {
    fn answer(&self, call: &Request, code: i64) -> Answer {
        let usersig = call.parameter("usersig");
        let (first, at) = self.0.get_or_init(|| (usersig.clone(), Timestamp::now()));
        if usersig != *first {
            return Answer::ok();
        }
        until("the next second", || {
            Timestamp::now().as_second() > at.as_second()
        });
        Answer::code(code)
    }
}

#[test]
fn an_expired_usersig_is_renewed_once_for_all_calls_in_flight() {
    let expired = Expired(OnceLock::new());
    let service = Service::start(move |call| expired.answer(call, 70001));
    let place = Place::with_rows(rows(40));
    let run = place
        .run("rows.csv")
        .on(service.address())
        .with_secret_key();
    let run = run.with(["--concurrency", "8", "--max-attempts", "1"]);
    let done = run.finish().exits(0).says("signed anew");
    assert_eq!(done.stderr.matches("signed anew").count(), 1);
    assert_eq!(usersigs(&service).len(), 2);
    assert_eq!(
        service.calls(),
        48,
        "those in flight were sent again, no others"
    );
    place.ledger().has_recalled_each_of(40);
}

#[test]
fn every_code_that_says_expired_renews() {
    for code in [70001, 70052, 70101] {
        let expired = Expired(OnceLock::new());
        let service = Service::start(move |call| expired.answer(call, code));
        let place = Place::with_rows(rows(1));
        let run = place
            .run("rows.csv")
            .on(service.address())
            .with_secret_key();
        run.finish().exits(0);
        assert_eq!(service.calls(), 2, "{code}");
    }
}

#[test]
fn a_renewal_that_does_not_help_stops_the_run() {
    let service = Service::start(|_| Answer::code(70001));
    let place = Place::with_rows(rows(10));
    let run = place
        .run("rows.csv")
        .on(service.address())
        .with_secret_key();
    let done = run.with(["--concurrency", "1"]).finish().exits(4);
    assert_eq!((service.calls(), done.count("failed")), (2, 0));
}

#[test]
fn without_the_secret_key_an_expired_usersig_stops_the_run_and_a_fresh_one_goes_on() {
    let service = Service::start(|call| match &*call.parameter("usersig") {
        "fresh" => Answer::ok(),
        _ => Answer::code(70001),
    });
    let place = Place::with_rows(rows(10));
    let run = || {
        place
            .run("rows.csv")
            .on(service.address())
            .with(["--concurrency", "1"])
    };
    let done = run().finish().exits(4);
    assert_eq!((service.calls(), done.count("pending")), (1, 10));
    done.says("expired")
        .says("RECALL_SECRET_KEY")
        .says("--resume");
    run()
        .with(["--resume"])
        .env("RECALL_USERSIG", "fresh")
        .finish()
        .exits(0);
    place.ledger().has_recalled_each_of(10);
}

#[test]
fn without_either_nothing_is_called_and_the_message_names_both() {
    let service = Service::good();
    let place = Place::with_rows(rows(1));
    let run = || place.run("rows.csv").on(service.address());
    let done = run().without("RECALL_USERSIG").finish().exits(2);
    done.says("RECALL_SECRET_KEY").says("RECALL_USERSIG");
    let done = run().without("RECALL_SDKAPPID").finish().exits(2);
    done.says("RECALL_SDKAPPID").says("--sdkappid");
    assert_eq!(
        (service.calls(), place.files()),
        (0, vec!["rows.csv".to_owned()])
    );
}
