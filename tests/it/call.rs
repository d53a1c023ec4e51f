//! The call itself: the request on the wire is what the service's documentation specifies.

use std::collections::{BTreeMap, HashSet};

use serde_json::json;

use crate::stage::{Answer, Place, Request, Service, USERSIG, rows};

const PATH: &str = "/v4/group_open_http_svc/delete_group_msg_by_sender";

#[test]
fn a_row_is_one_post_to_the_documented_path() {
    let service = Service::good();
    let place = Place::with_rows("group,sender\n@TGS#2C5SZEAEF,leckie\n");
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    let [call] = &service.requests()[..] else {
        panic!("{} calls", service.calls())
    };
    assert_eq!((&*call.method, &*call.path), ("POST", PATH));
    assert_eq!(call.headers["host"], service.address().to_string());
    assert_eq!(
        call.headers["user-agent"],
        concat!("recall/", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(call.headers["content-type"], "application/json");
    assert_eq!(call.headers["content-length"], call.body.len().to_string());
}

#[test]
fn the_query_has_exactly_the_five_documented_parameters() {
    let service = Service::good();
    let place = Place::with_rows(rows(1));
    let run = place.run("rows.csv").on(service.address());
    run.with(["--identifier", "root"]).finish().exits(0);
    let call = &service.requests()[0];
    let parameters: BTreeMap<_, _> = call.parameters().into_iter().collect();
    let names: Vec<_> = parameters.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["contenttype", "identifier", "random", "sdkappid", "usersig"]
    );
    assert_eq!(call.parameters().len(), 5, "each parameter appears once");
    assert_eq!(parameters["sdkappid"], "1400000000");
    assert_eq!(parameters["identifier"], "root");
    assert_eq!(parameters["usersig"], USERSIG);
    assert_eq!(parameters["contenttype"], "json");
    let random: u32 = parameters["random"].parse().unwrap();
    assert_eq!(random.to_string(), parameters["random"]);
}

#[test]
fn the_identifier_defaults_to_administrator() {
    let service = Service::good();
    let place = Place::with_rows(rows(1));
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    let call = &service.requests()[0];
    assert_eq!(call.parameter("identifier"), "administrator");
}

#[test]
fn special_characters_in_the_query_are_percent_encoded() {
    let service = Service::good();
    let place = Place::with_rows(rows(1));
    let (identifier, usersig) = ("ad min&a=b#c/管", "x+y/z=&q=1#%41*-_");
    let run = place.run("rows.csv").on(service.address());
    run.env("RECALL_IDENTIFIER", identifier)
        .env("RECALL_USERSIG", usersig)
        .finish()
        .exits(0);
    let call = &service.requests()[0];
    assert!(call.query.is_ascii());
    assert!(!call.query.contains([' ', '#']), "{}", call.query);
    assert_eq!(call.parameter("identifier"), identifier);
    assert_eq!(call.parameter("usersig"), usersig);
    assert_eq!(call.parameters().len(), 5);
}

#[test]
fn every_call_and_every_retry_has_a_fresh_random() {
    let service = Service::start(|call| match call.nth_of_row {
        0 => Answer::code(10002),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(12));
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    let requests = service.requests();
    let randoms: HashSet<u32> = requests
        .iter()
        .map(|call| call.parameter("random").parse().unwrap())
        .collect();
    assert_eq!((requests.len(), randoms.len()), (24, 24));
    assert!(
        randoms.iter().any(|random| *random > u32::MAX / 16),
        "all 32 bits should be used"
    );
}

#[test]
fn the_body_has_a_topic_only_if_the_row_has_one() {
    let service = Service::good();
    let place = Place::with_rows("group,sender,topic\n@TGS#_1,ann,@TGS#_1@TOPIC#_2\n@TGS#3,bob,\n");
    let run = place.run("rows.csv").on(service.address());
    run.with(["--concurrency", "1"]).finish().exits(0);
    let bodies: Vec<_> = service.requests().iter().map(Request::json).collect();
    assert_eq!(
        bodies,
        [
            json!({"GroupId": "@TGS#_1", "Sender_Account": "ann", "TopicId": "@TGS#_1@TOPIC#_2"}),
            json!({"GroupId": "@TGS#3", "Sender_Account": "bob"}),
        ]
    );
}

#[test]
fn ids_reach_the_service_byte_for_byte() {
    let service = Service::lenient();
    let place = Place::with_rows(
        "group,sender\n\"a, \"\"b\"\"\\c\", padded \n用户,1294030472427835393\n00012,=cmd|x\n",
    );
    let run = place.run("rows.csv").on(service.address());
    run.with(["--concurrency", "1"]).finish().exits(0);
    let ids: Vec<_> = service
        .requests()
        .iter()
        .map(|call| {
            let json = call.json();
            let text = |key: &str| json[key].as_str().unwrap().to_owned();
            (text("GroupId"), text("Sender_Account"))
        })
        .collect();
    let expected = [
        ("a, \"b\"\\c", " padded "),
        ("用户", "1294030472427835393"),
        ("00012", "=cmd|x"),
    ];
    assert_eq!(
        ids,
        expected.map(|(group, sender)| (group.to_owned(), sender.to_owned()))
    );
}

#[test]
fn one_connection_is_reused_for_all_calls() {
    let service = Service::good();
    let place = Place::with_rows(rows(30));
    let run = place.run("rows.csv").on(service.address());
    run.with(["--concurrency", "1"]).finish().exits(0);
    let connections: HashSet<_> = service.requests().iter().map(|c| c.connection).collect();
    assert_eq!((service.calls(), connections.len()), (30, 1));
}

#[test]
fn calls_go_below_the_path_of_the_endpoint() {
    let service = Service::good();
    let place = Place::with_rows(rows(1));
    let endpoint = format!("http://{}/im/", service.address());
    let run = place.run("rows.csv").with(["--endpoint", &endpoint]);
    // The service has no such command under that path.
    run.finish().exits(4).says("10003");
    assert_eq!(service.requests()[0].path, format!("/im{PATH}"));
}

#[test]
fn a_redirect_is_not_followed_and_stops_the_run() {
    let elsewhere = Service::good();
    let location = format!("http://{}{PATH}", elsewhere.address());
    for status in [
        "301 Moved",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent",
    ] {
        let answer =
            format!("HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let service = Service::start(move |_| Answer::bytes(answer.clone()));
        let place = Place::with_rows(rows(50));
        let run = place.run("rows.csv").on(service.address());
        let done = run.with(["--concurrency", "3"]).finish().exits(4);
        assert_eq!(done.json()["stopped"], "service", "{status}");
        assert!(
            service.calls() <= 3,
            "{} calls after {status}",
            service.calls()
        );
        assert!(place.ledger().entries.is_empty(), "no row should fail");
    }
    assert_eq!(elsewhere.calls(), 0);
}
