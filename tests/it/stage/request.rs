//! A request, as it came over the wire.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read as _};
use std::net::TcpStream;
use std::time::Instant;

use serde_json::Value;

/// A request, as it came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Undecoded.
    pub(crate) query: String,
    /// By name in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    /// When it had arrived whole.
    pub(crate) arrived: Instant,
    /// Which connection it came on, from 0.
    pub(crate) connection: usize,
    /// Its place among all requests, from 0.
    pub(crate) nth: usize,
    /// Its place among those of the same row, from 0.
    pub(crate) nth_of_row: usize,
}

impl Request {
    /// Reads one; none where the other side has closed the connection.
    pub(super) fn read(
        stream: &mut io::BufReader<TcpStream>,
        connection: usize,
    ) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let broken = || io::Error::other(format!("no request line: {line:?}"));
        let mut words = line.split_whitespace();
        let method = words.next().ok_or_else(broken)?.to_owned();
        let target = words.next().ok_or_else(broken)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = read_headers(stream)?;
        let length = headers.get("content-length");
        let length = length.map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        Ok(Some(Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: String::from_utf8(body).map_err(io::Error::other)?,
            arrived: Instant::now(),
            connection,
            nth: 0,
            nth_of_row: 0,
        }))
    }

    /// The query, decoded, in its order.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .into_owned()
            .collect()
    }

    /// A parameter of the query, decoded.
    #[track_caller]
    pub(crate) fn parameter(&self, name: &str) -> String {
        let parameters = self.parameters();
        let found = parameters.iter().find(|(other, _)| other == name);
        found
            .unwrap_or_else(|| panic!("no {name} in {}", self.query))
            .1
            .clone()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// `Sender_Account`.
    pub(crate) fn sender(&self) -> String {
        self.json()["Sender_Account"].as_str().unwrap().to_owned()
    }
}

fn read_headers(stream: &mut impl BufRead) -> io::Result<BTreeMap<String, String>> {
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            return Ok(headers);
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}
