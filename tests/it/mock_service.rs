//! The mock compared with the tables of the service's documentation, row by row, by handwritten
//! calls.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::time::{SystemTime, UNIX_EPOCH};

use recall_worker::api::codes;
use recall_worker::api::secret::Secret;
use recall_worker::api::usersig;
use recall_worker::mock::{Cap, List, Mock, Options, World};
use serde_json::{Value, json};

use crate::stage::{SECRET_KEY, connect};

const APP: u64 = 1_400_000_000;
const COMMUNITY: &str = "@TGS#_@TGS#cQVLVHIM62CJ";
const TOPIC: &str = "@TGS#_@TGS#cQVLVHIM62CJ@TOPIC#_@TOPIC#cRTE3HIM62C5";

const WORLD: &str = r#"
    [app]
    sdkappid = 1400000000
    key = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
    admins = ["administrator", "second"]
    region = "singapore"
    accounts = ["quiet"]
    [[group]]
    id = "@TGS#2C5SZEAEF"
    type = "Public"
    messages = [{ senders = ["leckie", "spam"], count = 20 }]
    [[group]]
    id = "@TGS#old"
    type = "BChatRoom"
    [[group]]
    id = "@TGS#closed"
    type = "Private"
    denied = ["administrator"]
    [[group]]
    id = "@TGS#gone"
    type = "Public"
    dismissed = true
    [[group]]
    id = "@TGS#live"
    type = "AVChatRoom"
    messages = [{ senders = ["spam"], count = 3 }]
    [[group]]
    id = "@TGS#_@TGS#cQVLVHIM62CJ"
    type = "Community"
    topics = [{ id = "@TGS#_@TGS#cQVLVHIM62CJ@TOPIC#_@TOPIC#cRTE3HIM62C5", messages = [{ senders = ["spam"] }] }]
"#;

fn in_world(options: Options) -> Mock {
    let world = Some(World::from_toml(WORLD).unwrap());
    Mock::start(Options { world, ..options }).unwrap()
}

/// A call as sent over the wire.
#[derive(Clone)]
struct Call {
    method: &'static str,
    command: &'static str,
    query: Vec<(&'static str, String)>,
    host: String,
    body: String,
}

impl Call {
    /// A valid recall of a sender in a group.
    fn recall(group: &str, sender: &str) -> Self {
        let body = json!({"GroupId": group, "Sender_Account": sender});
        Self {
            method: "POST",
            command: "delete_group_msg_by_sender",
            query: vec![
                ("sdkappid", APP.to_string()),
                ("identifier", "administrator".to_owned()),
                ("usersig", sign(SECRET_KEY, APP, "administrator", 3600)),
                ("random", "99999999".to_owned()),
                ("contenttype", "json".to_owned()),
            ],
            host: "adminapisgp.im.qcloud.com".to_owned(),
            body: body.to_string(),
        }
    }

    fn good() -> Self {
        Self::recall("@TGS#2C5SZEAEF", "leckie")
    }

    fn in_topic(topic: &str) -> Self {
        let row = json!({"GroupId": COMMUNITY, "Sender_Account": "spam", "TopicId": topic});
        Self::good().with_body(row.to_string())
    }

    fn group_info(groups: &[&str]) -> Self {
        let body = json!({"GroupIdList": groups});
        Self {
            command: "get_group_info",
            ..Self::good().with_body(body.to_string())
        }
    }

    fn with_body(self, body: impl Into<String>) -> Self {
        Self {
            body: body.into(),
            ..self
        }
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        let parameter = self.query.iter_mut().find(|(known, _)| *known == name);
        parameter.unwrap().1 = value.into();
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.query.retain(|(known, _)| *known != name);
        self
    }

    fn signed(self, usersig: impl Into<String>) -> Self {
        self.with("usersig", usersig)
    }

