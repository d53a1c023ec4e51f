//! How a scripted service answers a request.

use std::time::Duration;

use bytes::Bytes;
use recall_worker::mock::{Instead, Otherwise, Then};

use super::Gate;

/// How a scripted service answers a request.
#[derive(Clone, Debug)]
pub(crate) struct Answer(Otherwise);

impl Answer {
    /// The mock's own answer: success if the call is valid.
    pub(crate) fn ok() -> Self {
        Self(Otherwise::usual())
    }

    /// Success, even if the call is invalid.
    pub(crate) fn always_ok() -> Self {
        Self::error(0, "")
    }

    /// An error code with a fixed `ErrorInfo`.
    pub(crate) fn code(code: i64) -> Self {
        Self::error(code, "as scripted")
    }

    /// An error code with this `ErrorInfo`.
    pub(crate) fn error(code: i64, info: &str) -> Self {
        Self(Instead::Code(code, info.to_owned()).into())
    }

    /// Status 200 with this body as JSON.
    pub(crate) fn json(body: &str) -> Self {
        Self::http("200 OK", "application/json", body)
    }

    pub(crate) fn html(body: &str) -> Self {
        Self::http("200 OK", "text/html", body)
    }

    /// A status with an empty body.
    pub(crate) fn status(status: &str) -> Self {
        Self::http(status, "text/plain", "")
    }

    pub(crate) fn http(status: &str, kind: &str, body: &str) -> Self {
        let length = body.len();
        Self::bytes(format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// These bytes; the connection stays open.
    pub(crate) fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Instead::Bytes(bytes.into(), Then::Keep).into())
    }

    /// These bytes; then the connection is closed.
    pub(crate) fn bytes_then_close(bytes: impl Into<Bytes>) -> Self {
        Self(Instead::Bytes(bytes.into(), Then::Close).into())
    }

    /// `start`, then `rest` repeated without end.
    pub(crate) fn endless(start: impl Into<Bytes>, rest: impl Into<Bytes>) -> Self {
        Self(Instead::Bytes(start.into(), Then::Repeat(rest.into())).into())
    }

    /// Resets the connection.
    pub(crate) fn reset() -> Self {
        Self(Instead::Reset.into())
    }

    /// Never answers.
    pub(crate) fn silence() -> Self {
        Self(Instead::Silence.into())
    }

    /// The same answer after a delay.
    pub(crate) fn delayed_by(self, delay: Duration) -> Self {
        Self(self.0.after(delay))
    }

    /// The same answer once the gate is open.
    pub(crate) fn held_by(self, gate: &Gate) -> Self {
        Self(self.0.behind(gate))
    }
}

impl From<Answer> for Otherwise {
    fn from(answer: Answer) -> Self {
        answer.0
    }
}
