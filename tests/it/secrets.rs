//! The `UserSig` and the secret key never appear in any output, whatever fails and however much is
//! logged.

use std::collections::HashSet;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use recall_worker::api::secret::Secret;
use recall_worker::api::usersig;
use rustix::process::Signal;

use crate::stage::{Answer, Finished, Place, Recall, Request, SECRET_KEY, Service, USERSIG, rows};

/// The length from which a part of a secret counts as a leak.
const LEAK_LENGTH: usize = 12;

/// Everything that must not appear, in every encoding it could have.
struct Secrets(Vec<String>);

impl Secrets {
    /// The secrets of a run: those it was given and those it sent.
    fn of(service: Option<&Service>) -> Self {
        let mut secrets = vec![USERSIG.to_owned(), SECRET_KEY.to_owned()];
        let sent = service.map(Service::requests).unwrap_or_default();
        secrets.extend(sent.iter().map(|call| call.parameter("usersig")));
        secrets.sort();
        secrets.dedup();
        let spelt = secrets.iter().flat_map(|secret| spellings(secret));
        Self(spelt.collect())
    }

    fn and(mut self, secret: &str) -> Self {
        self.0.extend(spellings(secret));
        self
    }

    #[track_caller]
    fn assert_not_in(&self, what: &str, text: &str) {
        for secret in &self.0 {
            // Any part of this length is a leak.
            let parts: HashSet<_> = secret.as_bytes().windows(LEAK_LENGTH).collect();
            let found = text
                .as_bytes()
                .windows(LEAK_LENGTH)
                .find(|part| parts.contains(part))
                .map(String::from_utf8_lossy);
            assert_eq!(found, None, "of {secret} in {what}: {text}");
        }
    }
}

/// A secret in plain text, and percent-encoded as various clients, servers and proxies do it.
fn spellings(secret: &str) -> [String; 5] {
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let encode = |keep: &[u8], upper: bool| {
        let spelt = secret.bytes().map(|byte| match byte {
            _ if byte.is_ascii_alphanumeric() || keep.contains(&byte) => {
                char::from(byte).to_string()
            }
            _ if upper => format!("%{byte:02X}"),
            _ => format!("%{byte:02x}"),
        });
        spelt.collect::<String>()
    };
    [
        secret.to_owned(),
        form,
        encode(b"-_.~", true),
        encode(b"", true),
        encode(b"", false),
    ]
}

/// Runs with full logging against this script, once with a `UserSig` and once with the secret key,
/// and fails if any output or file contains a secret.
#[track_caller]
fn assert_nothing_leaks(
    script: impl Fn(&Request) -> Answer + Clone + Send + Sync + 'static,
    words: &[&str],
    code: i32,
) {
    for with_secret_key in [false, true] {
        let service = Service::start(script.clone());
        let place = Place::with_rows(rows(4));
        let run = place.run("rows.csv").on(service.address()).with(words);
        let run = if with_secret_key {
            run.with_secret_key()
        } else {
            run
        };
        let done = logging_all(run).finish().exits(code);
        search(&place, &done, &Secrets::of(Some(&service)));
    }
}

fn logging_all(run: Recall) -> Recall {
    run.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1")
}

#[track_caller]
fn search(place: &Place, done: &Finished, secrets: &Secrets) {
    secrets.assert_not_in("stdout", &done.stdout);
    secrets.assert_not_in("stderr", &done.stderr);
    for file in place.files() {
        let bytes = fs::read(place.path(&file)).unwrap();
        secrets.assert_not_in(&file, &String::from_utf8_lossy(&bytes));
    }
}

/// Everything a server knows about a call, to be echoed in an answer.
fn echo(call: &Request) -> String {
    let usersig = call.parameter("usersig");
    let spelt = spellings(&usersig).join(" ");
    format!("{}?{} {spelt} {}", call.path, call.query, call.body)
}

#[test]
fn nothing_leaks_in_a_successful_run() {
    assert_nothing_leaks(|_| Answer::ok(), &[], 0);
    assert_nothing_leaks(|_| Answer::ok(), &["--progress", "plain"], 0);
}