    fn text(&self) -> String {
        let query = self
            .query
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        format!(
            "{} /v4/group_open_http_svc/{}?{} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{}",
            self.method,
            self.command,
            query.collect::<Vec<_>>().join("&"),
            self.host,
            self.body.len(),
            self.body
        )
    }
}

fn sign(key: &str, app: u64, identifier: &str, seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let made = now.as_secs() - 60;
    let usersig = usersig::mint(&Secret::new(key), app, identifier, made, seconds);
    usersig.expose().to_owned()
}

/// Sends this request with `Connection: close` and returns everything the mock sends back.
fn talk(mock: &Mock, request: &str) -> String {
    let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let mut stream = connect(mock.address());
    // This fails if the mock closes the connection without reading an oversized request.
    drop(stream.write_all(request.as_bytes()));
    let mut answers = Vec::new();
    drop(stream.read_to_end(&mut answers));
    String::from_utf8(answers).unwrap()
}

/// Returns the answer to a call. Fails unless it has status 200, all three JSON fields and the
/// mock's header.
#[track_caller]
fn answer(mock: &Mock, call: &Call) -> Value {
    let text = talk(mock, &call.text());
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.contains("\r\ncontent-type: application/json"),
        "{head}"
    );
    assert!(head.contains("\r\nx-recall-mock: 1"), "{head}");
    let json: Value = serde_json::from_str(body).unwrap();
    let status = if json["ErrorCode"] == 0 { "OK" } else { "FAIL" };
    assert_eq!(json["ActionStatus"], status, "{body}");
    assert_eq!(json["ErrorInfo"] == "", status == "OK", "{body}");
    json
}

#[track_caller]
fn code(mock: &Mock, call: &Call) -> i64 {
    answer(mock, call)["ErrorCode"].as_i64().unwrap()
}

#[test]
fn every_query_parameter_is_required_and_validated() {
    let mock = in_world(Options::default());
    assert_eq!(code(&mock, &Call::good()), 0);
    for (name, missing) in [
        ("sdkappid", 60012),
        ("identifier", 60025),
        ("usersig", 60025),
        ("random", 60025),
        ("contenttype", 60025),
    ] {
        assert_eq!(code(&mock, &Call::good().without(name)), missing, "{name}");
        assert_eq!(code(&mock, &Call::good().with(name, "")), missing, "{name}");
    }
    for (name, value, expected) in [
        ("sdkappid", "app", 60012),
        ("sdkappid", "1400000000.0", 60012),
        ("random", "0", 0),
        ("random", "4294967295", 0),
        ("random", "4294967296", 60025),
        ("random", "-1", 60025),
        ("random", "1.5", 60025),
        ("contenttype", "xml", 60025),
        ("identifier", "%", 60025),
    ] {
        let call = Call::good().with(name, value);
        assert_eq!(code(&mock, &call), expected, "{name}={value}");
    }
}

#[test]
fn every_body_field_must_be_a_string_and_only_the_topic_is_optional() {
    let mock = in_world(Options::default());
    assert_eq!(code(&mock, &Call::in_topic(TOPIC)), 0);
    let row = json!({"GroupId": COMMUNITY, "Sender_Account": "spam", "TopicId": TOPIC});
    for (name, optional) in [
        ("GroupId", false),
        ("Sender_Account", false),
        ("TopicId", true),
    ] {
        for wrong in [json!(""), json!(null), json!(7), json!([TOPIC])] {
            let mut row = row.clone();
            row[name] = wrong;
            let call = Call::good().with_body(row.to_string());
            assert_eq!(code(&mock, &call), 10004, "{}", call.body);
        }
        let mut row = row.clone();
        row.as_object_mut().unwrap().remove(name);
        let call = Call::good().with_body(row.to_string());
        let expected = if optional { 0 } else { 10004 };
        assert_eq!(code(&mock, &call), expected, "{}", call.body);
        let wrong_case = row.to_string() + &format!("{{\"{}\":\"x\"}}", name.to_lowercase());
        let wrong_case = wrong_case.replace("}{", ",");
        assert_eq!(code(&mock, &Call::good().with_body(wrong_case)), expected);
    }
}

#[test]
fn ids_have_the_documented_lengths_and_characters() {
    let mock = Mock::start(Options::default()).unwrap();
    let community = "@TGS#_c";
    let in_topic = |topic: &str| {
        let row = json!({"GroupId": community, "Sender_Account": "s", "TopicId": topic});
        Call::good().with_body(row.to_string())
    };
    let topic = |length: usize| format!("{:t<length$}", format!("{community}@TOPIC#_"));
    for (call, expected) in [
        (Call::recall(&"g".repeat(48), "s"), 0),
        (Call::recall(&"g".repeat(49), "s"), 10015),
        (Call::recall("a \"group\", with ~", "s"), 0),
        (Call::recall("群", "s"), 10015),
        (Call::recall("a\tgroup", "s"), 10015),
        (Call::recall("g", &"s".repeat(32)), 0),
        (Call::recall("g", &"s".repeat(33)), 10004),
        (Call::recall("g", "用户"), 10004),
        (in_topic(&topic(96)), 0),
        (in_topic(&topic(97)), 110_013),
        (in_topic("@TGS#_d@TOPIC#_1"), 110_013),
        (in_topic("@TGS#_c@TOPIC#_"), 110_013),
        (in_topic("news"), 110_013),
    ] {
        assert_eq!(code(&mock, &call), expected, "{}", call.body);
    }
}

