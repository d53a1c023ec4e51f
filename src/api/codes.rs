//! What an answer means: the table of codes, meanings, verdicts and advice.
//!
//! Besides the service's own codes, the table has HTTP statuses under their own numbers, and our
//! own negative codes for calls without a usable answer. Nothing else in this crate decides what an
//! answer means.

use Verdict::{Done, Renew, Retry, Row, SlowDown, Stop};

/// No answer within the timeout. The call may have landed.
pub const TIMED_OUT: i64 = -1;
/// No connection: refused, unreachable, no such host, TLS refused. The call has not landed.
pub const NO_CONNECTION: i64 = -2;
/// The connection broke before the whole answer was read. The call may have landed.
pub const BROKEN_OFF: i64 = -3;
/// An answer that is not the API's JSON. The call may have landed.
pub const BAD_ANSWER: i64 = -4;
/// The server's certificate is not trusted, so it may not be the service. Nothing was sent to it.
pub const UNTRUSTED: i64 = -5;

/// What follows from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The call did its work.
    Done,
    /// Try this row again later.
    Retry,
    /// Try this row again later, and slow down for every row.
    SlowDown,
    /// The `UserSig` has expired: sign a new one and try again, or stop.
    Renew,
    /// Every other row would get the same answer: stop.
    Stop,
    /// This row failed; the other rows are not affected.
    Row,
}

/// What is known of a code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The service's `ErrorCode`, an HTTP status, or one of our own, which are negative.
    pub code: i64,
    /// What follows from it.
    pub verdict: Verdict,
    /// What it means, in a few words.
    pub meaning: &'static str,
    /// What an operator should do about it.
    pub advice: &'static str,
}

impl Code {
    /// Returns the code and its meaning, followed by the service's message if that adds anything.
    pub(crate) fn and_words(&self, info: &str) -> String {
        let Self { code, meaning, .. } = self;
        if meaning.contains(info) {
            format!("{code}, {meaning}")
        } else {
            format!("{code}, {meaning} ({info})")
        }
    }
}

const LATER: &str = "Retried automatically. If it persists, replay the failed rows later.";
const SHARED_CAP: &str = "Retried automatically at a lower pace. If it persists, something else is calling with the same app: find it, or lower --rate.";
const NEW_SIG: &str = "Set RECALL_SECRET_KEY, so that UserSigs are renewed automatically, or set a fresh RECALL_USERSIG; then go on. If the key is set, this machine's clock is wrong: check it.";
const CHECK_SIG: &str = "Check that RECALL_USERSIG is complete and was made for this app and identifier, with this app's key; then go on.";
const CHECK_CALL: &str = "The call itself was refused. Check --endpoint and --region; then go on. For another endpoint, once rows are recorded, start a new ledger: recall run --ledger FILE.";
const CHECK_CALLER: &str = "Check SDKAppID, identifier and UserSig: the service's message may say which one it rejects; then go on. For another app, once rows are recorded, start a new ledger: recall run --ledger FILE.";
const CHECK_APP: &str = "Check the app in the console, RECALL_SDKAPPID and the region; then go on. For another app or endpoint, once rows are recorded, start a new ledger: recall run --ledger FILE.";
const CHECK_ROW: &str = "Check the row's IDs. Other rows are not affected.";
const CHECK_WAY: &str = "If every row gets it, something other than the service is answering. If it is a proxy in between, fix that, then replay the failed rows; if --endpoint is wrong, start a new ledger with the right one, as each ledger belongs to one endpoint.";
const UNPUBLISHED_ROW: &str = "Read the service's ErrorInfo in the ledger; check the row's IDs.";
const UNPUBLISHED_STOP: &str =
    "Read the service's ErrorInfo; check the app in the console; then go on.";

const fn code(code: i64, verdict: Verdict, meaning: &'static str, advice: &'static str) -> Code {
    Code {
        code,
        verdict,
        meaning,
        advice,
    }
}

