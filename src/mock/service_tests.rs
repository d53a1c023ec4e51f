//! The service's answers, in virtual time.

use std::collections::BTreeMap;

use super::super::fault::Fault;
use super::super::key::KeyFilter;
use super::super::question::Question;
use super::super::script::Script;
use super::super::tell::List;
use super::*;
use crate::api::codes;
use crate::api::secret::Secret;
use crate::api::usersig;

const MS: Duration = Duration::from_millis(1);
const NOW: u64 = 1_700_000_000;
const QUERY: &str = "sdkappid=1400000000&identifier=administrator&random=1&contenttype=json";

fn faults<const N: usize>(texts: [&str; N]) -> Vec<Fault> {
    texts.map(|text| text.parse().expect("a fault")).to_vec()
}

fn ask(service: &mut Service, now: Duration, path: &str, usersig: &str, body: &str) -> Answer {
    let query = format!("{QUERY}&usersig={usersig}");
    let request = Request {
        arrived: now,
        method: "POST",
        path,
        query: &query,
        host: "127.0.0.1",
        body: body.as_bytes(),
    };
    service.call(now, 1, &request)
}

fn row(group: &str, sender: &str) -> String {
    serde_json::json!({"GroupId": group, "Sender_Account": sender}).to_string()
}

fn recall(service: &mut Service, now: Duration, sender: &str) -> Answer {
    ask(service, now, RECALL, "x", &row("g", sender))
}

fn code(answer: &Answer) -> i64 {
    let json: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    let code = json["ErrorCode"].as_i64().expect("a code");
    let status = if code == 0 { "OK" } else { "FAIL" };
    assert_eq!(json["ActionStatus"], status);
    code
}

fn codes(options: &Options, senders: impl Iterator<Item = u32>) -> Vec<(u32, i64)> {
    let mut service = Service::new(options.clone(), NOW);
    senders
        .map(|n| {
            (
                n,
                code(&recall(&mut service, Duration::ZERO, &n.to_string())),
            )
        })
        .collect()
}

#[test]
fn a_good_call_succeeds_immediately() {
    let mut service = Service::new(Options::default(), NOW);
    let answer = recall(&mut service, Duration::ZERO, "s");
    assert_eq!(answer.body, Reply::OK.body());
    assert_eq!((answer.delay, answer.how), (Duration::ZERO, How::Json));
}

#[test]
fn an_unknown_command_and_a_wrong_method_get_their_codes() {
    let mut service = Service::new(Options::default(), NOW);
    let mut call = |method, path| {
        let request = Request {
            arrived: Duration::ZERO,
            method,
            path,
            query: "sdkappid=1&identifier=a&usersig=x&random=1&contenttype=json",
            host: "",
            body: b"{}",
        };
        code(&service.call(Duration::ZERO, 1, &request))
    };
    assert_eq!(call("POST", "/v4/group_open_http_svc/recall"), 10003);
    assert_eq!(call("GET", RECALL), 60002);
    assert_eq!(call("POST", RECALL), 10004);
    let seen = service.seen(Duration::ZERO);
    assert_eq!((seen.calls, seen.unknown_paths), (2, 1));
}

#[test]
fn a_path_without_a_command_meets_no_fault_and_starts_no_script() {
    let script = "[[during]]\nfail = ['10002=100%']";
    let mut service = Service::new(
        Options {
            script: Script::from_toml(script).expect("a script"),
            latency: "1s".parse().expect("a latency"),
            cap: Some(1.into()),
            ..Options::default()
        },
        NOW,
    );
    for _ in 0..3 {
        let answer = ask(&mut service, Duration::ZERO, "/favicon.ico", "x", "");
        assert_eq!((code(&answer), answer.how.clone()), (10003, How::Json));
        assert_eq!((answer.delay, answer.first), (Duration::ZERO, false));
    }
    let seen = service.seen(Duration::ZERO);
    let expected = Seen {
        unknown_paths: 3,
        ..Seen::default()
    };
    assert_eq!(seen, expected);
    let answer = recall(&mut service, Duration::ZERO, "s");
    assert_eq!((code(&answer), answer.first), (10002, true));
}

