//! `recall mock`: the mock as its own process, for rehearsals and benchmarks.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::stage::{Place, Running, connect, get, get_refused, row_calls, rows, wait_until};

/// Starts a mock with these arguments on a free port.
fn start(place: &Place, words: &[&str]) -> (Running, SocketAddr) {
    let mock = place
        .recall(["mock", "--listen", "127.0.0.1:0"])
        .with(words);
    let running = mock.start();
    let address = address(&running);
    (running, address)
}

/// The address that the mock prints.
fn address(mock: &Running) -> SocketAddr {
    let banner = mock.wait_until_it_prints("Ctrl-C");
    let address = banner.split("http://").nth(1).unwrap();
    address.lines().next().unwrap().parse().unwrap()
}

fn seen(address: SocketAddr) -> Value {
    serde_json::from_str(&get(address, "/mock/seen")).unwrap()
}

#[test]
fn it_reports_what_it_saw_on_request_and_at_its_end() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = Place::with_rows(rows(30));
        let (mock, address) = start(&place, &["--count-rows"]);
        place.run("rows.csv").on(address).finish().exits(0);
        let figures = seen(address);
        assert_eq!(
            (&figures["calls"], &figures["rows"]),
            (&30.into(), &30.into())
        );
        assert_eq!(figures["by_code"].to_string(), r#"{"0":30}"#);
        assert_eq!(figures["most_calls_for_a_row"], 1);
        assert_eq!(row_calls(address).len(), 30);
        mock.signal(signal);
        let done = mock.finish().exits(0);
        let last: Value = serde_json::from_str(done.stdout.lines().last().unwrap()).unwrap();
        assert_eq!(last["calls"], 30);
    }
}

#[test]
fn faults_have_the_given_rate_and_repeat_with_the_same_seed() {
    let outcomes = |words: &[&str]| {
        let place = Place::with_rows(rows(300));
        let words = [&["--count-rows", "--fail", "10010=20%"], words].concat();
        let (_mock, address) = start(&place, &words);
        let run = place.run("rows.csv").on(address);
        run.finish().exits(3);
        let mut failed = place.ledger().entries;
        failed.retain(|entry| entry.code == 10010);
        let mut failed: Vec<_> = failed.into_iter().map(|entry| entry.sender).collect();
        failed.sort();
        assert_eq!(seen(address)["by_code"]["10010"], failed.len());
        failed
    };
    let first = outcomes(&["--seed", "7"]);
    assert!((30..90).contains(&first.len()), "{}", first.len());
    assert_eq!(outcomes(&["--seed", "7"]), first);
    assert_ne!(outcomes(&["--seed", "8"]), first);
    assert_ne!(outcomes(&[]), first);
}

#[test]
fn answers_have_the_given_latency() {
    let place = Place::with_rows(rows(5));
    let (_mock, address) = start(&place, &["--latency", "80ms..120ms"]);
    let done = place.run("rows.csv").on(address).finish().exits(0);
    let least = place
        .ledger()
        .entries
        .iter()
        .map(|entry| entry.ms.unwrap())
        .min();
    assert!(least >= Some(80), "{least:?}");
    assert!(done.json()["latency_ms"]["p50"].as_f64().unwrap() >= 80.0);
}

#[test]
fn calls_above_its_cap_get_the_frequency_error() {
    let place = Place::with_rows(rows(40));
    let (_mock, address) = start(&place, &["--cap", "25"]);
    place
        .run("rows.csv")
        .on(address)
        .finish()
        .exits(0)
        .says("called too often");
    let figures = seen(address);
    // At least 15 if all calls arrive within a second; fewer if a busy machine spreads them out.
    assert!(figures["over_cap"].as_u64() > Some(0), "{figures}");
    assert_eq!(figures["by_code"]["60007"], figures["over_cap"]);
    place.ledger().assert_all_recalled(40);
}

#[test]
fn a_public_address_needs_the_public_flag() {
    let place = Place::new();
    let refused = place.recall(["mock", "--listen", "0.0.0.0:0"]).finish();
    refused.exits(2).says("--public");
}

