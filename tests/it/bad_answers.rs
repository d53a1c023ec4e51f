//! Broken, foreign and missing answers: none of them counts as a success.

use crate::stage::{Answer, Gate, Place, Service, rows, senders};

const OK: &str = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#;

const NO_ANSWER: i64 = -1;
const BROKEN_OFF: i64 = -3;
const NOT_THE_API: i64 = -4;

/// Short, but long enough for a good answer on a busy machine.
const SHORT_TIMEOUT: [&str; 2] = ["--timeout", "2s"];

/// Gives each bad answer to every call of its own row, while another row is recalled. Fails unless
/// each such row fails with its code after two attempts. Returns the `info` of their last entries.
#[track_caller]
fn failed_infos(bad: &[(Answer, i64)]) -> Vec<String> {
    let answers = bad.to_vec();
    let service = Service::start(move |call| {
        let number = call.sender().strip_prefix('u').map(str::parse::<usize>);
        number.map_or_else(Answer::ok, |number| answers[number.unwrap()].0.clone())
    });
    let place = Place::with_rows(rows(bad.len()) + "@TGS#1,good\n");
    let run = place.run("rows.csv").on(service.address());
    let run = run.with(["--max-attempts", "2"]).with(SHORT_TIMEOUT);
    let done = run.finish().exits(3);
    assert_eq!(
        [done.count("recalled"), done.count("failed")],
        [1, bad.len() as u64]
    );
    let ledger = place.ledger();
    assert_eq!(ledger.entry_of("good").outcome, "recalled");
    let last = bad
        .iter()
        .zip(senders(bad.len()))
        .map(|((answer, code), sender)| {
            let last = ledger.entry_of(&sender);
            let found = (&*last.outcome, last.code, last.attempts);
            assert_eq!(found, ("failed", *code, 2), "{last:?} after {answer:?}");
            last.info.clone()
        });
    last.collect()
}

/// Like [`failed_infos`], and fails unless each `info` says that the call may have landed.
#[track_caller]
fn assert_failed_and_may_have_landed(bad: &[(Answer, i64)]) {
    for (info, bad) in failed_infos(bad).iter().zip(bad) {
        assert!(
            info.contains("the call may have landed"),
            "{info:?} after {bad:?}"
        );
    }
}

/// Like [`assert_failed_and_may_have_landed`], for answers that are fine except for these bodies.
#[track_caller]
fn assert_not_the_api(bodies: &[String]) {
    let answers = bodies.iter().map(|body| (Answer::json(body), NOT_THE_API));
    assert_failed_and_may_have_landed(&answers.collect::<Vec<_>>());
}

fn bytes(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}").into_bytes()
}

#[test]
fn html_with_status_200_is_not_a_success() {
    let portal = "<html><body>Welcome! ErrorCode 0, OK</body></html>";
    assert_failed_and_may_have_landed(&[(Answer::html(portal), NOT_THE_API)]);
}

#[test]
fn an_empty_body_is_not_a_success() {
    assert_failed_and_may_have_landed(&[
        (Answer::json(""), NOT_THE_API),
        (Answer::status("204 No Content"), NOT_THE_API),
    ]);
}

#[test]
fn json_of_another_kind_is_not_a_success() {
    let bodies = ["null", "0", "[]", "\"OK\"", "{}", "true", r#"["OK","",0]"#];
    assert_not_the_api(&bodies.map(str::to_owned));
}

#[test]
fn fields_of_the_wrong_type_or_name_are_not_a_success() {
    let bodies = [
        r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":"0"}"#,
        r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0.0}"#,
        r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":null}"#,
        r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":false}"#,
        r#"{"ActionStatus":"OK","ErrorInfo":""}"#,
        r#"{"ErrorInfo":"","ErrorCode":0}"#,
        r#"{"actionStatus":"OK","errorInfo":"","errorCode":0}"#,
        r#"{"ActionStatus":"OK","ErrorCode":10010,"ErrorCode":0}"#,
        r#"{"ActionStatus":"OK","ErrorCode":99999999999999999999}"#,
    ];
    assert_not_the_api(&bodies.map(str::to_owned));
}

#[test]
fn code_0_without_ok_is_not_a_success() {
    let with = |status: &str| OK.replace("\"OK\"", &format!("{status:?}"));
    assert_not_the_api(&["FAIL", "ok", "", "OK "].map(with));
}

#[test]
fn json_with_anything_around_it_is_not_a_success() {
    assert_not_the_api(&[
        format!("{OK}{OK}"),
        format!("{OK}<!-- -->"),
        format!("\u{feff}{OK}"),
        format!("callback({OK})"),
    ]);
}

#[test]
fn half_an_answer_is_not_a_success() {
    let chunk = format!("{:x}\r\n{OK}\r\n", OK.len());
    assert_failed_and_may_have_landed(&[
        // Half of the JSON as the whole body.
        (Answer::json(&OK[..OK.len() / 2]), NOT_THE_API),
        // A complete body that is longer than its declared length.
        (
            Answer::bytes_then_close(bytes("Content-Length: 20", OK)),
            NOT_THE_API,
        ),
        // Bodies that end early, although the bytes so far would be valid.
        (
            Answer::bytes_then_close(bytes("Content-Length: 500", OK)),
            BROKEN_OFF,
        ),
        (
            Answer::bytes_then_close(bytes("Transfer-Encoding: chunked", &chunk)),
            BROKEN_OFF,
        ),
        // The rest never comes.
        (Answer::bytes(bytes("Content-Length: 500", OK)), NO_ANSWER),
    ]);
}