#[test]
fn nothing_leaks_when_the_service_echoes_the_call() {
    assert_nothing_leaks(|call| Answer::error(10010, &echo(call)), &[], 3);
    assert_nothing_leaks(|call| Answer::error(10010, &call.query), &[], 3);
    assert_nothing_leaks(
        |call| Answer::error(10002, &echo(call)),
        &["--max-attempts", "1"],
        3,
    );
    assert_nothing_leaks(|call| Answer::error(60026, &echo(call)), &[], 4);
    assert_nothing_leaks(|call| Answer::error(70009, &echo(call)), &[], 4);
    assert_nothing_leaks(|call| Answer::error(70001, &echo(call)), &[], 4);
    assert_nothing_leaks(
        |call| Answer::error(60007, &echo(call)),
        &["--max-attempts", "1"],
        3,
    );
}

#[test]
fn nothing_leaks_when_the_service_echoes_any_encoding_of_the_usersig() {
    for spelling in 0..5 {
        let words = move |call: &Request| spellings(&call.parameter("usersig"))[spelling].clone();
        assert_nothing_leaks(move |call| Answer::error(10010, &words(call)), &[], 3);
        assert_nothing_leaks(move |call| Answer::error(60026, &words(call)), &[], 4);
    }
}

#[test]
fn nothing_leaks_from_an_echo_that_is_cut_off() {
    // A server that quotes the start of a URL, or pads it so much that `recall` cuts off the rest.
    assert_nothing_leaks(
        |call| Answer::error(10010, &call.query[..call.query.len() * 3 / 4]),
        &[],
        3,
    );
    assert_nothing_leaks(
        |call| Answer::error(10010, &format!("{}{}", "x".repeat(240), call.query)),
        &[],
        3,
    );
}

#[test]
fn nothing_leaks_from_an_echo_without_its_start() {
    for cut in [24, 40] {
        let rest = move |call: &Request| format!("...{}", &call.parameter("usersig")[cut..]);
        assert_nothing_leaks(move |call| Answer::error(10010, &rest(call)), &[], 3);
        assert_nothing_leaks(move |call| Answer::error(60026, &rest(call)), &[], 4);
    }
}

#[test]
fn nothing_leaks_from_an_echo_that_a_proxy_has_encoded_again() {
    let again = |call: &Request| call.query.replace('%', "%25");
    assert_nothing_leaks(move |call| Answer::error(10010, &again(call)), &[], 3);
    // Or only part of it is encoded again.
    let midway = |call: &Request| {
        let usersig = call.parameter("usersig");
        usersig
            .replacen('*', "%252A", 1)
            .replacen('-', "%25%32%64", 1)
    };
    assert_nothing_leaks(move |call| Answer::error(10010, &midway(call)), &[], 3);
}

#[test]
fn nothing_leaks_when_something_other_than_the_service_answers() {
    // The timeout is long enough for an answer on a busy machine.
    let once = ["--max-attempts", "1", "--timeout", "2s"];
    assert_nothing_leaks(
        |call| Answer::html(&format!("<html>{}</html>", echo(call))),
        &once,
        3,
    );
    assert_nothing_leaks(
        |call| Answer::http("502 Bad", "text/html", &echo(call)),
        &once,
        3,
    );
    assert_nothing_leaks(
        |call| Answer::http("404 No", "text/html", &echo(call)),
        &once,
        4,
    );
    assert_nothing_leaks(|_| Answer::reset(), &once, 3);
    assert_nothing_leaks(|_| Answer::silence(), &once, 3);
    let half = |call: &Request| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{}",
            echo(call)
        )
    };
    assert_nothing_leaks(move |call| Answer::bytes_then_close(half(call)), &once, 3);
    assert_nothing_leaks(
        |call| Answer::bytes_then_close(call.query.clone()),
        &once,
        3,
    );
    assert_nothing_leaks(
        |call| {
            let location = format!("http://127.0.0.1:1{}?{}", call.path, call.query);
            let head =
                format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
            Answer::bytes(head)
        },
        &once,
        4,
    );
    assert_nothing_leaks(
        |call| {
            let start = format!("HTTP/1.1 200 OK\r\nX-Call: {}\r\n", call.query);
            Answer::endless(start, b"X-Boom: boom\r\n".repeat(100))
        },
        &once,
        3,
    );
}