/// The codes that have their own entry, ascending.
///
/// Source: the official page of `delete_group_msg_by_sender` (10002, 10003, 10004, 10007, 10010,
/// 10015) and the official error-code table (the rest). That an unknown code fails only its row is
/// our own decision.
#[rustfmt::skip]
pub const TABLE: &[Code] = &[
    code(UNTRUSTED, Stop, "the service's certificate is not trusted", "Something else is answering in the service's place, or a private certificate authority is missing: check --endpoint, the clock and --cacert; then go on. For another endpoint, once rows are recorded, start a new ledger: recall run --ledger FILE."),
    code(BAD_ANSWER, Retry, "the answer was not the API's JSON", "Retried automatically. If it persists, something else is answering in the service's place: a proxy, a captive portal, a wrong --endpoint."),
    code(BROKEN_OFF, Retry, "the connection broke before the whole answer arrived", LATER),
    code(NO_CONNECTION, Retry, "no connection to the service", "Retried automatically. If it persists, check the network, the proxy, --endpoint and --cacert."),
    code(TIMED_OUT, Retry, "no answer in time; the call may have landed", "Retried automatically; recalling twice is harmless. If it persists, raise --timeout."),
    code(0, Done, "recalled", "Nothing to do. The answer has no count: it does not say whether there was anything to recall."),
    code(401, Stop, "HTTP 401: refused before the service", CHECK_CALL),
    code(403, Stop, "HTTP 403: refused before the service", CHECK_CALL),
    code(404, Stop, "HTTP 404: no such path", CHECK_CALL),
    code(408, Retry, "HTTP 408: the request took too long", LATER),
    code(429, Retry, "HTTP 429: too many requests", LATER),
    code(10002, Retry, "internal error, try again", LATER),
    code(10003, Stop, "invalid command word", CHECK_CALL),
    code(10004, Row, "invalid parameter", "Read ErrorInfo in the ledger: it names the parameter. Check the row's IDs."),
    code(10006, SlowDown, "operated too often", SHARED_CAP),
    code(10007, Row, "no permission: the group's type does not allow it, or the identifier is not an app admin", "If every row gets it, check RECALL_IDENTIFIER; otherwise check the group's type."),
    code(10010, Row, "the group does not exist or was dismissed", "Nothing is left to recall there. If the group should exist, check its ID."),
    code(10012, Row, "refused for this row", UNPUBLISHED_ROW),
    code(10015, Row, "invalid group ID, or the group does not exist", CHECK_ROW),
    code(10019, Row, "the account does not exist", CHECK_ROW),
    code(10026, Stop, "refused for the whole app", UNPUBLISHED_STOP),
    code(10033, Row, "refused for this row", UNPUBLISHED_ROW),
    code(10035, Row, "refused for this row", UNPUBLISHED_ROW),
    code(10041, Stop, "refused for the whole app", UNPUBLISHED_STOP),
    code(10044, Row, "refused for this row", UNPUBLISHED_ROW),
    code(11000, Stop, "refused for the whole app", UNPUBLISHED_STOP),
    code(60002, Stop, "the HTTP request could not be parsed", CHECK_CALL),
    code(60003, Stop, "the JSON of the request could not be parsed", CHECK_CALL),
    code(60004, Retry, "the account check failed, try again", LATER),
    code(60005, Retry, "the account check failed, try again", LATER),
    code(60006, Stop, "the app is disabled", CHECK_APP),
    code(60007, SlowDown, "called too often", SHARED_CAP),
    code(60008, Retry, "time-out inside the service", LATER),
    code(60009, Stop, "refused for the whole app", UNPUBLISHED_STOP),
    code(60010, Stop, "the call needs an app admin", "Set RECALL_IDENTIFIER to an account that is an admin of this app; then go on."),
    code(60011, SlowDown, "called too often", SHARED_CAP),
    code(60012, Stop, "SDKAppID is missing", CHECK_APP),
    code(60013, Retry, "internal error, try again", LATER),
    code(60014, Retry, "time-out inside the service", LATER),
    code(60016, Stop, "the app is disabled", CHECK_APP),
    code(60017, Stop, "refused for the whole app", UNPUBLISHED_STOP),
    code(60018, SlowDown, "called too often", SHARED_CAP),
    code(60019, SlowDown, "called too often", SHARED_CAP),
    code(60020, Stop, "the plan has expired or is in arrears", "Renew the app's plan in the console; then go on."),
    code(60021, Stop, "this source address is not allowed", "Run from an allowed address, or allow this one in the console; then go on."),
    code(60025, Stop, "bad parameter in the URL", CHECK_CALLER),
    code(60026, Stop, "the domain does not belong to this app's region", "Set RECALL_REGION to the app's region; then go on. Once rows are recorded, start a new ledger instead, as each ledger belongs to one endpoint: recall run --ledger FILE."),
    code(60027, Stop, "refused for the whole app", UNPUBLISHED_STOP),
    code(60028, Stop, "the trial edition's daily quota is used up", "Go on tomorrow, or upgrade the plan."),
    code(70001, Renew, "the UserSig has expired", NEW_SIG),
    code(70002, Stop, "the UserSig was refused", CHECK_SIG),
    code(70003, Stop, "the UserSig is invalid, perhaps cut off", CHECK_SIG),
    code(70005, Stop, "the UserSig is invalid, perhaps cut off", CHECK_SIG),
    code(70009, Stop, "the UserSig was made with another app's key", CHECK_SIG),
    code(70013, Stop, "the identifier differs from the UserSig's", CHECK_SIG),
    code(70014, Stop, "the SDKAppID differs from the UserSig's", CHECK_SIG),
    code(70016, Stop, "no such app in this data centre", CHECK_APP),
    code(70020, Stop, "no such app in this data centre", CHECK_APP),
    code(70050, Stop, "bad UserSig, and called too often", "Wait a minute, fix the UserSig, then go on."),
    code(70051, Stop, "the UserSig was refused", CHECK_SIG),
    code(70052, Renew, "the UserSig has expired", NEW_SIG),
    code(70101, Renew, "the UserSig has expired", NEW_SIG),
    code(70107, Row, "the account was never imported", CHECK_ROW),
    code(70114, Stop, "the UserSig was refused", CHECK_SIG),
    code(70169, Retry, "internal time-out, try again", LATER),
    code(70202, Retry, "internal time-out, try again", LATER),
    code(70402, Row, "refused for this row", UNPUBLISHED_ROW),
    code(70403, Stop, "refused for the whole app", UNPUBLISHED_STOP),
    code(70500, Retry, "internal error, try again", LATER),
    code(72000, Stop, "refused for the whole app", UNPUBLISHED_STOP),
    code(72002, Stop, "refused for the whole app", UNPUBLISHED_STOP),
    code(80005, Stop, "the service is deactivated for this app", CHECK_APP),
    code(110_013, Row, "invalid topic ID", CHECK_ROW),
];

