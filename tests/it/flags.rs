//! Flags and variables, tested by their effect on the wire and on files.

use crate::stage::{Answer, Place, Service, rows};

#[test]
fn flags_override_the_environment() {
    let (service, other) = (Service::good(), Service::good());
    let place = Place::with_rows(rows(1));
    let run = |ledger: &str| {
        let run = place.recall(["run", "rows.csv", "--ledger", ledger]);
        run.env("RECALL_ENDPOINT", format!("http://{}", service.address()))
            .env("RECALL_SDKAPPID", "1400000007")
            .env("RECALL_IDENTIFIER", "root")
    };
    run("1").finish().exits(0);
    let flags = ["--sdkappid", "1400000008", "--identifier", "boss"];
    run("2").on(other.address()).with(flags).finish().exits(0);
    let sent = [&service, &other].map(|service| {
        let call = &service.requests()[0];
        (call.parameter("sdkappid"), call.parameter("identifier"))
    });
    let expected = [("1400000007", "root"), ("1400000008", "boss")];
    assert_eq!(
        sent,
        expected.map(|(app, identifier)| (app.to_owned(), identifier.to_owned()))
    );
    assert_eq!(place.ledger_named("2").header.app, 1_400_000_008);
}

#[test]
fn the_environment_overrides_a_profile_and_a_profile_overrides_the_file() {
    let service = Service::good();
    let place = Place::with_rows(rows(1));
    place.write(
        "recall.toml",
        format!(
            "endpoint = \"http://{}\"\nsdkappid = 1400000001\nusersig = \"one\"\n\
             [profile.game]\nsdkappid = 1400000002\nusersig = \"two\"\n",
            service.address()
        ),
    );
    let run = |ledger: &str| {
        let run = place.recall([
            "run",
            "rows.csv",
            "--config",
            "recall.toml",
            "--ledger",
            ledger,
        ]);
        run.without("RECALL_SDKAPPID").without("RECALL_USERSIG")
    };
    run("1").finish().exits(0);
    run("2").with(["--profile", "game"]).finish().exits(0);
    run("3")
        .env("RECALL_SDKAPPID", "1400000003")
        .finish()
        .exits(0);
    let sent: Vec<_> = service
        .requests()
        .iter()
        .map(|call| call.parameter("sdkappid") + " " + &call.parameter("usersig"))
        .collect();
    assert_eq!(sent, ["1400000001 one", "1400000002 two", "1400000003 one"]);
}

#[test]
fn each_region_has_its_own_address() {
    let place = Place::with_rows(rows(1));
    for (region, host) in [
        ("china", "console.tim.qq.com"),
        ("singapore", "adminapisgp.im.qcloud.com"),
        ("seoul", "adminapikr.im.qcloud.com"),
        ("frankfurt", "adminapiger.im.qcloud.com"),
        ("silicon-valley", "adminapiusa.im.qcloud.com"),
        ("jakarta", "adminapiidn.im.qcloud.com"),
        ("tokyo", "adminapijpn.im.qcloud.com"),
        ("riyadh", "adminapiksa.im.qcloud.com"),
    ] {
        let address =
            format!("POST https://{host}/v4/group_open_http_svc/delete_group_msg_by_sender?");
        let dry = || place.recall(["run", "rows.csv", "--dry-run"]);
        let by_flag = dry().with(["--region", region]).finish().exits(0).stdout;
        let by_variable = dry().env("RECALL_REGION", region).finish().exits(0).stdout;
        for shown in [by_flag, by_variable] {
            assert!(shown.contains(&address), "{shown}");
        }
    }
    let mars = place.recall(["run", "rows.csv", "--region", "mars"]);
    mars.finish().exits(2).says("mars").says("singapore");
}

#[test]
fn a_proxy_from_the_environment_is_used_except_for_loopback() {
    let proxy = Service::start(|_| Answer::reset());
    let place = Place::with_rows(rows(1));
    // No real name ends in `.invalid`, so this can only be reached through the proxy.
    let run = place
        .run("rows.csv")
        .with(["--endpoint", "https://recall.invalid"]);
    let run = run.rate("200").with(["--max-attempts", "1"]);
    let address = format!("http://{}", proxy.address());
    run.env("HTTPS_PROXY", address).finish().exits(3);
    let asked = &proxy.requests()[0];
    assert_eq!(
        (&*asked.method, &*asked.headers["host"]),
        ("CONNECT", "recall.invalid:443")
    );
}