#[test]
fn with_the_public_flag_it_listens_on_a_public_address() {
    let place = Place::new();
    let words = ["mock", "--listen", "0.0.0.0:0", "--public"];
    let mock = place.recall(words).start();
    mock.wait_until_it_prints("http://0.0.0.0:");
    mock.signal(Signal::INT);
    mock.finish().exits(0);
}

const WORLD: &str = r#"
    app = { sdkappid = 1400000000, admins = ["administrator"] }
    [[group]]
    id = "@TGS#1"
    type = "Public"
    members = ["member"]
    messages = [{ senders = ["u0", "u1", "u2", "other"], count = 40 }]
"#;

#[test]
fn its_world_comes_from_the_file_and_its_details_list_everything() {
    let place = Place::with_rows(rows(3));
    place.write("world.toml", WORLD);
    let words = ["--world", "world.toml", "--details", "--count-rows"];
    let (mock, address) = start(&place, &words);
    mock.wait_until_it_prints(&format!("curl http://{address}/mock/world"));
    place.run("rows.csv").on(address).finish().exits(0);
    let apps = get(address, "/mock/apps");
    assert_eq!(apps.lines().count(), 1, "{apps}");
    let world = get(address, "/mock/world");
    let asked = get(address, "/mock/world?sender=other&group=%40TGS%231");
    for (view, no) in [
        ("world?groups=x", "400 Bad Request"),
        ("rows?sender=other", "400 Bad Request"),
        ("seen?_=1", "400 Bad Request"),
        ("messages?topic=x", "400 Bad Request"),
        ("messages?group=%40TGS%231&sender=other", "400 Bad Request"),
        ("world?group=@TGS#1", "404 Not Found"),
        ("world?group=%40TGS%231&topic=t", "404 Not Found"),
        ("world?topic=t", "404 Not Found"),
        ("world?sender=nobody", "404 Not Found"),
        ("messages?group=x", "404 Not Found"),
        ("nothing", "404 Not Found"),
    ] {
        let (status, why) = get_refused(address, &format!("/mock/{view}"));
        assert_eq!(status, no, "{view}: {why}");
        assert!(why.ends_with('\n'), "{view}: {why}");
    }
    let (_, why) = get_refused(address, "/mock/world?groups=x");
    assert_eq!(
        why,
        "/mock/world has no filter \"groups\"; it has group, sender, topic\n"
    );
    let (_, why) = get_refused(address, "/mock/world?group=@TGS#1");
    assert!(why.contains("\"@TGS\"") && why.contains("%23"), "{why}");
    assert_eq!(get(address, "/mock/world?sender=member"), "");
    let left = r#""sent":10,"recalled":0,"left":10,"within_reach":10}"#;
    assert!(asked.ends_with(&format!("{left}\n")), "{asked}");
    assert_eq!((world.lines().count(), asked.lines().count()), (4, 1));
    mock.signal(Signal::INT);
    let done = mock.finish().exits(0);
    let (_, end) = done.stdout.split_once("{\"calls\"").unwrap();
    assert!(end.contains(r#""world":{"messages":40,"recalled":30}"#));
    assert!(end.contains(r#"{"app":1400000000,"command":"delete_group_msg_by_sender","calls":3,"#));
    assert!(end.contains(r#""sender":"u2","topic":"","calls":1,"ok":1}"#));
    assert!(end.contains(r#"{"connection":1,"calls":"#));
    assert!(end.ends_with(&world), "{end}");
}

#[test]
fn a_world_can_be_json_lines_and_an_error_names_its_line() {
    let place = Place::with_rows(rows(2));
    let app = r#"{"app":{"sdkappid":1400000000,"admins":["administrator"]}}"#;
    let group = r#"{"group":{"id":"@TGS#1","type":"Public"}}"#;
    let message = |sender: &str, seq: u32| {
        format!(r#"{{"message":{{"group":"@TGS#1","sender":"{sender}","seq":{seq}}}}}"#)
    };
    let (first, second) = (message("u0", 7), message("u1", 9));
    let text = [app, group, &first, &second].join("\n");
    place.write("world.jsonl", &text);
    let (_mock, address) = start(&place, &["--world", "world.jsonl"]);
    place.run("rows.csv").on(address).finish().exits(0);
    let messages = get(address, "/mock/messages?group=%40TGS%231");
    let expected = [
        r#"{"seq":7,"sender":"u0","recalled":true}"#,
        r#"{"seq":9,"sender":"u1","recalled":true}"#,
    ];
    assert_eq!(messages.lines().collect::<Vec<_>>(), expected);
    place.write("wrong.jsonl", text + "\n" + &first);
    let wrong = place.recall(["mock", "--world", "wrong.jsonl"]).finish();
    wrong.exits(1).says("wrong.jsonl").says("line 5");
}

#[test]
fn traffic_adds_messages() {
    let place = Place::new();
    place.write("world.toml", WORLD);
    let (_mock, address) = start(&place, &["--world", "world.toml", "--traffic", "1000"]);
    wait_until("traffic", || {
        seen(address)["world"]["messages"].as_u64() > Some(100)
    });
    let none = place.recall(["mock", "--traffic", "1000"]);
    none.finish().exits(2).says("--world");
}

#[test]
fn a_script_sets_faults_and_latency_per_sender() {
    let place = Place::with_rows(rows(3));
    let script = "[[during]]\nsender = 'u1'\nfail = ['10019=100%']\n\
                  [[during]]\nsender = 'u2'\nlatency = '90ms'\n";
    place.write("script.toml", script);
    let (_mock, address) = start(&place, &["--script", "script.toml"]);
    place.run("rows.csv").on(address).finish().exits(3);
    let ledger = place.ledger();
    let codes = ["u0", "u1", "u2"].map(|sender| ledger.entry_of(sender).code);
    assert_eq!(codes, [0, 10019, 0]);
    assert!(ledger.entry_of("u2").ms >= Some(90));
}

/// A minimal call.
const CALL: &str = "POST /v4/group_open_http_svc/delete_group_msg_by_sender HTTP/1.1\r\n\
                    host: mock\r\ncontent-length: 0\r\n\r\n";

/// Calls a mock, and fails unless it resets the connection. The mock's schedule starts with its
/// first call, whatever the result.
#[track_caller]
fn assert_cut_off(mock: SocketAddr) {
    let mut open = connect(mock);
    open.write_all(CALL.as_bytes()).unwrap();
    let cut = open.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn requests_of_a_browser_are_not_calls_and_do_not_start_the_schedule() {
    let words = ["--away", "0s..1h", "--fail", "reset=100%"];
    let (_mock, address) = start(&Place::new(), &words);
    for path in ["/favicon.ico", "/", "/mock"] {
        assert!(get(address, path).contains("10003"), "{path}");
    }
    let seen = seen(address);
    assert_eq!(seen["unknown_paths"], 3);
    for figure in ["calls", "worst_second", "most_in_flight"] {
        assert_eq!(seen[figure], 0, "{figure}");
    }
    assert_eq!(
        (&seen["by_code"], &seen["faults"]),
        (&json!({}), &json!({}))
    );
    assert_eq!(get(address, "/mock/apps"), "");
    assert!(!get(address, "/mock/connections").contains(r#""calls":1"#));
    // The first call starts the schedule.
    assert_cut_off(address);
}

#[test]
fn in_an_outage_connections_are_reset_and_refused() {
    let (_mock, address) = start(&Place::new(), &["--away", "100ms..1h"]);
    assert_cut_off(address);
    let refused = TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn after_an_outage_the_mock_is_back() {
    let place = Place::with_rows(rows(3));
    let words = ["--away", "100ms..2s", "--away", "1h..2h"];
    let (_mock, address) = start(&place, &words);
    assert_cut_off(address);
    wait_until("its return", || TcpStream::connect(address).is_ok());
    place.run("rows.csv").on(address).finish().exits(0);
}

#[test]
fn a_port_taken_during_an_outage_is_reported() {
    let (mock, address) = start(&Place::new(), &["--away", "100ms..2s"]);
    assert_cut_off(address);
    let other = TcpListener::bind(address).unwrap();
    mock.wait_until_it_says("can't listen again");
    drop(other);
    wait_until("its return", || TcpStream::connect(address).is_ok());
}

#[test]
fn connections_that_can_not_be_accepted_are_reported_once() {
    let words = ["mock", "--listen", "127.0.0.1:0", "--latency", "200ms"];
    let running = Place::new()
        .recall(words)
        .after_shell("ulimit -n 40")
        .start();
    let address = address(&running);
    let mut first = connect(address);
    let mut call = || {
        first.write_all(CALL.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let mut byte = [0];
            first.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
    };
    call();
    let many: Vec<_> = (0..60).map(|_| connect(address)).collect();
    running.wait_until_it_says("can't accept");
    // While this call waited for its answer, the mock has retried many times.
    call();
    let stderr = running.stderr_so_far();
    assert_eq!(stderr.matches("can't accept").count(), 1, "{stderr}");
    drop(many);
    get(address, "/mock/seen");
}

#[test]
fn a_connection_is_closed_after_the_idle_time() {
    let place = Place::new();
    let (_mock, address) = start(&place, &["--idle", "30ms"]);
    let mut connection = connect(address);
    assert_eq!(connection.read(&mut [0]).unwrap(), 0);
}

#[test]
fn the_refuse_fault_refuses_new_connections() {
    let place = Place::with_rows(rows(1));
    let (_mock, address) = start(&place, &["--fail", "refuse=100%"]);
    wait_until("a refusal", || TcpStream::connect(address).is_err());
    let run = place.run("rows.csv").on(address);
    let run = run.with(["--max-attempts", "1"]);
    run.finish().exits(3);
    assert_eq!(place.ledger().entry_of("u0").code, -2);
}

#[test]
fn a_port_in_use_is_reported() {
    let place = Place::new();
    let (_mock, address) = start(&place, &[]);
    let second = place.recall(["mock", "--listen", &address.to_string()]);
    second.finish().exits(1).says(&address.to_string());
}

#[test]
fn invalid_flag_values_are_refused() {
    let place = Place::new();
    for words in [
        ["--fail", "10002", "10002"],
        ["--fail", "10002=101%", "101%"],
        ["--latency", "soon", "soon"],
        ["--cap", "x", "cap"],
        ["--away", "20s..10s", "away 20s..10s: it must start"],
        ["--away", "10s", "as in 10s..20s"],
        ["--listen", "here", "here"],
        ["--idle", "0", "idle must be above 0"],
    ] {
        let mock = place.recall(["mock"]).with(&words[..2]);
        mock.finish().exits(2).says(words[2]);
    }
}

#[test]
fn the_mock_inside_a_run_has_the_same_options() {
    let place = Place::with_rows(rows(40));
    let rehearse = |words: &[&str]| {
        let run = place.run("rows.csv").with(["--mock"]).with(words);
        let done = run.finish();
        (done, place.ledger_named("rows.mock.ledger.jsonl"))
    };
    let (done, ledger) = rehearse(&["--mock-latency", "60ms"]);
    done.exits(0);
    assert!(ledger.entries.iter().all(|entry| entry.ms >= Some(60)));
    let failing = |seed: &str| {
        let (done, ledger) = rehearse(&["--mock-fail", "10010=30%", "--mock-seed", seed]);
        done.exits(3).count("failed") + u64::try_from(ledger.entries.len()).unwrap()
    };
    assert!((41..80).contains(&failing("3")), "some fail");
    let (done, _) = rehearse(&["--mock-cap", "25"]);
    assert!(done.exits(0).says("called too often").count("retries") > 0);
}
