//! The crate's own mock, in this process.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use recall_worker::mock::{Mock, Options};
use serde::Deserialize;

use super::PATIENCE;

/// A mock that counts the calls of each row and has these faults, such as `10002=5%`.
pub(crate) fn mock(latency: &str, faults: &[&str]) -> Mock {
    Mock::start(Options {
        latency: latency.parse().unwrap(),
        faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
        count_rows: true,
        ..Options::default()
    })
    .unwrap()
}

/// What a mock has seen of a row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct RowSeen {
    pub(crate) group: String,
    pub(crate) sender: String,
    pub(crate) topic: String,
    pub(crate) calls: u64,
    pub(crate) ok: u64,
}

/// How often each row was called, as a mock tells anybody who asks.
pub(crate) fn calls_of_rows(mock: SocketAddr) -> Vec<RowSeen> {
    let rows = get(mock, "/mock/rows");
    rows.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A connection, on which waiting for longer than a test does is an error.
#[track_caller]
pub(crate) fn connection(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The body of an answer to a GET.
#[track_caller]
pub(crate) fn get(address: SocketAddr, path: &str) -> String {
    let (status, body) = ask(address, path);
    assert_eq!(status, "200 OK", "{path}: {body}");
    body
}

/// The status and the body of an answer to a GET that is refused.
#[track_caller]
pub(crate) fn refused(address: SocketAddr, path: &str) -> (String, String) {
    let (status, body) = ask(address, path);
    assert_ne!(status, "200 OK", "{path}: {body}");
    (status, body)
}

#[track_caller]
fn ask(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = connection(address);
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.lines().next().unwrap();
    let status = status.strip_prefix("HTTP/1.1 ").unwrap();
    (status.to_owned(), body.to_owned())
}