#[test]
fn nothing_leaks_in_a_preflight() {
    // Long enough for an outage to be reported.
    let words = ["--preflight", "--max-outage", "2500ms"];
    for code in [60026, 10002, 10004, 70001] {
        let exits = if code == 10004 { 3 } else { 4 };
        assert_nothing_leaks(move |call| Answer::error(code, &echo(call)), &words, exits);
    }
    assert_nothing_leaks(|call| Answer::html(&echo(call)), &words, 4);
    assert_nothing_leaks(
        |call| {
            let info = serde_json::json!({"GroupId": echo(call), "ErrorCode": 7, "ErrorInfo": echo(call), "Type": echo(call)});
            let info =
                serde_json::json!({"ActionStatus": "OK", "ErrorCode": 0, "GroupInfo": [info]});
            Answer::json(&info.to_string())
        },
        &words,
        0,
    );
}

#[test]
fn nothing_leaks_in_the_arguments_or_after_an_interrupt() {
    let service = Service::start(|_| Answer::ok().delayed_by(Duration::from_millis(50)));
    let place = Place::with_rows(rows(2_000));
    let run = place.run("rows.csv").on(service.address());
    let running = logging_all(run.with(["--concurrency", "2"])).start();
    service.wait_until_called(3);
    let arguments = running.arguments();
    assert!(arguments.contains("rows.csv"), "{arguments}");
    running.signal(Signal::INT);
    let done = running.finish().exits(130);
    let secrets = Secrets::of(Some(&service));
    secrets.assert_not_in("the arguments", &arguments);
    search(&place, &done, &secrets);
}

#[test]
fn nothing_leaks_in_an_outage_or_a_guard_stop() {
    let unused: SocketAddr = ([127, 0, 0, 1], 1).into();
    let place = Place::with_rows(rows(30));
    let run = place
        .run("rows.csv")
        .on(unused)
        .with(["--max-outage", "500ms"]);
    let done = logging_all(run).finish().exits(4);
    search(&place, &done, &Secrets::of(None));

    let service = Service::start(|call| Answer::error(10010, &echo(call)));
    let place = Place::with_rows(rows(30));
    let run = place.run("rows.csv").on(service.address());
    let done = logging_all(run).finish().exits(4);
    search(&place, &done, &Secrets::of(Some(&service)));
}

#[test]
fn nothing_leaks_when_a_run_can_not_start() {
    let service = Service::good();
    let place = Place::with_rows(rows(4));
    place.write("broken.csv", "room,uid\nr,u\n");
    for (input, words, code) in [
        ("broken.csv", &[][..], 1),
        ("gone.csv", &[], 1),
        (
            "rows.csv",
            &["--ledger", "/dev/full", "--failed", "failed.csv"],
            1,
        ),
        ("rows.csv", &["--ledger", "rows.csv"], 2),
        ("rows.csv", &["--concurrency", "0"], 2),
        ("rows.csv", &["--sdkappid", "many"], 2),
        ("rows.csv", &["--no-such-flag"], 2),
        ("rows.csv", &["--dry-run"], 0),
    ] {
        let run = || place.run(input).on(service.address()).with(words);
        for run in [run(), run().with_secret_key()] {
            let done = logging_all(run).finish().exits(code);
            search(&place, &done, &Secrets::of(None));
        }
    }
    assert_eq!(service.calls(), 0);
}

#[test]
fn nothing_leaks_in_exports_reports_and_replays() {
    let service = Service::start(|call| Answer::error(10010, &echo(call)));
    let place = Place::with_rows(rows(4));
    let run = logging_all(place.run("rows.csv").on(service.address()));
    run.finish().exits(3);
    for (words, code) in [
        (&["replay", "rows.ledger.jsonl", "--json"][..], 3),
        (&["export", "rows.ledger.jsonl"], 0),
        (&["export", "rows.ledger.jsonl", "--format", "jsonl"], 0),
        (&["report", "rows.ledger.jsonl"], 0),
        (&["report", "rows.ledger.jsonl", "--html", "page.html"], 0),
        (&["run", "rows.csv", "--resume"], 3),
    ] {
        let mut run = place.recall(words);
        if words[0] == "run" {
            run = run.on(service.address());
        }
        let done = logging_all(run).finish().exits(code);
        search(&place, &done, &Secrets::of(Some(&service)));
    }
}