/// Every code that a call or the state of a world can cause, with a call that causes it.
fn causes() -> Vec<(i64, &'static str, Call)> {
    let good = Call::good;
    let usersig = sign(SECRET_KEY, APP, "administrator", 3600);
    vec![
        (0, "all is well", good()),
        (0, "nothing to recall", Call::recall("@TGS#2C5SZEAEF", "quiet")),
        (0, "an AVChatRoom", Call::recall("@TGS#live", "spam")),
        (0, "an AVChatRoom, of an account that is none", Call::recall("@TGS#live", "nobody")),
        (0, "a topic", Call::in_topic(TOPIC)),
        (10003, "no such command", Call { command: "recall", ..good() }),
        (10004, "no sender", good().with_body(r#"{"GroupId":"@TGS#2C5SZEAEF"}"#)),
        (10007, "a type without recalls", Call::recall("@TGS#old", "spam")),
        (10007, "an identifier that may not", Call::recall("@TGS#closed", "spam")),
        (10010, "no such group", Call::recall("@TGS#nowhere", "spam")),
        (10010, "a dismissed group", Call::recall("@TGS#gone", "spam")),
        (10015, "no group ID", Call::recall("群", "spam")),
        (60002, "a GET", Call { method: "GET", ..good() }),
        (60003, "a body that is no JSON", good().with_body("GroupId=g")),
        (60010, "no admin", good()
            .with("identifier", "leckie")
            .signed(sign(SECRET_KEY, APP, "leckie", 3600))),
        (60012, "no SDKAppID", good().without("sdkappid")),
        (60025, "no random", good().without("random")),
        (60026, "Frankfurt", Call { host: "adminapiger.im.qcloud.com".to_owned(), ..good() }),
        (60026, "China", Call { host: "console.tim.qq.com".to_owned(), ..good() }),
        (70001, "an expired UserSig", good().signed(sign(SECRET_KEY, APP, "administrator", 59))),
        (70003, "a UserSig cut off", good().signed(&usersig[..usersig.len() / 2])),
        (70009, "another key", good().signed(sign("another", APP, "administrator", 3600))),
        (70013, "another identifier", good().signed(sign(SECRET_KEY, APP, "second", 3600))),
        (70014, "another app", good().signed(sign(SECRET_KEY, 7, "administrator", 3600))),
        (70020, "no such app here", good().with("sdkappid", "1400000001")),
        (70107, "a sender never imported", Call::recall("@TGS#2C5SZEAEF", "nobody")),
        (110_013, "no such topic", Call::in_topic("@TGS#_@TGS#cQVLVHIM62CJ@TOPIC#_none")),
        (110_013, "a topic of no community", good().with_body(
            r#"{"GroupId":"@TGS#2C5SZEAEF","Sender_Account":"spam","TopicId":"@TGS#2C5SZEAEF@TOPIC#_1"}"#,
        )),
    ]
}

#[test]
fn each_cause_produces_its_code() {
    for (expected, cause, call) in causes() {
        // A mock for each call, because some codes depend on earlier calls.
        let mock = in_world(Options::default());
        assert_eq!(code(&mock, &call), expected, "{cause}");
        // A request for an unknown command does not count as a call.
        let calls = u64::from(expected != 10003);
        let seen = mock.seen();
        assert_eq!((seen.calls, seen.unknown_paths), (calls, 1 - calls));
        let by_code = [(expected, 1)].into_iter().filter(|_| calls == 1);
        assert_eq!(seen.by_code, by_code.collect());
    }
}

#[test]
fn a_usersig_can_be_renewed_and_a_second_admin_can_call() {
    let mock = in_world(Options::default());
    for identifier in ["administrator", "second", "administrator"] {
        let call = Call::good().with("identifier", identifier);
        let call = call.signed(sign(SECRET_KEY, APP, identifier, 3600));
        assert_eq!(code(&mock, &call), 0);
    }
}

#[test]
fn too_many_bad_usersigs_lock_the_caller_out() {
    let mock = in_world(Options::default());
    let bad = Call::good().signed("bad");
    let codes: Vec<i64> = (0..12).map(|_| code(&mock, &bad)).collect();
    assert_eq!(codes, [[70003; 10].as_slice(), &[70050; 2]].concat());
    assert_eq!(code(&mock, &Call::good()), 70050);
}

#[test]
fn each_command_has_its_own_cap() {
    let mock = in_world(Options {
        // Two calls and no more, however long the test takes.
        cap: Some(Cap::Bucket { rate: 0, burst: 2 }),
        ..Options::default()
    });
    let recalls = [(); 4].map(|()| code(&mock, &Call::good()));
    assert_eq!(recalls, [0, 0, 60007, 60007]);
    let look = Call::group_info(&["@TGS#live"]);
    assert_eq!([(); 3].map(|()| code(&mock, &look)), [0, 0, 60007]);
    // A call with bad credentials does not count towards the cap.
    assert_eq!(code(&mock, &Call::good().signed("bad")), 70003);
    let seen = mock.seen();
    assert_eq!((seen.calls, seen.over_cap), (5, 2));
    assert_eq!((seen.lookups.calls, seen.lookups.over_cap), (3, 1));
    let apps = mock.list(List::Apps);
    let lines: Vec<Value> = apps
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (line, command, calls, over_cap) in [
        (&lines[0], "delete_group_msg_by_sender", 5, 2),
        (&lines[1], "get_group_info", 3, 1),
    ] {
        assert_eq!(
            (&line["app"], &line["command"]),
            (&json!(APP), &json!(command))
        );
        assert_eq!(
            (&line["calls"], &line["over_cap"]),
            (&json!(calls), &json!(over_cap))
        );
    }
    assert_eq!(lines.len(), 2);
}

/// Codes that only `--fail` produces: their causes are inside the service or in the state of the
/// whole app.
const UNCAUSED: [i64; 41] = [
    10002, 10006, 10012, 10019, 10026, 10033, 10035, 10041, 10044, 11000, 60004, 60005, 60006,
    60008, 60009, 60011, 60013, 60014, 60016, 60017, 60018, 60019, 60020, 60021, 60027, 60028,
    70002, 70005, 70016, 70051, 70052, 70101, 70114, 70169, 70202, 70402, 70403, 70500, 72000,
    72002, 80005,
];

#[test]
fn every_code_in_the_table_has_a_cause_or_is_listed_as_without_one() {
    let caused = causes().into_iter().map(|(code, ..)| code);
    let elsewhere = [60007, 70050];
    let covered: BTreeSet<i64> = caused.chain(elsewhere).chain(UNCAUSED).collect();
    let table = codes::TABLE.iter().map(|known| known.code);
    let table: BTreeSet<i64> = table.filter(|&code| code == 0 || code >= 600).collect();
    assert_eq!(covered, table);
}

#[test]
fn every_code_and_status_in_the_table_can_be_requested_as_a_fault() {
    for known in codes::TABLE.iter().filter(|known| known.code > 0) {
        let mock = Mock::start(Options {
            faults: vec![format!("{}=100%", known.code).parse().unwrap()],
            ..Options::default()
        })
        .unwrap();
        if known.code >= 600 {
            assert_eq!(code(&mock, &Call::good()), known.code);
        } else {
            let text = talk(&mock, &Call::good().text());
            let status = format!("HTTP/1.1 {} ", known.code);
            assert!(text.starts_with(&status), "{text}");
            assert!(text.contains("\r\nx-recall-mock: 1\r\n"), "{text}");
        }
    }
}

#[test]
fn group_info_has_a_code_for_each_group() {
    let mock = in_world(Options::default());
    let groups = ["@TGS#live", "@TGS#gone", "@TGS#nowhere", "群", COMMUNITY];
    let info = answer(&mock, &Call::group_info(&groups));
    let info = info["GroupInfo"].as_array().unwrap();
    let info = info.iter().map(|group| {
        (
            group["GroupId"].as_str().unwrap(),
            group["ErrorCode"].as_i64().unwrap(),
            group["Type"].as_str(),
        )
    });
    let expected = [
        ("@TGS#live", 0, Some("AVChatRoom")),
        ("@TGS#gone", 10010, None),
        ("@TGS#nowhere", 10010, None),
        ("群", 10015, None),
        (COMMUNITY, 0, Some("Community")),
    ];
    assert_eq!(info.collect::<Vec<_>>(), expected);
    let many = vec!["@TGS#live"; 51];
    assert_eq!(code(&mock, &Call::group_info(&many)), 10004);
    assert_eq!(code(&mock, &Call::group_info(&many[..50])), 0);
}

#[test]
fn every_answer_carries_the_header_of_the_mock() {
    let mock = Mock::start(Options::default()).unwrap();
    let long = "x".repeat(100_000);
    for (request, status) in [
        (Call::good().text(), "200 OK"),
        (
            Call::good().text().replace("HTTP/1.1", "HTTP/1.0"),
            "200 OK",
        ),
        ("GET / HTTP/1.1\r\nHost: mock\r\n\r\n".to_owned(), "200 OK"),
        ("HEAD / HTTP/1.1\r\nHost: mock\r\n\r\n".to_owned(), "200 OK"),
        (
            "GET /mock/seen HTTP/1.1\r\nHost: mock\r\n\r\n".to_owned(),
            "200 OK",
        ),
        (
            "GET /mock/nothing HTTP/1.1\r\nHost: mock\r\n\r\n".to_owned(),
            "404 Not Found",
        ),
        (
            Call::good().with_body(&long).text(),
            "413 Payload Too Large",
        ),
        ("garbage\r\n\r\n".to_owned(), "400 Bad Request"),
        ("POST / HTTP/9.9\r\n\r\n".to_owned(), "400 Bad Request"),
        (format!("GET /{long} HTTP/1.1\r\n\r\n"), "414 URI Too Long"),
        (
            format!(
                "GET / HTTP/1.1\r\n{}\r\n",
                format!("a: {}\r\n", &long[..9000]).repeat(90)
            ),
            "431 Request Header Fields Too Large",
        ),
    ] {
        let text = talk(&mock, &request);
        let start = &request[..request.len().min(60)];
        let (line, head) = text
            .split_once("\r\n")
            .unwrap_or_else(|| panic!("{start}: {text}"));
        assert_eq!(line.split_once(' ').unwrap().1, status, "{start}");
        assert!(head.contains("x-recall-mock: 1\r\n"), "{start}: {text}");
    }
}

#[test]
fn a_malformed_or_truncated_body_is_a_bad_request_and_not_a_call() {
    let mock = Mock::start(Options::default()).unwrap();
    let good = Call::good().text();
    let (head, body) = good.split_once("\r\n\r\n").unwrap();
    let length = format!("Content-Length: {}", body.len());
    for (framing, sent) in [
        ("Transfer-Encoding: chunked", format!("zz\r\n{body}")),
        ("Transfer-Encoding: chunked", format!("{:x}\r\n{body}", 500)),
        ("Content-Length: 500", body.to_owned()),
    ] {
        let head = head.replace(&length, framing);
        assert!(head.contains(framing), "{head}");
        let mut stream = connect(mock.address());
        write!(stream, "{head}\r\n\r\n{sent}").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{framing}: {answer}");
        assert!(
            answer.contains("x-recall-mock: 1\r\n"),
            "{framing}: {answer}"
        );
    }
    let seen = mock.stop();
    assert_eq!(
        (seen.calls, seen.unknown_paths, seen.connections),
        (0, 0, 3)
    );
}

#[test]
fn a_connection_can_carry_many_calls_in_sequence_or_pipelined() {
    let mock = Mock::start(Options::default()).unwrap();
    let mut stream = connect(mock.address());
    let calls = Call::good().text().repeat(3);
    for _ in 0..2 {
        stream.write_all(calls.as_bytes()).unwrap();
        let mut answers = String::new();
        while answers.matches(r#""ErrorCode":0}"#).count() < 3 {
            let mut block = [0; 4096];
            let read = stream.read(&mut block).unwrap();
            assert_ne!(read, 0, "closed early, after {answers}");
            answers.push_str(std::str::from_utf8(&block[..read]).unwrap());
        }
    }
    let seen = mock.seen();
    assert_eq!((seen.connections, seen.most_calls_on_a_connection), (1, 6));
    // HTTP/1.0 closes the connection after one call unless asked to keep it open.
    let once = Call::good().text().replace("HTTP/1.1", "HTTP/1.0");
    let mut stream = connect(mock.address());
    stream.write_all(once.as_bytes()).unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
}
