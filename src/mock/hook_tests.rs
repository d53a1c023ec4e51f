//! Hooks, as a caller of the mock sees them.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use super::*;
use crate::mock::tests::{connection, until};
use crate::mock::{Mock, Options};

/// A request that keeps its connection open.
fn request(path: &str) -> String {
    let query = "sdkappid=1&identifier=a&usersig=x&contenttype=json&random=1";
    let body = r#"{"GroupId":"g","Sender_Account":"s"}"#;
    format!(
        "POST {path}?{query} HTTP/1.1\r\nHost: mock\r\nX-Odd: Yes\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

const RECALL: &str = crate::mock::service::RECALL;

fn hooked(look: impl Fn(&Call<'_>) -> Otherwise + Send + Sync + 'static) -> Mock {
    Mock::start(Options {
        hook: Some(Hook::new(look)),
        ..Options::default()
    })
    .expect("a mock")
}

/// A mock that answers every request with these bytes.
fn answering_with(bytes: &'static [u8], then: Then) -> Mock {
    let bytes = Instead::Bytes(Bytes::from_static(bytes), then);
    hooked(move |_| bytes.clone().into())
}

/// Opens a connection and sends these requests.
fn sent(mock: &Mock, requests: &str) -> TcpStream {
    let mut stream = connection(mock);
    stream.write_all(requests.as_bytes()).expect("sent");
    stream
}

fn until_closed(mut stream: TcpStream) -> (String, io::Result<usize>) {
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes);
    (String::from_utf8(bytes).expect("UTF-8"), end)
}

/// Reads up to the next `}`, which is where an answer of the service ends.
fn next(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
    }
    String::from_utf8(answer).expect("UTF-8")
}

#[test]
fn a_hook_sees_each_request_unchanged_except_those_below_mock() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let before = Instant::now();
    let mock = hooked(move |call| {
        assert!(call.arrived >= before && call.arrived <= Instant::now());
        assert_eq!(call.headers["x-odd"], "Yes");
        let text = String::from_utf8(call.body.to_vec()).expect("UTF-8");
        record.lock().expect("not poisoned").push((
            format!("{} {} {}", call.method, call.path, call.query),
            text,
            (call.connection, call.nth),
        ));
        Otherwise::usual()
    });
    let mut first = sent(&mock, &request("/%41"));
    next(&mut first);
    let ask = "GET /mock/seen HTTP/1.1\r\nhost: mock\r\n\r\n";
    let mut second = sent(&mock, &(ask.to_owned() + &request(RECALL)));
    next(&mut second);
    next(&mut second);
    drop(mock);
    let seen = seen.lock().expect("not poisoned");
    let query = "sdkappid=1&identifier=a&usersig=x&contenttype=json&random=1";
    let body = r#"{"GroupId":"g","Sender_Account":"s"}"#;
    let expected = [("/%41", (1, 0)), (RECALL, (2, 1))];
    let expected =
        expected.map(|(path, place)| (format!("POST {path} {query}"), body.to_owned(), place));
    assert_eq!(*seen, expected);
}