#[test]
fn calls_over_the_cap_get_the_frequency_error() {
    let mut service = Service::new(
        Options {
            cap: Some(200.into()),
            ..Options::default()
        },
        NOW,
    );
    let ok = (0..2500)
        .filter(|&ms| code(&recall(&mut service, ms * MS, "s")) == 0)
        .count();
    let seen = service.seen(2500 * MS);
    assert_eq!((ok, seen.over_cap), (600, 1900));
    assert_eq!(seen.by_code[&60007], 1900);
    assert_eq!(seen.worst_second, 1000);
}

#[test]
fn lookups_have_their_own_cap() {
    let mut service = Service::new(
        Options {
            cap: Some(1.into()),
            ..Options::default()
        },
        NOW,
    );
    let mut look = || {
        code(&ask(
            &mut service,
            Duration::ZERO,
            GROUP_INFO,
            "x",
            r#"{"GroupIdList":["g"]}"#,
        ))
    };
    assert_eq!([look(), look()], [0, 60007]);
    assert_eq!(code(&recall(&mut service, Duration::ZERO, "s")), 0);
    let seen = service.seen(Duration::ZERO);
    assert_eq!(
        (seen.calls, seen.lookups.calls, seen.lookups.over_cap),
        (1, 2, 1)
    );
}

#[test]
fn the_same_seed_gives_the_same_faults() {
    let mut options = Options {
        faults: faults(["10002=20%"]),
        seed: 42,
        ..Options::default()
    };
    let first = codes(&options, 0..1000);
    assert_eq!(codes(&options, 0..1000), first);
    options.seed = 43;
    assert_ne!(codes(&options, 0..1000), first);
}

#[test]
fn if_rows_are_counted_faults_do_not_depend_on_their_order() {
    let options = Options {
        faults: faults(["10002=20%"]),
        count_rows: true,
        ..Options::default()
    };
    let mut backwards = codes(&options, (0..1000).rev());
    backwards.reverse();
    assert_eq!(codes(&options, 0..1000), backwards);
}

#[test]
fn a_row_that_failed_by_chance_can_succeed_on_a_later_call() {
    let mut service = Service::new(
        Options {
            faults: faults(["10002=50%"]),
            count_rows: true,
            ..Options::default()
        },
        NOW,
    );
    let codes: Vec<i64> = (0..20)
        .map(|_| code(&recall(&mut service, Duration::ZERO, "s")))
        .collect();
    assert!(codes.contains(&0) && codes.contains(&10002), "{codes:?}");
    let rows = service.rows.as_ref().expect("counted");
    let row = rows.get(0).expect("the row");
    let ok = codes.iter().filter(|&&code| code == 0).count();
    assert_eq!((row.calls, row.ok as usize), (20, ok));
}

#[test]
fn a_row_fault_strikes_a_row_every_time_or_never() {
    let options = Options {
        faults: faults(["10019=20%/row"]),
        ..Options::default()
    };
    let codes = codes(&options, (0..1000).chain(0..1000));
    assert_eq!(codes[..1000], codes[1000..]);
    let struck = codes[..1000].iter().filter(|(_, code)| *code == 10019);
    assert!((150..250).contains(&struck.count()));
}

#[test]
fn a_lookup_reports_a_group_fault_too() {
    let mut service = Service::new(
        Options {
            faults: faults(["10010=30%/group", "502=10%/group", "70107=20%/sender"]),
            ..Options::default()
        },
        NOW,
    );
    let mut missing = 0;
    for n in 0..200 {
        let group = format!("g{n}");
        let list = serde_json::json!({ "GroupIdList": [group] }).to_string();
        let reported = ask(&mut service, Duration::ZERO, GROUP_INFO, "x", &list);
        let reported: serde_json::Value = serde_json::from_slice(&reported.body).expect("JSON");
        assert_eq!(reported["ErrorCode"], 0);
        let reported = &reported["GroupInfo"][0]["ErrorCode"];
        for sender in ["a", "b"] {
            let recall = ask(
                &mut service,
                Duration::ZERO,
                RECALL,
                "x",
                &row(&group, sender),
            );
            let is_missing = recall.how == How::Json && code(&recall) == 10010;
            assert_eq!(*reported, if is_missing { 10010 } else { 0 }, "{group}");
            missing += usize::from(is_missing);
        }
    }
    assert!((60..180).contains(&missing), "{missing}");
}

