//! The mock as its users see it: over real sockets.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::*;

const QUERY: &str =
    "sdkappid=1400000000&identifier=administrator&usersig=x&contenttype=json&random=";

/// The longest wait in any test; after it the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a condition holds.
#[track_caller]
pub(super) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "timed out waiting for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Opens a connection whose reads and writes time out after [`PATIENCE`].
#[track_caller]
pub(super) fn connection(mock: &Mock) -> TcpStream {
    let stream = TcpStream::connect(mock.address()).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

fn recall(random: u32, body: &str) -> String {
    format!(
        "POST {}?{QUERY}{random} HTTP/1.1\r\nhost: mock\r\ncontent-length: {}\r\n\r\n{body}",
        service::RECALL,
        body.len()
    )
}

fn row(sender: &str) -> String {
    format!(r#"{{"GroupId":"@TGS#1","Sender_Account":"{sender}"}}"#)
}

/// Sends requests over one connection and returns all answers until it closes.
fn talk(mock: &Mock, requests: &str) -> String {
    let mut stream = connection(mock);
    stream.write_all(requests.as_bytes()).expect("sent");
    let close = "GET /mock/seen HTTP/1.1\r\nhost: mock\r\nconnection: close\r\n\r\n";
    stream.write_all(close.as_bytes()).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answers");
    text
}

fn counting() -> Mock {
    Mock::start(Options {
        count_rows: true,
        ..Options::default()
    })
    .expect("a mock")
}

#[test]
fn a_recall_is_answered_as_documented_and_marked_as_a_mock() {
    let mock = counting();
    let text = talk(&mock, &recall(1, &row("leckie")));
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.contains("\r\nx-recall-mock: 1\r\n"), "{text}");
    assert!(
        text.contains("\r\ncontent-type: application/json\r\n"),
        "{text}"
    );
    assert!(text.contains(r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#));
}

#[test]
fn figures_are_available_while_it_runs_and_at_the_end() {
    let mock = counting();
    let text = talk(
        &mock,
        &(recall(1, &row("a")) + &recall(1, &row("a")) + &recall(2, "{}")),
    );
    let json = text.rsplit("\r\n\r\n").next().expect("a body");
    let seen: Seen = serde_json::from_str(json).expect("the figures");
    assert_eq!((seen.calls, seen.connections), (3, 1));
    assert_eq!((seen.by_code[&0], seen.by_code[&10004]), (2, 1));
    assert_eq!(seen.repeated_randoms, 1);
    assert_eq!((seen.rows, seen.most_calls_for_a_row), (Some(1), Some(2)));
    // Whether the connection is already closed is a race.
    let settled = |seen: Seen| Seen {
        open_connections: 0,
        ..seen
    };
    assert_eq!(settled(mock.seen()), settled(seen.clone()));
    assert_eq!(settled(mock.stop()), settled(seen));
}

#[test]
fn calls_are_listed_per_row() {
    let mock = counting();
    let rows = "GET /mock/rows HTTP/1.1\r\nhost: mock\r\n\r\n";
    let text = talk(&mock, &(recall(1, &row("a, \\\"b\\\"")) + rows));
    let line = r#"{"group":"@TGS#1","sender":"a, \"b\"","topic":"","calls":1,"ok":1}"#;
    assert!(text.contains(&format!("\r\n{line}\n")), "{text}");
}

#[test]
fn a_chunked_body_is_read_whole() {
    let mock = counting();
    let body = row("leckie");
    let (first, second) = body.split_at(9);
    let request = format!(
        "POST {}?{QUERY}1 HTTP/1.1\r\nhost: mock\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        service::RECALL,
        first.len(),
        second.len()
    );
    assert!(talk(&mock, &request).contains(r#""ErrorCode":0}"#));
}

#[test]
fn an_oversized_request_is_rejected() {
    let mock = counting();
    let request = recall(1, &" ".repeat(70_000));
    let mut stream = connection(&mock);
    stream.write_all(request.as_bytes()).expect("sent");
    let mut start = [0; 12];
    stream.read_exact(&mut start).expect("an answer");
    assert_eq!(&start, b"HTTP/1.1 413");
    assert_eq!(mock.stop().calls, 0);
}

#[test]
fn the_port_is_free_after_it_stops() {
    let mock = counting();
    let address = mock.address();
    drop(mock);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn the_error_for_a_taken_port_names_it() {
    let mock = counting();
    let error = Mock::start(Options {
        listen: mock.address(),
        ..Options::default()
    })
    .expect_err("the port is taken");
    assert!(error.to_string().contains(&mock.address().to_string()));
}

fn failing(fault: &str) -> Mock {
    Mock::start(Options {
        faults: vec![format!("{fault}=100%").parse().expect("a fault")],
        ..Options::default()
    })
    .expect("a mock")
}

/// Sends a recall and returns all bytes received and how the connection ends.
fn call(mock: &Mock) -> (String, std::io::Result<usize>) {
    let mut stream = connection(mock);
    // A refused connection may already be gone; reading shows it.
    drop(stream.write_all(recall(1, &row("leckie")).as_bytes()));
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes);
    (String::from_utf8(bytes).expect("UTF-8"), end)
}

fn is_reset(end: std::io::Result<usize>) -> bool {
    end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
}

#[test]
fn a_reset_replaces_the_answer() {
    let mock = failing("reset");
    let (text, end) = call(&mock);
    assert!(text.is_empty() && is_reset(end), "{text}");
    assert_eq!(mock.stop().faults["reset"], 1);
}

#[test]
fn refusing_new_connections_leaves_open_ones_alone() {
    let script = "[[during]]\nfail = ['refuse=100%']";
    let mock = Mock::start(Options {
        script: Script::from_toml(script).expect("a script"),
        ..Options::default()
    })
    .expect("a mock");
    let mut open = connection(&mock);
    let mut call = |random| {
        open.write_all(recall(random, &row("leckie")).as_bytes())
            .expect("sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let mut byte = [0];
            open.read_exact(&mut byte).expect("an answer");
            answer.push(byte[0]);
        }
        assert!(answer.ends_with(br#""ErrorCode":0}"#));
    };
    // The first call starts the script.
    call(1);
    until_refused(&mock);
    call(2);
    assert_eq!(mock.stop().faults["refuse"], 1);
}

#[test]
fn a_chance_of_refusal_refuses_connections_some_of_the_time() {
    let mock = Mock::start(Options {
        faults: vec!["refuse=50%".parse().expect("a fault")],
        ..Options::default()
    })
    .expect("a mock");
    for _ in 0..2 {
        until_refused(&mock);
        until("a connection", || {
            TcpStream::connect(mock.address()).is_ok()
        });
    }
    assert!(mock.stop().faults["refuse"] >= 2);
}

#[track_caller]
fn until_refused(mock: &Mock) {
    until("a refusal", || match TcpStream::connect(mock.address()) {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
            true
        }
    });
}

#[test]
fn half_an_answer_announces_more_bytes_than_it_sends() {
    let (text, _) = call(&failing("half"));
    assert!(text.contains("\r\ncontent-length: 50\r\n"), "{text}");
    let (_, body) = text.split_once("\r\n\r\n").expect("a head");
    assert_eq!(body, r#"{"ActionStatus":"OK","Err"#);
}

#[test]
fn an_http_status_comes_with_an_html_page_and_the_mock_header() {
    let close = |mock: &Mock| talk(mock, &recall(1, &row("leckie")));
    let text = close(&failing("502"));
    assert!(text.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{text}");
    assert!(
        text.contains("text/html") && text.contains("<h1>"),
        "{text}"
    );
    assert!(text.contains("x-recall-mock: 1"), "{text}");
    assert!(close(&failing("302")).contains("\r\nlocation: /login\r\n"));
    assert!(close(&failing("503")).contains("\r\nretry-after: 1\r\n"));
    assert!(close(&failing("html")).starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn an_endless_answer_stops_when_the_caller_hangs_up() {
    let mock = failing("endless");
    let mut stream = connection(&mock);
    stream
        .write_all(recall(1, &row("leckie")).as_bytes())
        .expect("sent");
    let mut bytes = vec![0; 1024 * 1024];
    stream.read_exact(&mut bytes).expect("a MiB");
    drop(stream);
    // The mock still serves others.
    assert!(talk(&mock, "").contains(r#""endless":1"#));
}

#[test]
fn a_slow_answer_or_a_hanging_call_does_not_hold_up_others() {
    for fault in ["slow", "hang"] {
        let mock = failing(fault);
        let mut stream = connection(&mock);
        stream
            .write_all(recall(1, &row("leckie")).as_bytes())
            .expect("sent");
        if fault == "slow" {
            let mut head = [0; 15];
            stream.read_exact(&mut head).expect("a head");
            assert_eq!(&head, b"HTTP/1.1 200 OK");
        }
        talk(&mock, "");
        drop(stream);
        assert_eq!(mock.stop().calls, 1);
    }
}

/// A mock that has been called, which started its outage.
fn away_for(time: &str) -> Mock {
    let script = format!("[[during]]\nto = '{time}'\naway = true");
    let mock = Mock::start(Options {
        script: Script::from_toml(&script).expect("a script"),
        ..Options::default()
    })
    .expect("a mock");
    // The first call starts the script, so its answer may or may not be sent.
    let (_, end) = call(&mock);
    assert!(is_reset(end));
    mock
}

#[test]
fn the_service_is_back_after_an_outage() {
    let mock = away_for("1s");
    until("its return", || TcpStream::connect(mock.address()).is_ok());
    assert!(talk(&mock, &recall(2, &row("leckie"))).contains(r#""ErrorCode":0}"#));
}

#[test]
fn an_outage_longer_than_the_clock_can_represent_never_ends() {
    let mock = away_for("9223372036854775807s");
    let error = TcpStream::connect(mock.address()).expect_err("away");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(mock.seen().calls, 1);
}

#[test]
fn the_state_of_the_world_can_be_queried() {
    let world = r#"
        app = { sdkappid = 1400000000, admins = ["administrator"] }
        [[group]]
        id = "@TGS#1"
        type = "Public"
        messages = [{ senders = ["leckie", "other"], count = 4 }]
    "#;
    let mock = Mock::start(Options {
        world: Some(World::from_toml(world).expect("a world")),
        ..Options::default()
    })
    .expect("a mock");
    talk(&mock, &recall(1, &row("leckie")));
    let line = |sender: &str, recalled: u32, left: u32| {
        format!(
            r#"{{"group":"@TGS#1","sender":"{sender}","topic":"","sent":2,"recalled":{recalled},"left":{left},"within_reach":{left}}}"#
        )
    };
    let lines = mock.list(List::World(KeyFilter::default()));
    let expected = [line("leckie", 2, 0), line("other", 0, 2)];
    assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
    let get = |path: &str| talk(&mock, &format!("GET {path} HTTP/1.1\r\nhost: mock\r\n\r\n"));
    assert!(get("/mock/world").contains(&expected.join("\n")));
    let messages = get("/mock/messages?group=%40TGS%231");
    assert!(
        messages.contains(r#"{"seq":4,"sender":"other","recalled":false}"#),
        "{messages}"
    );
    assert_eq!(messages.matches(r#""recalled":true"#).count(), 2);
    assert!(get("/mock/connections").contains(r#"{"connection":1,"calls":1,"open":false}"#));
    assert_eq!(mock.list(List::Rows), "");
    assert!(get("/mock/nothing").contains("404"));
}

/// A mock that closes idle connections after a second, which gives a call time to arrive even on a
/// busy machine.
fn impatient(faults: Vec<Fault>) -> Mock {
    Mock::start(Options {
        idle: Duration::from_secs(1),
        faults,
        ..Options::default()
    })
    .expect("a mock")
}

#[test]
fn an_idle_connection_is_closed_and_a_hanging_call_is_not_idle() {
    let mock = impatient(vec!["hang=100%".parse().expect("a fault")]);
    let mut hanging = connection(&mock);
    hanging
        .write_all(recall(1, &row("leckie")).as_bytes())
        .expect("sent");
    until("a call", || mock.seen().calls > 0);
    let mut idle = connection(&mock);
    assert_eq!(idle.read(&mut [0]).expect("an end"), 0);
    // It was opened later and is closed. If the other were idle, it would be closed too.
    assert_eq!(mock.seen().open_connections, 1);
}

#[test]
fn a_connection_is_not_idle_while_a_slow_answer_is_being_written() {
    let mock = impatient(vec!["slow=100%".parse().expect("a fault")]);
    let mut stream = connection(&mock);
    stream
        .write_all(recall(1, &row("leckie")).as_bytes())
        .expect("sent");
    let mut answer = Vec::new();
    // A byte takes half a second.
    while !answer.ends_with(br#"{"Act"#) {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a byte");
        answer.push(byte[0]);
    }
}

#[test]
fn a_connection_is_idle_after_an_answer_and_while_a_body_is_awaited() {
    let mock = impatient(Vec::new());
    let whole = recall(1, &row("leckie"));
    for request in [&*whole, &whole[..whole.len() - 1]] {
        let mut stream = connection(&mock);
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an end");
        assert_eq!(answer.is_empty(), request.len() < whole.len());
    }
    assert_eq!(mock.stop().calls, 1);
}
