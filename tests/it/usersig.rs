//! The `UserSig` of every call, and what happens when it expires.

use std::collections::HashSet;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use recall_worker::api::client::{Client, Transport};
use recall_worker::api::credentials::{Auth, Credentials};
use recall_worker::api::secret::Secret;
use recall_worker::api::usersig::{self, now};
use recall_worker::ledger::{Header, Start, VERSION};
use recall_worker::monitor::{Monitor, Notice, Progress};
use recall_worker::rows::Row;
use recall_worker::run::{self, Feed, LedgerFile, MaxFailures, Plan};
use rustix::process::Signal;
use tokio::runtime::Builder;
use tokio::sync::mpsc;

use crate::stage::{Answer, PATIENCE, Place, Request, SECRET_KEY, Service, rows};

fn usersigs(service: &Service) -> HashSet<String> {
    let requests = service.requests();
    requests
        .iter()
        .map(|call| call.parameter("usersig"))
        .collect()
}

#[test]
fn the_secret_key_signs_a_usersig_for_app_and_identifier() {
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
    assert!(claims.time <= now() && now() < claims.ends());
}

/// Treats the first `UserSig` it sees as expired. Answers only in the next second, because a
/// `UserSig` signed within the same second would be identical.
struct Expired(OnceLock<(String, Timestamp)>);

impl Expired {
    fn answer(&self, call: &Request, code: i64) -> Answer {
        let usersig = call.parameter("usersig");
        let (first, at) = self.0.get_or_init(|| (usersig.clone(), Timestamp::now()));
        if usersig != *first {
            return Answer::ok();
        }
        let next_second = 1_000_000_000 - at.subsec_nanosecond();
        let rest_of_second = Duration::from_nanos(next_second.try_into().unwrap());
        Answer::code(code).delayed_by(rest_of_second)
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
    let done = run.finish().exits(0).says("a new one was signed");
    assert_eq!(done.stderr.matches("a new one was signed").count(), 1);
    assert_eq!(usersigs(&service).len(), 2);
    assert_eq!(
        service.calls(),
        48,
        "only the calls in flight should be repeated"
    );
    place.ledger().assert_all_recalled(40);
}

#[test]
fn every_code_for_an_expired_usersig_renews_it() {
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
fn an_expired_code_after_a_renewal_stops_the_run() {
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
fn without_the_key_an_expired_usersig_stops_the_run_and_a_fresh_one_resumes_it() {
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
    place.ledger().assert_all_recalled(10);
}

#[test]
fn without_key_and_usersig_nothing_is_called_and_the_message_names_both() {
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

/// A monitor that records the notices it receives.
#[derive(Default)]
struct Notices(Vec<Notice>);

impl Monitor for Notices {
    fn progress(&mut self, _: &Progress<'_>) {}
    fn notice(&mut self, notice: &Notice) {
        self.0.push(notice.clone());
    }
    fn finish(&mut self) {}
}

#[test]
fn a_usersig_that_aged_while_the_machine_slept_is_renewed_before_the_next_call() {
    let service = Service::good();
    let place = Place::new();
    let transport = Transport {
        endpoint: format!("http://{}", service.address()).parse().unwrap(),
        timeout: Duration::from_secs(10),
        connections: 1,
        cacert: None,
    };
    // It is valid for ten more hours.
    let key = Auth::SecretKey(Secret::new(SECRET_KEY));
    let credentials = Credentials::new(7, "root", key, now() - 14 * 3_600);
    let client = Client::new(&transport, credentials).unwrap();
    let plan = Plan {
        rate: None,
        concurrency: 1.try_into().unwrap(),
        max_attempts: 1.try_into().unwrap(),
        max_outage: Duration::ZERO,
        max_failures: MaxFailures::Any,
        ..Plan::default()
    };
    let file = LedgerFile {
        path: place.path("ledger"),
        header: Header {
            version: VERSION,
            app: 7,
            endpoint: String::new(),
            input: String::new(),
            created: Timestamp::now(),
        },
        start: Start::New,
    };
    let row = |line: u64| {
        Ok(Row {
            input: None,
            line,
            group: "g".to_owned(),
            sender: format!("u{line}"),
            topic: String::new(),
        })
    };
    let feed = Feed::of_rows((1..=3).map(row), 3);
    let mut notices = Notices::default();
    let (_interrupt, interrupts) = mpsc::unbounded_channel();
    let run = run::run(plan, feed, client, file, &mut notices, || {
        Ok((interrupts, ()))
    });
    let runtime = Builder::new_current_thread().enable_all().build();
    let run = async { tokio::time::timeout(PATIENCE, run).await };
    runtime.unwrap().block_on(run).unwrap().unwrap();
    assert_eq!(notices.0, [Notice::RenewedInTime]);
    let usersigs: Vec<_> = usersigs(&service).into_iter().collect();
    assert_eq!((service.calls(), usersigs.len()), (3, 1));
    let claims = usersig::decode(&usersigs[0]).unwrap();
    assert!(now() - claims.time < 3_600, "the UserSig should be new");
}

fn usersig_for(seconds: u64) -> Secret {
    let key = Secret::new(SECRET_KEY);
    usersig::mint(&key, 1_400_000_000, "administrator", now(), seconds)
}

#[test]
fn the_question_warns_of_a_usersig_that_expires_before_the_run_ends() {
    let service = Service::good();
    for (seconds, warns) in [(60, true), (3_600, false)] {
        let place = Place::with_rows(rows(4_000));
        let run = place.run("rows.csv").on(service.address()).rate("50");
        let run = run.env("RECALL_USERSIG", usersig_for(seconds).expose());
        let (running, mut keyboard) = run.env("TERM", "xterm").start_on_terminal();
        running.wait_until_it_says("Go on? [y/N]");
        keyboard.type_keys("n\n");
        let done = running.finish().exits(130);
        let words = "before the run ends; with RECALL_SECRET_KEY";
        assert_eq!(done.stderr.contains(words), warns, "{}", done.stderr);
    }
    assert_eq!(service.calls(), 0);
}

#[test]
fn a_usersig_that_expires_before_the_run_ends_gets_one_warning() {
    let service = Service::good();
    // 4,000 calls at 50 per second take 80 seconds.
    for (seconds, expected) in [(60, 1), (3_600, 0)] {
        let place = Place::with_rows(rows(4_000));
        let run = place.run("rows.csv").on(service.address()).rate("50");
        let before = service.calls();
        let running = run
            .env("RECALL_USERSIG", usersig_for(seconds).expose())
            .start();
        service.wait_until_called(before + 40);
        running.signal(Signal::INT);
        let done = running.finish().exits(130);
        let warnings = done.stderr.matches("The UserSig runs out in").count();
        assert_eq!(warnings, expected, "{}", done.stderr);
        if expected > 0 {
            done.says("RECALL_SECRET_KEY").says("--resume");
        }
    }
}