#[test]
fn a_lookup_reports_scripted_faults_of_groups_but_not_of_calls() {
    let script = "
        [[during]]\ngroup = 'gone'\nfail = ['10010=100%/group']
        [[during]]\ngroup = 'sick'\nfail = ['10010=100%']";
    let mut service = Service::new(
        Options {
            script: Script::from_toml(script).expect("a script"),
            ..Options::default()
        },
        NOW,
    );
    let mut call = |path, body: &str| {
        let answer = ask(&mut service, Duration::ZERO, path, "x", body);
        serde_json::from_slice::<serde_json::Value>(&answer.body).expect("JSON")
    };
    let list = r#"{"GroupIdList":["gone","sick","g"]}"#;
    let reported = call(GROUP_INFO, list);
    let reported = [0, 1, 2].map(|nth| reported["GroupInfo"][nth]["ErrorCode"].clone());
    assert_eq!(reported, [10010, 0, 0]);
    let codes =
        ["gone", "sick", "g"].map(|group| call(RECALL, &row(group, "s"))["ErrorCode"].clone());
    assert_eq!(codes, [10010, 10010, 0]);
}

#[test]
fn if_rows_are_counted_a_made_up_world_shows_what_recalls_did() {
    let options = Options {
        count_rows: true,
        faults: faults(["10004=40%/row", "reset=20%"]),
        ..Options::default()
    };
    let mut service = Service::new(options, NOW);
    let mut expected = Vec::new();
    for n in 0..300 {
        let (group, sender) = (format!("g{}", n % 10), n.to_string());
        let answer = ask(
            &mut service,
            Duration::ZERO,
            RECALL,
            "x",
            &row(&group, &sender),
        );
        let kind = service.made_up.group(&group).kind;
        // Whether a call that was reset took effect is unknown.
        if answer.how == How::Json {
            expected.push((sender, code(&answer) == 0 && kind != "AVChatRoom"));
        }
    }
    let reported = List::World(KeyFilter::default()).to_json_lines(&mut service, Duration::ZERO);
    let reported = String::from_utf8(reported).expect("UTF-8");
    let reported: Vec<serde_json::Value> = reported
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(reported.len(), 300);
    assert!((150..280).contains(&expected.len()));
    for (sender, recalled) in expected {
        let line = reported
            .iter()
            .find(|line| line["sender"] == sender.as_str());
        let line = line.expect("a line for the sender");
        let all = line["recalled"].as_u64().zip(line["within_reach"].as_u64());
        let (gone, reachable) = all.expect("numbers");
        assert!(if recalled { reachable == 0 } else { gone == 0 }, "{line}");
    }
}