#[test]
fn nothing_leaks_when_a_usersig_is_shown() {
    let place = Place::new();
    let key = Secret::new(SECRET_KEY);
    let usersigs = [
        usersig::mint(&key, 1_400_000_000, "administrator", 1, u64::MAX - 1),
        usersig::mint(&key, 1_400_000_000, "administrator", 1, 1),
        Secret::new(USERSIG),
    ];
    for usersig in &usersigs {
        let sig = usersig::decode(usersig.expose())
            .map_or_else(|_| USERSIG.to_owned(), |claims| claims.sig);
        let secrets = Secrets::of(None).and(usersig.expose()).and(&sig);
        let show = |words: &[&str]| {
            let show = place.recall(["usersig", "show"]).with(words);
            let show = show.env("RECALL_USERSIG", usersig.expose());
            logging_all(show.env("RECALL_SECRET_KEY", SECRET_KEY))
        };
        let runs = [
            show(&[]),
            show(&["--json"]),
            show(&["-"]).stdin(usersig.expose()),
            show(&["-"]).stdin(&usersig.expose()[1..]),
            show(&[usersig.expose()]),
            show(&[]).env("RECALL_SIG", usersig.expose()),
        ];
        for run in runs {
            search(&place, &run.finish(), &secrets);
        }
    }
}

#[test]
fn a_minted_usersig_goes_only_to_stdout_and_the_key_nowhere() {
    let place = Place::new();
    let mint = |words: &[&str]| {
        let mint = place.recall(["usersig", "mint"]).with(words);
        logging_all(mint.with_secret_key())
    };
    let mut done = mint(&[]).finish().exits(0);
    let printed = std::mem::take(&mut done.stdout);
    Secrets::of(None).assert_not_in("stdout", &printed);
    search(&place, &done, &Secrets::of(None).and(printed.trim_end()));
    for words in [
        &["--expire", "soon"][..],
        &["--sdkappid", "x"],
        &["--config", "gone"],
    ] {
        search(&place, &mint(words).finish().exits(2), &Secrets::of(None));
    }
    for (file, code) in [
        ("secret_key = [\"KEY\"]", 2),
        ("secret_key = KEY", 2),
        ("secretkey = \"KEY\"", 2),
        ("secret_key = \"KEY\"", 0),
    ] {
        place.write("recall.toml", file.replace("KEY", SECRET_KEY));
        let mint = mint(&["--config", "recall.toml"]).without("RECALL_SECRET_KEY");
        let done = mint.finish().exits(code);
        Secrets::of(None).assert_not_in("stderr", &done.stderr);
        Secrets::of(None).assert_not_in("stdout", &done.stdout);
    }
}

#[test]
fn nothing_leaks_in_help_completions_and_man_pages() {
    let place = Place::new();
    for words in [
        &["run", "--help"][..],
        &["usersig", "mint", "--help"],
        &["completions", "bash"],
        &["man", "usersig", "mint"],
    ] {
        let done = logging_all(place.recall(words).env("RECALL_SECRET_KEY", SECRET_KEY));
        search(&place, &done.finish().exits(0), &Secrets::of(None));
    }
}

#[test]
fn the_search_finds_every_encoding_and_part_of_a_secret() {
    let secrets = Secrets::of(None);
    for spelling in spellings(USERSIG) {
        for part in [&*spelling, &spelling[..LEAK_LENGTH], &spelling[20..40]] {
            let text = format!("GET /?usersig={part}&x=1");
            let found = std::panic::catch_unwind(|| secrets.assert_not_in("a log", &text));
            assert!(found.is_err(), "{part}");
        }
    }
}
