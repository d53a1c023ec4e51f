//! The result of a call: its answer, read and judged, or what went wrong.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::io;
use std::iter;

use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::codes::{self, Verdict};
use super::secret::Secret;
use crate::harmless::is_harmful;

/// The maximum size of an answer in bytes. The service's have about 60, those about 50 groups up to
/// 20,000.
const MAX_ANSWER: usize = 64 * 1024;
/// The maximum length of an `ErrorInfo`, in characters; the rest is cut off.
const MAX_INFO: usize = 300;

/// The result of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The service's `ErrorCode`, an HTTP status, or one of [`codes`] below zero.
    pub code: i64,
    /// What follows from it.
    pub verdict: Verdict,
    /// `ErrorInfo`, or what went wrong; one line, without secrets.
    pub info: String,
}

impl Reply {
    /// Returns the reply with its text fit for a ledger and a screen, and without the secret.
    pub(super) fn presentable(self, usersig: &Secret) -> Self {
        Self {
            info: presentable(usersig, &self.info),
            ..self
        }
    }
}

/// Reads an answer, up to its end or the maximum size. Returns the result of the call and the text
/// of the answer.
pub(super) async fn read(mut response: Response) -> (Reply, Vec<u8>) {
    let status = response.status();
    if !status.is_success() {
        return (http_error(status), Vec::new());
    }
    let mut answer = Vec::new();
    let reply = loop {
        match response.chunk().await {
            Ok(Some(chunk)) if answer.len() + chunk.len() > MAX_ANSWER => {
                break bad_answer("the answer is larger than 64 KiB");
            }
            Ok(Some(chunk)) => answer.extend_from_slice(&chunk),
            Ok(None) => break judge(&answer),
            Err(error) => break fault(&error),
        }
    };
    (reply, answer)
}

/// Judges by the body, not the HTTP status: success is `ErrorCode` 0 with `ActionStatus` OK.
fn judge(answer: &[u8]) -> Reply {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer<'a> {
        #[serde(borrow)]
        action_status: Cow<'a, str>,
        error_code: i64,
        #[serde(default)]
        error_info: String,
    }
    match serde_json::from_slice::<Answer>(answer) {
        Ok(Answer {
            error_code: 0,
            action_status,
            ..
        }) if action_status != "OK" => bad_answer("ErrorCode 0, but ActionStatus is not OK"),
        Ok(answer) => Reply {
            code: answer.error_code,
            verdict: codes::verdict_of_answer(answer.error_code),
            info: answer.error_info,
        },
        Err(_) => bad_answer("not the API's JSON"),
    }
}

fn http_error(status: StatusCode) -> Reply {
    let code = i64::from(status.as_u16());
    Reply {
        code,
        verdict: codes::look_up(code).verdict,
        info: format!("HTTP {status}"),
    }
}

pub(super) fn bad_answer(what: &str) -> Reply {
    faulty(codes::BAD_ANSWER, what.to_owned())
}

fn faulty(code: i64, info: String) -> Reply {
    Reply {
        code,
        verdict: codes::look_up(code).verdict,
        info,
    }
}

/// Returns the result of a call without a complete answer. Gives only the innermost cause, as the
/// outer ones contain the URL.
pub(super) fn fault(error: &reqwest::Error) -> Reply {
    let causes = || iter::successors(error.source(), |&cause| cause.source());
    let cause = causes()
        .last()
        .map_or_else(|| "no answer".to_owned(), ToString::to_string);
    if causes().any(is_untrusted) {
        faulty(codes::UNTRUSTED, cause)
    } else if error.is_connect() {
        faulty(codes::NO_CONNECTION, cause)
    } else if error.is_timeout() {
        faulty(codes::TIMED_OUT, "no answer in time".to_owned())
    } else {
        faulty(codes::BROKEN_OFF, cause)
    }
}

/// Returns whether the server's certificate was refused. Looks into I/O errors too, as their
/// `source` skips the error they wrap.
fn is_untrusted(cause: &(dyn StdError + 'static)) -> bool {
    if let Some(error) = cause.downcast_ref() {
        return matches!(error, rustls::Error::InvalidCertificate(_));
    }
    let wrapped = cause.downcast_ref().and_then(io::Error::get_ref);
    wrapped.is_some_and(|wrapped| is_untrusted(wrapped))
}

/// Makes untrusted text fit for a ledger and a screen: one line, bounded, without the secret.
fn presentable(usersig: &Secret, info: &str) -> String {
    if info.is_empty() {
        return String::new();
    }
    usersig
        .redact(info)
        .chars()
        .take(MAX_INFO)
        .map(|c| if is_harmful(c) { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ok_with_code_0_is_a_success() {
        let ok = judge(br#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#);
        assert_eq!((ok.code, ok.verdict), (0, Verdict::Done));
        let row = judge(br#"{"ActionStatus":"FAIL","ErrorInfo":"no","ErrorCode":10010}"#);
        assert_eq!(
            (row.code, row.verdict, row.info.as_str()),
            (10010, Verdict::Row, "no")
        );
    }

    #[test]
    fn any_other_answer_is_a_fault_and_retried() {
        let answers: [&[u8]; 12] = [
            b"",
            b"<html>It works!</html>",
            b"null",
            b"[]",
            b"0",
            b"{}",
            br#"{"ActionStatus":"FAIL","ErrorInfo":"","ErrorCode":0}"#,
            br#"{"ActionStatus":"ok","ErrorInfo":"","ErrorCode":0}"#,
            br#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":"0"}"#,
            br#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0.0}"#,
            br#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCo"#,
            br#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0} trailing"#,
        ];
        for answer in answers {
            let reply = judge(answer);
            assert_eq!(
                (reply.code, reply.verdict),
                (codes::BAD_ANSWER, Verdict::Retry),
                "{}",
                String::from_utf8_lossy(answer)
            );
        }
    }

    #[test]
    fn untrusted_text_stays_on_its_line_and_loses_the_secret() {
        let usersig = Secret::new("eJw*sig");
        assert_eq!(
            presentable(
                &usersig,
                "a\nb\u{1b}[2Jc\u{202e}\u{61c}\u{2028} eJw*sig usersig=eJw*sig&"
            ),
            "a b [2Jc    … usersig=…&"
        );
        assert_eq!(presentable(&usersig, &"x".repeat(9_000)).len(), MAX_INFO);
    }
}