#[test]
fn a_made_up_row_can_be_queried_before_it_is_called() {
    let mut service = Service::new(
        Options {
            count_rows: true,
            ..Options::default()
        },
        NOW,
    );
    let tell = |service: &mut Service, query: &str| {
        let Ok(Question::List(list)) = Question::read("world", query) else {
            panic!("{query}");
        };
        let reported = list.to_json_lines(service, Duration::ZERO);
        String::from_utf8(reported).expect("UTF-8")
    };
    let row = "group=g&sender=s+1";
    let before = tell(&mut service, row);
    assert!(
        before.contains(r#""sender":"s 1","topic":"","sent":"#),
        "{before}"
    );
    assert!(before.contains(r#""recalled":0"#), "{before}");
    assert_eq!(tell(&mut service, ""), "");
    recall(&mut service, Duration::ZERO, "s 1");
    let after = tell(&mut service, row);
    assert_ne!(after, before);
    assert_eq!(tell(&mut service, ""), after);
    assert_eq!(tell(&mut service, "group=g&sender=s+1&topic=t"), "");
    let mut forgetful = Service::new(Options::default(), NOW);
    assert_eq!(tell(&mut forgetful, row), "");
}

#[test]
fn every_fault_has_its_own_answer_and_is_counted() {
    for (fault, how) in [
        ("502", How::Page(502)),
        ("302", How::Page(302)),
        ("html", How::Page(200)),
        ("wrong", How::Json),
        ("half", How::Half),
        ("slow", How::Slow),
        ("endless", How::Endless),
        ("reset", How::Reset),
        ("hang", How::Hang),
    ] {
        let mut service = Service::new(
            Options {
                faults: vec![format!("{fault}=100%").parse().expect("a fault")],
                count_rows: true,
                ..Options::default()
            },
            NOW,
        );
        assert_eq!(recall(&mut service, Duration::ZERO, "s").how, how);
        let seen = service.seen(Duration::ZERO);
        assert_eq!(seen.faults, BTreeMap::from([(fault.to_owned(), 1)]));
        // A slow answer still counts as an answer.
        let answers = u32::from(fault == "slow");
        assert_eq!((seen.calls, seen.by_code.len()), (1, answers as usize));
        let row = service
            .rows
            .as_ref()
            .and_then(|rows| rows.get(0))
            .expect("the row");
        assert_eq!((row.calls, row.ok), (1, answers), "{fault}");
    }
}

#[test]
fn wrong_json_is_never_a_success_by_the_documentation() {
    for wrong in WRONG {
        let json = serde_json::from_str(wrong).unwrap_or(serde_json::Value::Null);
        assert!(
            json["ErrorCode"] != 0 || json["ActionStatus"] != "OK",
            "{wrong}"
        );
    }
}

#[test]
fn the_clock_of_a_script_starts_with_the_first_call() {
    let script = "[[during]]\nfrom = '1s'\nto = '2s'\nfail = ['10002=100%']";
    let mut service = Service::new(
        Options {
            script: Script::from_toml(script).expect("a script"),
            ..Options::default()
        },
        NOW,
    );
    let codes = [5000, 5999, 6000, 6999, 7000].map(|ms| code(&recall(&mut service, ms * MS, "s")));
    assert_eq!(codes, [0, 0, 10002, 10002, 0]);
}

#[test]
fn a_script_can_strike_one_row_and_slow_another() {
    let script = "
        [[during]]\nsender = 'a'\nfail = ['10019=100%']
        [[during]]\nsender = 'b'\nlatency = '3s'";
    let mut service = Service::new(
        Options {
            script: Script::from_toml(script).expect("a script"),
            latency: "1s".parse().expect("a latency"),
            ..Options::default()
        },
        NOW,
    );
    let mut call = |sender| {
        let answer = recall(&mut service, Duration::ZERO, sender);
        (code(&answer), answer.delay.as_secs())
    };
    assert_eq!(
        [call("a"), call("b"), call("c")],
        [(10019, 1), (0, 3), (0, 1)]
    );
}

const WORLD: &str = r#"
    [app]
    sdkappid = 1400000000
    key = "the key"
    admins = ["administrator"]
    [[group]]
    id = "g"
    type = "Public"
    members = ["leckie"]
    messages = [{ senders = ["spam", "leckie"], count = 20 }]
"#;

fn with_world(options: Options) -> Service {
    let world = World::from_toml(WORLD).expect("a world");
    Service::new(
        Options {
            world: Some(world),
            ..options
        },
        NOW,
    )
}

fn signed() -> String {
    let key = Secret::new("the key");
    let usersig = usersig::mint(&key, 1_400_000_000, "administrator", NOW, 3600);
    usersig.expose().to_owned()
}

#[test]
fn in_a_world_calls_must_be_signed_and_rows_must_exist() {
    let mut service = with_world(Options::default());
    let (good, now) = (signed(), Duration::ZERO);
    let mut call = |usersig: &str, group: &str, sender: &str| {
        code(&ask(
            &mut service,
            now,
            RECALL,
            usersig,
            &row(group, sender),
        ))
    };
    assert_eq!(call("x", "g", "spam"), 70003);
    assert_eq!(call(&good, "g", "spam"), 0);
    assert_eq!(call(&good, "h", "spam"), 10010);
    assert_eq!(call(&good, "g", "nobody"), 70107);
    assert_eq!(call(&good, "群", "spam"), 10015);
    assert_eq!(call(&good, "g", "用户"), 10004);
    let later = Duration::from_secs(3600);
    assert_eq!(code(&ask(&mut service, later, RECALL, &good, "{}")), 70001);
    let world = service.seen(later).world.expect("a world");
    assert_eq!((world.messages, world.recalled), (20, 10));
}

#[test]
fn a_call_without_a_valid_answer_may_have_taken_effect() {
    let good = signed();
    let landed = (0..100).filter(|&seed| {
        let mut service = with_world(Options {
            faults: faults(["reset=100%"]),
            seed,
            ..Options::default()
        });
        ask(
            &mut service,
            Duration::ZERO,
            RECALL,
            &good,
            &row("g", "spam"),
        );
        let world = service.seen(Duration::ZERO).world.expect("a world");
        world.recalled == 10
    });
    assert!((25..75).contains(&landed.count()));
}

#[test]
fn a_slow_answer_reports_the_real_result() {
    let mut service = with_world(Options {
        faults: faults(["slow=100%"]),
        count_rows: true,
        ..Options::default()
    });
    let (good, now) = (signed(), Duration::ZERO);
    for (group, sender, expected) in [
        ("g", "spam", 0),
        ("nowhere", "spam", 10010),
        ("g", "nobody", 70107),
    ] {
        for _ in 0..10 {
            let row = row(group, sender);
            let answer = ask(&mut service, now, RECALL, &good, &row);
            assert_eq!((code(&answer), answer.how), (expected, How::Slow));
            let messages = service.seen(now).world.expect("a world");
            assert_eq!(
                messages.recalled, 10,
                "only the first call recalls messages"
            );
        }
    }
    let list = r#"{"GroupIdList":["g"]}"#;
    let answer = ask(&mut service, now, GROUP_INFO, &good, list);
    assert_eq!((code(&answer), answer.how), (0, How::Slow));
    let seen = service.seen(now);
    let answered = BTreeMap::from([(0, 11), (10010, 10), (70107, 10)]);
    assert_eq!((seen.by_code, seen.faults["slow"]), (answered, 31));
    let rows = service.rows.as_ref().expect("counted");
    let ok = [0, 1, 2].map(|row| rows.get(row).expect("the row").ok);
    assert_eq!(ok, [10, 0, 0]);
}

#[test]
fn an_error_code_means_the_call_had_no_effect() {
    let mut service = with_world(Options {
        faults: faults(["10002=100%"]),
        ..Options::default()
    });
    let good = signed();
    for _ in 0..20 {
        let answer = ask(
            &mut service,
            Duration::ZERO,
            RECALL,
            &good,
            &row("g", "spam"),
        );
        assert_eq!(code(&answer), 10002);
    }
    assert_eq!(
        service
            .seen(Duration::ZERO)
            .world
            .expect("a world")
            .recalled,
        0
    );
}

#[test]
fn traffic_arrives_as_time_passes() {
    let mut service = with_world(Options {
        traffic: 100.0,
        ..Options::default()
    });
    let messages = |service: &mut Service, s| {
        let seen = service.seen(Duration::from_secs(s));
        seen.world.expect("a world").messages
    };
    assert_eq!(messages(&mut service, 0), 20);
    assert_eq!(messages(&mut service, 9), 920);
    // By now the spam is out of reach.
    messages(&mut service, 10);
    let answer = ask(
        &mut service,
        Duration::from_secs(11),
        RECALL,
        &signed(),
        &row("g", "spam"),
    );
    assert_eq!(code(&answer), 0);
    let seen = service.seen(Duration::from_secs(11));
    assert_eq!(seen.world.expect("a world").recalled, 0);
}

#[test]
fn every_known_code_can_be_provoked_and_has_an_error_text() {
    for known in codes::TABLE.iter().filter(|known| known.code >= 600) {
        let mut service = Service::new(
            Options {
                faults: vec![format!("{}=100%", known.code).parse().expect("a fault")],
                ..Options::default()
            },
            NOW,
        );
        let answer = recall(&mut service, Duration::ZERO, "s");
        assert_eq!(code(&answer), known.code);
        let json: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_ne!(json["ErrorInfo"], "", "{}", known.code);
    }
}