#[test]
fn an_endless_body_is_cut_off() {
    let spaces = [b' '; 4096].to_vec();
    let mut chunk = b"1000\r\n".to_vec();
    chunk.extend(&spaces);
    chunk.extend(b"\r\n");
    let plain = bytes("Content-Type: application/json", "");
    let chunked = bytes("Transfer-Encoding: chunked", "");
    assert_failed_and_may_have_landed(&[
        (Answer::endless(plain, spaces), NOT_THE_API),
        (Answer::endless(chunked, chunk), NOT_THE_API),
    ]);
}

#[test]
fn a_header_bomb_is_cut_off() {
    let start = b"HTTP/1.1 200 OK\r\n";
    let many = Answer::endless(start.to_vec(), b"X-Boom: boom\r\n".repeat(100));
    let long = Answer::endless([&start[..], b"X-Boom: "].concat(), vec![b'x'; 64 * 1024]);
    assert_failed_and_may_have_landed(&[(many, BROKEN_OFF), (long, BROKEN_OFF)]);
}

#[test]
fn another_protocol_is_not_a_success() {
    assert_failed_and_may_have_landed(&[
        (
            Answer::bytes_then_close("SSH-2.0-OpenSSH_9.9\r\n"),
            BROKEN_OFF,
        ),
        (Answer::bytes_then_close(OK), BROKEN_OFF),
    ]);
}

#[test]
fn a_connection_closed_without_an_answer_is_not_a_success() {
    assert_failed_and_may_have_landed(&[
        (Answer::reset(), BROKEN_OFF),
        (Answer::bytes_then_close(""), BROKEN_OFF),
    ]);
}

#[test]
fn an_answer_that_never_comes_is_not_a_success() {
    assert_failed_and_may_have_landed(&[(Answer::silence(), NO_ANSWER)]);
}

#[test]
fn an_answer_after_the_timeout_is_not_a_success() {
    let gate = Gate::default();
    let service = Service::start(move |call| {
        if call.nth_of_row == 0 {
            return Answer::ok().held_by(&gate);
        }
        // The first call has timed out; now it is answered.
        gate.open();
        Answer::silence()
    });
    let place = Place::with_rows(rows(1));
    let run = place.run("rows.csv").on(service.address());
    let run = run.with(["--max-attempts", "2"]).with(SHORT_TIMEOUT);
    run.finish().exits(3);
    let entry = place.ledger().entry_of("u0").clone();
    assert_eq!(
        (&*entry.outcome, entry.code, entry.attempts),
        ("failed", NO_ANSWER, 2)
    );
}

#[test]
fn an_http_error_is_not_a_success_whatever_its_body_says() {
    let statuses = ["408 Slow", "500 Oh", "502 Bad Gateway", "504 Late"];
    let answers = statuses.map(|status| {
        let code = status[..3].parse().unwrap();
        (Answer::http(status, "application/json", OK), code)
    });
    assert_failed_and_may_have_landed(&answers);
}

#[test]
fn a_call_the_service_refused_is_not_reported_as_landed() {
    let words = failed_infos(&[
        (Answer::error(10002, "try again"), 10002),
        (Answer::status("429 Too Many Requests"), 429),
    ]);
    assert_eq!(words, ["try again", "HTTP 429 Too Many Requests"]);
}

#[test]
fn a_second_answer_in_the_same_bytes_is_discarded() {
    // A second response in the same bytes must not be taken for the answer to the next call.
    let refusal = r#"{"ActionStatus":"FAIL","ErrorInfo":"","ErrorCode":10010}"#;
    let response = |body: &str| bytes(&format!("Content-Length: {}", body.len()), body);
    let two = [response(refusal), response(OK)].concat();
    let service = Service::start(move |call| match &*call.sender() {
        "u0" => Answer::bytes(two.clone()),
        _ => Answer::code(10015),
    });
    let place = Place::with_rows(rows(10));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--concurrency", "1"]).finish().exits(3);
    assert_eq!([done.count("recalled"), done.count("failed")], [0, 10]);
}

#[test]
fn a_timeout_before_a_success_leaves_no_note() {
    let service = Service::start(|call| match call.nth_of_row {
        0 => Answer::silence(),
        _ => Answer::ok(),
    });
    let place = Place::with_rows("group,sender\ng,s\n");
    let run = place.run("rows.csv").on(service.address());
    run.with(SHORT_TIMEOUT).finish().exits(0);
    let entry = place.ledger().entry_of("s").clone();
    assert_eq!(
        (&*entry.outcome, &*entry.info, entry.attempts),
        ("recalled", "", 2)
    );
}

#[test]
fn a_failed_row_notes_that_an_earlier_call_may_have_landed() {
    for (last, attempts) in [(Answer::code(10010), 2), (Answer::code(10002), 3)] {
        let service = Service::start(move |call| match call.nth_of_row {
            0 => Answer::reset(),
            _ => last.clone(),
        });
        let place = Place::with_rows(rows(1));
        let run = place.run("rows.csv").on(service.address());
        run.with(["--max-attempts", "3"]).finish().exits(3);
        let ledger = place.ledger();
        let entry = ledger.entry_of("u0");
        assert_eq!(entry.attempts, attempts);
        assert!(
            entry.info.ends_with("; an earlier call may have landed"),
            "{entry:?}"
        );
    }
}

#[test]
fn a_recalled_row_has_no_note_about_its_earlier_calls() {
    let service = Service::start(|call| match call.nth_of_row {
        0 => Answer::reset(),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(1));
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    assert_eq!(place.ledger().entry_of("u0").info, "");
}
