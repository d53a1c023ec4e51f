//! What a scripted service does with a request.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::json;

/// What a scripted service does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// These bytes, and the connection is kept.
    Bytes(Vec<u8>),
    /// These bytes, and the connection is closed, with or without a further word.
    LastBytes(Vec<u8>),
    /// These bytes, and then these without end.
    Endless(Vec<u8>, Vec<u8>),
    /// The connection is reset.
    Reset,
    /// Nothing, for as long as the other side cares to wait.
    Silence,
    /// The answer, after a while.
    Late(Duration, Box<Answer>),
}

impl Answer {
    /// Success.
    pub(crate) fn ok() -> Self {
        Self::json(r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#)
    }

    /// A failure with a code.
    pub(crate) fn code(code: i64) -> Self {
        Self::say(code, "as scripted")
    }

    /// A failure with a code and words.
    pub(crate) fn say(code: i64, info: &str) -> Self {
        let body = json!({"ActionStatus": "FAIL", "ErrorInfo": info, "ErrorCode": code});
        Self::json(&body.to_string())
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
        Self::Bytes(
            format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .into_bytes(),
        )
    }

    pub(crate) fn after(self, delay: Duration) -> Self {
        Self::Late(delay, Box::new(self))
    }

    /// Gives it; false where the connection is over.
    pub(super) fn give(&self, stream: &mut TcpStream) -> io::Result<bool> {
        match self {
            Self::Bytes(bytes) => stream.write_all(bytes).map(|()| true),
            Self::LastBytes(bytes) => stream.write_all(bytes).map(|()| false),
            Self::Endless(start, rest) => {
                stream.write_all(start)?;
                loop {
                    stream.write_all(rest)?;
                }
            }
            Self::Reset => {
                // A linger of nothing makes the kernel send a reset for a close.
                rustix::net::sockopt::set_socket_linger(&*stream, Some(Duration::ZERO))?;
                Ok(false)
            }
            Self::Silence => {
                while stream.read(&mut [0; 512])? > 0 {}
                Ok(false)
            }
            Self::Late(delay, answer) => {
                thread::sleep(*delay);
                answer.give(stream)
            }
        }
    }
}