#[test]
fn the_service_answers_and_counts_only_what_the_hook_leaves_to_it() {
    let mock = hooked(|call| match call.nth {
        0 => Instead::Code(i64::MIN, "so \"odd\"".to_owned()).into(),
        _ => Otherwise::usual(),
    });
    let mut stream = sent(&mock, &(request(RECALL) + &request(RECALL)));
    let odd = next(&mut stream);
    assert!(odd.starts_with("HTTP/1.1 200 OK\r\n"), "{odd}");
    let body =
        r#"{"ActionStatus":"FAIL","ErrorInfo":"so \"odd\"","ErrorCode":-9223372036854775808}"#;
    assert!(odd.ends_with(body), "{odd}");
    assert!(next(&mut stream).ends_with(r#""ErrorCode":0}"#));
    let seen = mock.stop();
    assert_eq!((seen.calls, seen.by_code), (1, [(0, 1)].into()));
}

#[test]
fn bytes_are_sent_unchanged_and_the_connection_is_kept() {
    let mock = answering_with(b"HTTP/1.1 404 No\r\n\r\n{}", Then::Keep);
    let mut stream = sent(&mock, &(request(RECALL) + &request(RECALL)));
    for _ in 0..2 {
        assert_eq!(next(&mut stream), "HTTP/1.1 404 No\r\n\r\n{}");
    }
    assert_eq!(mock.stop().connections, 1);
}

#[test]
fn a_connection_is_closed_after_the_bytes_even_if_there_are_none() {
    for bytes in ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "SSH", ""] {
        let mock = answering_with(bytes.as_bytes(), Then::Close);
        let (text, end) = until_closed(sent(&mock, &request(RECALL)));
        assert_eq!(text, bytes);
        assert!(end.is_ok(), "{end:?}");
    }
}

#[test]
fn bytes_that_exceed_the_socket_buffer_are_sent_whole() {
    let bytes = Bytes::from(vec![b'x'; 9_000_000]);
    let instead = Instead::Bytes(bytes, Then::Close);
    let mock = hooked(move |_| instead.clone().into());
    let (text, _) = until_closed(sent(&mock, &request(RECALL)));
    assert_eq!(text.len(), 9_000_000);
}

#[test]
fn bytes_are_repeated_until_the_caller_has_enough() {
    let filler = Bytes::from_static(b"ab");
    let mock = answering_with(b"HTTP/1.1 200 OK\r\n\r\n", Then::Repeat(filler));
    let mut stream = sent(&mock, &request(RECALL));
    let mut bytes = vec![0; 100_019];
    stream.read_exact(&mut bytes).expect("many bytes");
    let expected = "HTTP/1.1 200 OK\r\n\r\n".to_owned() + &"ab".repeat(50_000);
    assert!(bytes == expected.as_bytes());
}

#[test]
fn repeating_no_bytes_ends_the_connection() {
    let mock = answering_with(b"HTTP/1.1 200 OK\r\n\r\n", Then::Repeat(Bytes::new()));
    // Whether the start is sent is a race; that the connection ends is not.
    let (_, end) = until_closed(sent(&mock, &request(RECALL)));
    assert!(
        !end.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock),
        "it is still open"
    );
}

#[test]
fn a_hook_can_reset_the_connection() {
    let mock = hooked(|_| Instead::Reset.into());
    let (text, end) = until_closed(sent(&mock, &request(RECALL)));
    let error = end.expect_err("a reset");
    assert_eq!((&*text, error.kind()), ("", io::ErrorKind::ConnectionReset));
}

#[test]
fn a_gate_holds_up_only_its_own_request() {
    let gate = Gate::default();
    let held = gate.clone();
    let mock = hooked(move |call| match call.nth {
        0 => Otherwise::usual().behind(&held),
        1 => Instead::Silence.into(),
        _ => Otherwise::usual(),
    });
    let mut first = sent(&mock, &request(RECALL));
    until_in_flight(&mock, 1);
    let second = sent(&mock, &request(RECALL));
    until_in_flight(&mock, 2);
    assert_eq!(mock.seen().calls, 0);
    next(&mut sent(&mock, &request(RECALL)));
    assert_eq!(mock.seen().calls, 1);
    gate.open();
    next(&mut first);
    // The gate stays open.
    first.write_all(request(RECALL).as_bytes()).expect("sent");
    next(&mut first);
    drop(second);
    assert_eq!(mock.stop().most_in_flight, 3);
}

#[track_caller]
fn until_in_flight(mock: &Mock, calls: u64) {
    until("calls in flight", || mock.seen().most_in_flight >= calls);
}

#[test]
fn a_hook_can_delay_the_answer() {
    let delay = Duration::from_millis(30);
    let mock = hooked(move |_| Otherwise::usual().after(delay));
    let start = Instant::now();
    next(&mut sent(&mock, &request(RECALL)));
    assert!(start.elapsed() >= delay);
}
