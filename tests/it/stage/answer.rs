//! What a scripted service does with a request.

use std::time::Duration;

use bytes::Bytes;
use recall_worker::mock::{Instead, Otherwise, Then};

use super::Gate;

/// What a scripted service does with a request.
#[derive(Clone, Debug)]
pub(crate) struct Answer(Otherwise);

impl Answer {
    /// What the mock makes of it: success, where nothing is wrong with the call.
    pub(crate) fn ok() -> Self {
        Self(Otherwise::usual())
    }

    /// Success, whatever is wrong with the call.
    pub(crate) fn ok_anyway() -> Self {
        Self::say(0, "")
    }

    /// A failure with a code.
    pub(crate) fn code(code: i64) -> Self {
        Self::say(code, "as scripted")
    }

    /// A failure with a code and words.
    pub(crate) fn say(code: i64, info: &str) -> Self {
        Self(Instead::Code(code, info.to_owned()).into())
    }

    /// Status 200 and this for a body.
    pub(crate) fn json(body: &str) -> Self {
        Self::http("200 OK", "application/json", body)
    }

    pub(crate) fn html(body: &str) -> Self {
        Self::http("200 OK", "text/html", body)
    }

    /// A status and nothing more.
    pub(crate) fn status(status: &str) -> Self {
        Self::http(status, "text/plain", "")
    }

    pub(crate) fn http(status: &str, kind: &str, body: &str) -> Self {
        let length = body.len();
        Self::bytes(format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// These bytes, and the connection is kept.
    pub(crate) fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Instead::Bytes(bytes.into(), Then::Keep).into())
    }

    /// These bytes, and the connection is closed, with or without a further word.
    pub(crate) fn last_bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Instead::Bytes(bytes.into(), Then::Close).into())
    }

    /// These bytes, and then these without end.
    pub(crate) fn endless(start: impl Into<Bytes>, rest: impl Into<Bytes>) -> Self {
        Self(Instead::Bytes(start.into(), Then::Repeat(rest.into())).into())
    }

    /// The connection is reset.
    pub(crate) fn reset() -> Self {
        Self(Instead::Reset.into())
    }

    /// Nothing, for as long as the other side cares to wait.
    pub(crate) fn silence() -> Self {
        Self(Instead::Silence.into())
    }

    /// That, after a while.
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self(self.0.after(delay))
    }

    /// That, once the gate is open.
    pub(crate) fn behind(self, gate: &Gate) -> Self {
        Self(self.0.behind(gate))
    }
}

impl From<Answer> for Otherwise {
    fn from(answer: Answer) -> Self {
        answer.0
    }
}
