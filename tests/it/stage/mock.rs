//! The crate's own mock, started in the test process.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use recall_worker::mock::{Mock, Options};
use serde::Deserialize;

use super::PATIENCE;

/// A mock that counts the calls for each row and has these faults, such as `10002=5%`.
pub(crate) fn mock(latency: &str, faults: &[&str]) -> Mock {
    Mock::start(Options {
        latency: latency.parse().unwrap(),
        faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
        count_rows: true,
        ..Options::default()
    })
    .unwrap()
}

/// The calls a mock has received for one row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct RowCalls {
    pub(crate) group: String,
    pub(crate) sender: String,
    pub(crate) topic: String,
    pub(crate) calls: u64,
    pub(crate) ok: u64,
}

/// The calls for each row, from the mock's `/mock/rows`.
pub(crate) fn row_calls(mock: SocketAddr) -> Vec<RowCalls> {
    let rows = get(mock, "/mock/rows");
    rows.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Opens a connection whose reads and writes time out after [`PATIENCE`].
#[track_caller]
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Returns the body of a successful GET.
#[track_caller]
pub(crate) fn get(address: SocketAddr, path: &str) -> String {
    let (status, body) = request(address, path);
    assert_eq!(status, "200 OK", "{path}: {body}");
    body
}

/// Returns the status and body of a GET that must fail.
#[track_caller]
pub(crate) fn get_refused(address: SocketAddr, path: &str) -> (String, String) {
    let (status, body) = request(address, path);
    assert_ne!(status, "200 OK", "{path}: {body}");
    (status, body)
}

#[track_caller]
fn request(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = connect(address);
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