#[test]
fn a_dry_run_escapes_ids_that_change_the_text_direction() {
    let place = Place::with_rows("group,sender\n@TGS#1,u\u{202e}1\u{2028}\n");
    let run = place.recall(["run", "rows.csv", "--dry-run", "--region", "tokyo"]);
    let shown = run.finish().exits(0).stdout;
    let body = r#"{"GroupId":"@TGS#1","Sender_Account":"u\u202e1\u2028"}"#;
    assert!(shown.contains(body), "{shown}");
}

#[test]
fn a_dry_run_reads_all_rows_shows_the_first_calls_and_makes_none() {
    let service = Service::good();
    let place = Place::with_rows(rows(12) + "@TGS#1,u3\n@TGS#1,\n");
    let run = place
        .recall(["run", "rows.csv", "--dry-run"])
        .on(service.address());
    let done = run
        .finish()
        .exits(3)
        .says("Nothing was recalled. 14 rows: 1 duplicate, 1 invalid");
    assert!(
        done.stdout
            .contains(r#"{"GroupId":"@TGS#1","Sender_Account":"u0"}"#),
        "{}",
        done.stdout
    );
    assert_eq!(
        (service.calls(), place.files()),
        (0, vec!["rows.csv".to_owned()])
    );
}

#[test]
fn limit_takes_the_first_rows_that_are_left() {
    let service = Service::good();
    let place =
        Place::with_rows("group,sender\n@TGS#1,u0\n@TGS#1,u0\n".to_owned() + &rows(9)[13..]);
    let run = |words: &[&str]| {
        let run = place.run("rows.csv").on(service.address()).with(words);
        run.finish().exits(0).count("recalled")
    };
    assert_eq!(run(&["--limit", "2"]), 2);
    assert_eq!(service.called_senders(), ["u0", "u1"]);
    assert_eq!(run(&["--resume", "--limit", "3"]), 3);
    assert_eq!(service.called_senders(), ["u0", "u1", "u2", "u3", "u4"]);
    assert_eq!(run(&["--resume"]), 4);
}

#[test]
fn invalid_flag_values_are_refused_and_the_flag_is_named() {
    let service = Service::good();
    let place = Place::with_rows(rows(1));
    for (flag, values) in [
        ("--rate", &["0", "-1", "fast", "1.5"][..]),
        ("--concurrency", &["0", "-1", "x"]),
        ("--max-attempts", &["0", "x"]),
        ("--timeout", &["0", "10", "soon", "-1s"]),
        ("--max-outage", &["soon", "30"]),
        ("--limit", &["0", "x"]),
        ("--columns", &["", "group", "room=group", "group=a,group=b"]),
        ("--progress", &["loud"]),
        (
            "--endpoint",
            &[
                "http://example.com",
                "ftp://127.0.0.1",
                "here",
                "http://a:b@127.0.0.1/",
            ],
        ),
    ] {
        for value in values {
            let run = place.recall(["run", "rows.csv", &format!("{flag}={value}")]);
            let run = match flag {
                "--endpoint" => run,
                _ => run.on(service.address()),
            };
            let done = run.finish().exits(2);
            assert!(
                done.stderr.contains(&flag[2..]),
                "{flag}={value}: {}",
                done.stderr
            );
        }
    }
    assert_eq!(
        (service.calls(), place.files()),
        (0, vec!["rows.csv".to_owned()])
    );
}

#[test]
fn conflicting_flags_are_refused() {
    let place = Place::with_rows(rows(1));
    let elsewhere = "http://127.0.0.1:1";
    for words in [
        &["--mock", "--endpoint", elsewhere][..],
        &["--mock", "--region", "tokyo"],
        &["--region", "tokyo", "--endpoint", elsewhere],
        // An operator who asks for faults thinks that this is a rehearsal.
        &["--mock-fail", "10002=1%", "--region", "tokyo"],
        &["--mock-latency", "1ms", "--endpoint", elsewhere],
        &["--mock-cap", "200", "--region", "tokyo"],
        &["--mock-seed", "1", "--region", "tokyo"],
    ] {
        let run = place.recall(["run", "rows.csv"]).with(words);
        let mut flags = words.iter().filter(|word| word.starts_with("--"));
        let (first, second) = (flags.next().unwrap(), flags.next().unwrap());
        let done = run.finish().exits(2).says(&format!("'{first}"));
        done.says(&format!("cannot be used with '{second}"));
    }
    let fails = place.recall(["run", "rows.csv", "--mock-fail", "10002=1%"]);
    fails
        .finish()
        .exits(2)
        .says("not provided")
        .says("--mock\n");
    let both = place
        .recall(["run", "rows.csv"])
        .env("RECALL_REGION", "tokyo");
    let both = both.env("RECALL_ENDPOINT", elsewhere);
    both.finish()
        .exits(2)
        .says("RECALL_ENDPOINT")
        .says("RECALL_REGION");
    let nowhere = place.recall(["run", "rows.csv"]).finish().exits(2);
    nowhere.says("--region").says("--endpoint").says("--mock");
}

#[test]
fn limits_accept_their_maximum_values() {
    // Twenty failing rows make an outage, so all kinds of waiting occur.
    let service = Service::start(|call| match call.nth {
        0..20 => Answer::code(10002),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(40));
    let run = place.run("rows.csv").on(service.address()).rate("1000000");
    let words = [
        ["--concurrency", "18446744073709551615"],
        ["--max-attempts", "4294967295"],
        ["--timeout", "9223372036854775807s"],
        ["--max-outage", "9223372036854775807s"],
        ["--max-failures", "18446744073709551615"],
        ["--limit", "18446744073709551615"],
    ];
    run.with(words.as_flattened()).finish().exits(0);
    place.ledger().assert_all_recalled(40);
}

#[test]
fn an_invalid_mock_script_gets_a_hint_to_the_sample() {
    let place = Place::with_rows(rows(1));
    place.write("odd.toml", "[[during]]\nfail = [\"10002\"]\n");
    place.write("typo.toml", "[[during]]\nfrm = \"hint: 1s\"\n");
    let mock = |script: &str| {
        let done = place.recall(["mock", "--listen", "127.0.0.1:0", "--script", script]);
        done.finish().exits(1)
    };
    for script in ["rows.csv", "gone.toml", "odd.toml"] {
        let done = mock(script).says(script);
        assert_eq!(done.stderr.matches("hint: ").count(), 1, "{}", done.stderr);
    }
    for script in ["rows.csv", "typo.toml"] {
        mock(script).says("\n  hint: see samples/incident.toml");
    }
}

#[test]
fn an_error_in_a_mock_file_has_exactly_one_hint() {
    let place = Place::new();
    place.write("nothing.toml", "[[during]]\nfrom = \"1s\"\n");
    place.write("fault.toml", "[[during]]\nfail = [\"10002=5\"]\n");
    place.write("world.toml", "[app]\nsdkappid = 1\n");
    place.write("world.jsonl", "{}\n");
    for (flag, file, hint) in [
        ("--script", "nothing.toml", "give it fail, latency or away"),
        (
            "--script",
            "fault.toml",
            "write a number and a percent sign",
        ),
        ("--world", "world.toml", "samples/world.toml shows"),
        ("--world", "world.jsonl", "samples/world.toml shows"),
    ] {
        let mock = place.recall(["mock", "--listen", "127.0.0.1:0", flag, file]);
        let done = mock.finish().exits(1).says(file);
        let hints: Vec<_> = done.stderr.split("\n  hint: ").skip(1).collect();
        assert_eq!(hints.len(), 1, "{}", done.stderr);
        assert!(hints[0].starts_with(hint), "{}", done.stderr);
        assert_eq!(done.stderr.matches("hint: ").count(), 1, "{}", done.stderr);
    }
}

#[test]
fn an_invalid_mock_flag_is_named() {
    let place = Place::with_rows(rows(1));
    let fine = ["--listen", "127.0.0.1:0"];
    for (command, flags) in [
        (
            &["run", "rows.csv", "--mock"][..],
            &["--mock-latency", "--mock-fail"][..],
        ),
        (
            &["bench", "--rows", "1"],
            &["--mock-latency", "--mock-fail"],
        ),
        (
            &["mock", fine[0], fine[1]],
            &["--latency", "--fail", "--cap", "--idle"],
        ),
    ] {
        for flag in flags {
            let done = place.recall(command).with([*flag, "x"]).finish();
            done.exits(2).says(&format!("error: {flag}"));
        }
    }
}
