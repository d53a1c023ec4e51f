//! A request as received over the wire.

use std::collections::BTreeMap;
use std::time::Instant;

use recall_worker::mock::Call;
use serde_json::Value;

/// A request as received over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Still encoded.
    pub(crate) query: String,
    /// Keyed by lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    /// When the whole request had arrived, by the kernel's timestamp if there is one.
    pub(crate) arrived: Instant,
    /// The number of its connection, from 1.
    pub(crate) connection: u64,
    /// Its index among all requests, from 0.
    pub(crate) nth: usize,
    /// Its index among the requests for the same row, from 0.
    pub(crate) nth_of_row: usize,
}

impl Request {
    pub(super) fn new(call: &Call<'_>, nth_of_row: impl FnOnce(&str) -> usize) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers = call.headers.iter();
        let body = text(call.body);
        Self {
            method: call.method.to_owned(),
            path: call.path.to_owned(),
            query: call.query.to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            arrived: call.arrived,
            connection: call.connection,
            nth: call.nth.try_into().unwrap(),
            nth_of_row: nth_of_row(&body),
            body,
        }
    }

    /// The decoded query parameters, in their order.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .into_owned()
            .collect()
    }

    /// A decoded query parameter.
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

    /// The `Sender_Account` of the body.
    pub(crate) fn sender(&self) -> String {
        self.json()["Sender_Account"].as_str().unwrap().to_owned()
    }
}
