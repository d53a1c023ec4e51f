//! The answer to a call.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use super::hook::Then;

/// The answer to a call, and when it is due.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// How long the answer takes, counted from the arrival of the call.
    pub(crate) delay: Duration,
    /// Whether this answers the first call, which starts the script.
    pub(crate) first: bool,
    pub(crate) how: How,
    pub(crate) body: Bytes,
}

impl Answer {
    /// An immediate answer without faults.
    pub(crate) fn at_once(reply: &Reply) -> Self {
        Self {
            delay: Duration::ZERO,
            first: false,
            how: How::Json,
            body: reply.body(),
        }
    }

    /// Returns the remaining delay, given the time passed since the call arrived.
    pub(crate) fn left(&self, passed: Duration) -> Duration {
        self.delay.saturating_sub(passed)
    }
}

/// How an answer goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Status 200 and JSON, like the service.
    Json,
    /// An HTML page with this status.
    Page(u16),
    /// Half the body; then the connection breaks.
    Half,
    /// A body that never ends.
    Endless,
    /// These bytes exactly, without a head added by the mock.
    Exact(Then),
    /// The whole body, one byte at a time.
    Slow,
    /// No answer: the connection is reset.
    Reset,
    /// No answer: the connection stays open.
    Hang,
}

/// How an answer goes out, and its body.
pub(crate) type Outgoing = (How, Bytes);

/// JSON that is not the API's, or an empty body. A careless client takes each of them for success.
pub(crate) const WRONG: [&str; 10] = [
    "",
    "null",
    "[]",
    "{}",
    "\"OK\"",
    r#"{"ActionStatus":"OK"}"#,
    r#"{"ErrorCode":0}"#,
    r#"{"ActionStatus":"FAIL","ErrorInfo":"","ErrorCode":0}"#,
    r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":"0"}"#,
    r#"{"actionstatus":"OK","errorinfo":"","errorcode":0}"#,
];

/// A page from a proxy that answers instead of the service.
pub(crate) const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Bad Gateway</title></head>\n\
    <body><h1>Bad Gateway</h1><p>The server is temporarily unable to service your request.</p>\
    </body></html>\n";

/// The answer of the API: a code and, for a failure, its error text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: i64,
    pub(crate) info: Cow<'static, str>,
}

impl Reply {
    pub(crate) const OK: Self = Self {
        code: 0,
        info: Cow::Borrowed(""),
    };

    /// A failure with the usual error text for its code.
    pub(crate) fn fail(code: i64) -> Self {
        Self {
            code,
            info: Cow::Borrowed(error_info(code)),
        }
    }

    /// A failure with its own error text.
    pub(crate) fn say(code: i64, info: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            info: info.into(),
        }
    }

    /// Returns the body. Success, the usual case, needs no allocation.
    pub(crate) fn body(&self) -> Bytes {
        if self.code == 0 {
            return Bytes::from_static(br#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#);
        }
        json(&Wire {
            status: "FAIL",
            info: &self.info,
            code: self.code,
        })
    }
}

/// The fields, named and ordered as the service sends them.
#[derive(Serialize)]
struct Wire<'a> {
    #[serde(rename = "ActionStatus")]
    status: &'a str,
    #[serde(rename = "ErrorInfo")]
    info: &'a str,
    #[serde(rename = "ErrorCode")]
    code: i64,
}

/// Serializes a value as JSON. The mock's values never fail: their keys are strings and their
/// numbers finite.
pub(crate) fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

fn error_info(code: i64) -> &'static str {
    match code {
        10002 => "internal error, please try again",
        10003 => "invalid command word",
        10004 => "invalid parameter",
        10006 => "operation is too frequent",
        10007 => "no permission for this operation",
        10010 => "group does not exist or has been dismissed",
        10015 => "invalid group id",
        10019 => "account does not exist",
        60002 => "http parse error, please check the method and the headers",
        60003 => "json parse error, please check the request body",
        60004 | 60005 => "account check failed, please retry later",
        60006 | 60016 => "app is disabled",
        60007 | 60011 | 60018 | 60019 => "the frequency limit of this command is exceeded",
        60008 | 60014 => "service time-out, please retry later",
        60010 => "this command needs an app admin as identifier",
        60012 => "sdkappid is missing or not an integer",
        60020 => "the plan has expired or is in arrears",
        60021 => "this source address is not allowed",
        60025 => "bad url parameter",
        60026 => "the domain does not belong to the region of this sdkappid",
        60028 => "the daily quota of the trial edition is used up",
        70001 | 70052 | 70101 => "usersig is expired",
        70003 | 70005 => "usersig is invalid, it may be cut off",
        70009 => "usersig is made with another key",
        70013 => "identifier differs from that of the usersig",
        70014 => "sdkappid differs from that of the usersig",
        70016 | 70020 => "sdkappid is not found",
        70050 => "usersig is invalid and checked too often, wait a minute",
        70107 => "account is not imported",
        70169 | 70202 | 70500 => "internal error, please retry",
        80005 => "the service is deactivated",
        110_013 => "invalid topic id",
        _ => "request failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_matches_the_documentation() {
        assert_eq!(
            Reply::OK.body(),
            r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#
        );
    }

    #[test]
    fn a_failure_carries_its_code_and_error_text() {
        assert_eq!(
            Reply::fail(10002).body(),
            r#"{"ActionStatus":"FAIL","ErrorInfo":"internal error, please try again","ErrorCode":10002}"#
        );
    }

    #[test]
    fn time_since_the_call_arrived_counts_towards_the_delay() {
        let ms = Duration::from_millis;
        let answer = Answer {
            delay: ms(80),
            ..Answer::at_once(&Reply::OK)
        };
        let left = [0, 30, 80, 500].map(|passed| answer.left(ms(passed)));
        assert_eq!(left, [ms(80), ms(50), ms(0), ms(0)]);
    }

    #[test]
    fn error_texts_are_escaped() {
        let body = Reply::say(10004, "GroupId \"a\\b\"").body();
        assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
    }
}