/// Returns what is known of a code. Codes without their own entry share one with their range.
pub fn look_up(code: i64) -> Code {
    if let Ok(at) = TABLE.binary_search_by_key(&code, |known| known.code) {
        return TABLE[at];
    }
    let (verdict, meaning, advice) = match code {
        300..=399 => (Stop, "HTTP redirect, which is never followed", CHECK_CALL),
        500..=599 => (Retry, "HTTP error from a server on the way", LATER),
        200..=299 => (Retry, "HTTP status without the API's answer", LATER),
        100..=199 | 400..=499 => (
            Row,
            "HTTP status that the service itself never sends",
            CHECK_WAY,
        ),
        _ => (Row, "a code this tool has no entry for", UNPUBLISHED_ROW),
    };
    Code {
        code,
        verdict,
        meaning,
        advice,
    }
}

/// Returns what follows from an `ErrorCode` in the service's own answer. There, an HTTP status or
/// one of our own codes is an unknown code and fails its row; the service never sends one.
pub(crate) fn verdict_of_answer(code: i64) -> Verdict {
    match code {
        i64::MIN..=-1 | 1..=599 => Row,
        _ => look_up(code).verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(codes: &[i64]) -> Vec<Verdict> {
        codes.iter().map(|&code| look_up(code).verdict).collect()
    }

    #[test]
    fn the_table_is_sorted_for_the_binary_search() {
        assert!(TABLE.is_sorted_by(|a, b| a.code < b.code));
    }

    #[test]
    fn no_advice_names_a_flag_that_replay_does_not_have() {
        let all = TABLE.iter().copied().chain([302, 405, 502].map(look_up));
        for Code { code, advice, .. } in all {
            assert!(!advice.contains("--resume"), "{code}: {advice}");
        }
    }

    #[test]
    fn every_code_has_the_verdict_that_the_documentation_implies() {
        let expected = [
            (Done, vec![0]),
            (
                Retry,
                vec![
                    10002,
                    60004,
                    60005,
                    60008,
                    60013,
                    60014,
                    70169,
                    70202,
                    70500,
                    408,
                    429,
                    500,
                    502,
                    503,
                    504,
                    599,
                    TIMED_OUT,
                    NO_CONNECTION,
                    BROKEN_OFF,
                    BAD_ANSWER,
                ],
            ),
            (SlowDown, vec![60007, 60011, 60018, 60019, 10006]),
            (Renew, vec![70001, 70052, 70101]),
            (
                Stop,
                vec![
                    10003, 10026, 10041, 11000, 60002, 60003, 60006, 60009, 60010, 60012, 60016,
                    60017, 60020, 60021, 60025, 60026, 60027, 60028, 70002, 70003, 70005, 70009,
                    70013, 70014, 70016, 70020, 70050, 70051, 70114, 70403, 72000, 72002, 80005,
                    401, 403, 404, 301, 302, 307, 308, UNTRUSTED,
                ],
            ),
            (
                Row,
                vec![
                    10004, 10007, 10010, 10012, 10015, 10019, 10033, 10035, 10044, 70107, 70402,
                    110_013, 101, 400, 405, 407, 410, 418, 499,
                ],
            ),
        ];
        let mut named = 0;
        for (verdict, codes) in expected {
            assert_eq!(verdicts(&codes), vec![verdict; codes.len()], "{codes:?}");
            named += codes
                .iter()
                .filter(|code| TABLE.iter().any(|known| known.code == **code))
                .count();
        }
        assert_eq!(
            named,
            TABLE.len(),
            "this test covers every entry of the table"
        );
    }

    #[test]
    fn an_unknown_code_fails_only_its_row() {
        assert_eq!(verdicts(&[1, 99_999, 79_999, -6, i64::MAX]), vec![Row; 5]);
        assert_eq!([-1, 302, 503].map(verdict_of_answer), [Row; 3]);
    }
}
