//! The mock as its users meet it: over real sockets.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::*;

const QUERY: &str =
    "sdkappid=1400000000&identifier=administrator&usersig=x&contenttype=json&random=";

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

/// Sends requests over one connection, and gives back all that is answered until it closes.
fn talk(mock: &Mock, requests: &str) -> String {
    let mut stream = TcpStream::connect(mock.address()).expect("a connection");
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
fn figures_are_there_while_it_runs_and_at_the_end() {
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
    assert_eq!(mock.seen(), seen);
    assert_eq!(mock.stop(), seen);
}

#[test]
fn calls_are_told_row_by_row() {
    let mock = counting();
    let rows = "GET /mock/rows HTTP/1.1\r\nhost: mock\r\n\r\n";
    let text = talk(&mock, &(recall(1, &row("a, \\\"b\\\"")) + rows));
    let line = r#"{"group":"@TGS#1","sender":"a, \"b\"","topic":"","calls":1,"ok":1}"#;
    assert!(text.contains(&format!("\r\n\r\n{line}\n")), "{text}");
}

#[test]
fn a_body_in_chunks_is_read_whole() {
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
fn an_endless_request_is_cut_off() {
    let mock = counting();
    let request = recall(1, &" ".repeat(70_000));
    let mut stream = TcpStream::connect(mock.address()).expect("a connection");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut start = [0; 12];
    stream.read_exact(&mut start).expect("an answer");
    assert_eq!(&start, b"HTTP/1.1 413");
    assert_eq!(mock.stop().calls, 0);
}

#[test]
fn the_port_is_free_when_it_has_stopped() {
    let mock = counting();
    let address = mock.address();
    drop(mock);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let mock = counting();
    let error = Mock::start(Options {
        listen: mock.address(),
        ..Options::default()
    })
    .expect_err("the port is taken");
    assert!(error.to_string().contains(&mock.address().to_string()));
}
