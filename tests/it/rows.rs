//! Reading rows: the formats people use, and bad rows.

use serde_json::json;

use crate::stage::{Place, Request, Service, rows};

/// The calls so far as `group/sender/topic`, sorted.
fn called(service: &Service) -> Vec<String> {
    let name = |call: &Request| {
        let json = call.json();
        let text = |key: &str| json[key].as_str().unwrap_or("").to_owned();
        [text("GroupId"), text("Sender_Account"), text("TopicId")].join("/")
    };
    let mut rows: Vec<_> = service.requests().iter().map(name).collect();
    rows.sort();
    rows
}

/// The calls of a run with these arguments on a file of this name and text.
#[track_caller]
fn called_for(name: &str, text: impl AsRef<[u8]>, words: &[&str]) -> Vec<String> {
    let service = Service::lenient();
    let place = Place::new();
    place.write(name, text);
    let run = place.run(name).on(service.address());
    run.with(words).finish().exits(0);
    called(&service)
}

const TWO: [&str; 2] = ["g1/ann/", "g2/bob/t"];

#[test]
fn csv_tsv_and_jsonl_give_the_same_rows() {
    let csv = "group,sender,topic\ng1,ann,\ng2,bob,t\n";
    assert_eq!(called_for("rows.csv", csv, &[]), TWO);
    assert_eq!(called_for("ROWS.CSV", csv, &[]), TWO);
    assert_eq!(called_for("rows.tsv", csv.replace(',', "\t"), &[]), TWO);
    let jsonl = "{\"group\":\"g1\",\"sender\":\"ann\"}\n\
                 {\"topic\":\"t\",\"sender\":\"bob\",\"group\":\"g2\",\"more\":[1]}\n";
    assert_eq!(called_for("rows.jsonl", jsonl, &[]), TWO);
    assert_eq!(called_for("rows.ndjson", jsonl, &[]), TWO);
}

#[test]
fn stdin_can_have_any_format_and_its_result_files_are_named_recall() {
    for (text, failed) in [
        (
            "group,sender,topic\ng1,ann,\ng2,bob,t\n",
            "recall.failed.csv",
        ),
        (
            "group\tsender\ttopic\ng1\tann\t\ng2\tbob\tt\n",
            "recall.failed.tsv",
        ),
        (
            "{\"group\":\"g1\",\"sender\":\"ann\"}\n{\"group\":\"g2\",\"sender\":\"bob\",\"topic\":\"t\"}",
            "recall.failed.jsonl",
        ),
    ] {
        let service = Service::start(|_| crate::stage::Answer::code(10010));
        let place = Place::new();
        let run = place.run("-").on(service.address()).stdin(text);
        run.finish().exits(3);
        assert_eq!(called(&service), TWO);
        assert_eq!(place.files(), [failed, "recall.ledger.jsonl"]);
    }
}

#[test]
fn columns_are_found_by_their_usual_names() {
    for header in [
        "topic,group,sender",
        "TopicId,GroupId,Sender_Account",
        "topic_id,group_id,from_account",
        "TOPIC ID,Group-Id,user_id",
        "Topic,GROUP,User",
    ] {
        let text = format!("x,{header},y\n,,g1,ann,\n1,t,g2,bob,2\n");
        assert_eq!(called_for("rows.csv", text, &[]), TWO, "{header}");
    }
}

#[test]
fn columns_can_be_given_by_name_or_number() {
    let text = "room,uid,thread,sender\ng1,ann,,x\ng2,bob,t,y\n";
    let names = ["--columns", "group=room,sender=uid,topic=thread"];
    assert_eq!(called_for("rows.csv", text, &names), TWO);
    let bare = "g1,ann,\ng2,bob,t\n";
    assert_eq!(called_for("rows.csv", bare, &["--no-header"]), TWO);
    let turned = "t0,ann,g1\nt,bob,g2\n";
    let numbers = ["--no-header", "--columns", "group=3,sender=2"];
    assert_eq!(
        called_for("rows.csv", turned, &numbers),
        ["g1/ann/", "g2/bob/"]
    );
    let json = "{\"room\":7,\"uid\":\"ann\"}\n";
    let keys = ["--columns", "group=room,sender=uid"];
    assert_eq!(called_for("rows.jsonl", json, &keys), ["7/ann/"]);
}

#[test]
fn byte_order_marks_blank_lines_and_quotes_are_accepted() {
    let with_mark = "\u{feff}group,sender,topic\r\n\r\ng1,ann,\r\n\r\ng2,bob,t\r\n\r\n";
    assert_eq!(called_for("rows.csv", with_mark, &[]), TWO);
    let quoted_header = "\u{feff}\"group\",\"sender\",\"topic\"\n\"g1\",\"ann\",\"\"\n\"g2\",bob,t";
    assert_eq!(called_for("rows.csv", quoted_header, &[]), TWO);
    let json = "\u{feff}\n{\"group\":\"g1\",\"sender\":\"ann\"}\r\n\r\n  \n\
                {\"group\":\"g2\",\"sender\":\"bob\",\"topic\":\"t\"}";
    assert_eq!(called_for("rows.jsonl", json, &[]), TWO);
    let commas = "group,note,sender\n\"a, b\",\"two\nlines, \"\"quoted\"\"\",\"x,y\"\n#g,,z\n";
    assert_eq!(called_for("rows.csv", commas, &[]), ["#g/z/", "a, b/x,y/"]);
}

#[test]
fn integers_in_json_keep_every_digit() {
    let text = "{\"group\":18446744073709551617,\"sender\":1294030472427835393}\n";
    let called = called_for("rows.jsonl", text, &[]);
    assert_eq!(called, ["18446744073709551617/1294030472427835393/"]);
}

#[test]
fn bad_rows_are_recorded_as_invalid_with_their_line_and_the_run_goes_on() {
    let service = Service::lenient();
    let mut text = b"group,sender,topic\ng1,ann,\n,nobody,\ng3,,t\ng4\ng5,bell\x07,\n".to_vec();
    text.extend(b"g6,\xff\xfe,\ng7\" x,quoted,\ng8,1.29E+18,\n");
    text.extend(format!("g9,{},\n", "x".repeat(70_000)).bytes());
    text.extend(b"g2,bob,t\n");
    let place = Place::with_rows(text);
    let done = place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(3);
    assert_eq!(called(&service), TWO);
    assert_eq!([done.count("rows"), done.count("invalid")], [10, 8]);
    let ledger = place.ledger();
    let invalid: Vec<_> = ledger
        .entries
        .iter()
        .filter(|entry| entry.outcome == "invalid")
        .collect();
    let lines: Vec<_> = invalid.iter().map(|entry| entry.row).collect();
    assert_eq!(lines, [3, 4, 5, 6, 7, 8, 9, 10]);
    for entry in invalid {
        assert!(!entry.info.is_empty(), "no reason: {entry:?}");
        assert!(!entry.info.contains(char::is_control), "{entry:?}");
        assert_eq!((entry.attempts, entry.sent_at, entry.ms), (0, None, None));
    }
    assert!(!place.files().contains(&"rows.failed.csv".to_owned()));
}

#[test]
fn bad_json_lines_are_recorded_as_invalid_with_their_line() {
    let service = Service::lenient();
    let place = Place::new();
    let text = concat!(
        "{\"group\":\"g1\",\"sender\":\"ann\"}\n",
        "{\"group\":\"g\",\"sender\":1.5}\n",
        "{\"group\":\"g\",\"sender\":1e18}\n",
        "{\"group\":\"g\"\n",
        "{\"group\":\"g\",\"sender\":null}\n",
        "{\"sender\":\"s\"}\n",
        "[\"g\",\"s\"]\n",
        "{\"group\":{\"id\":1},\"sender\":\"s\"}\n",
        "{\"group\":\"g\",\"sender\":\"a\\u0000b\"}\n",
        "{\"group\":\"g2\",\"sender\":\"bob\",\"topic\":\"t\"}\n",
    );
    place.write("rows.jsonl", text);
    let done = place.run("rows.jsonl").on(service.address()).finish();
    assert_eq!(done.exits(3).count("invalid"), 8);
    assert_eq!(called(&service), TWO);
    let ledger = place.ledger();
    let bad = ledger.entries.iter().filter(|e| e.outcome == "invalid");
    assert_eq!(
        bad.map(|e| e.row).collect::<Vec<_>>(),
        (2..=9).collect::<Vec<_>>()
    );
}

#[test]
fn lines_inside_a_broken_quoted_field_are_not_called_and_are_reported() {
    let long = format!("\"{}\n@TGS#victim,victim,x\n\"", "x\n".repeat(40_000));
    for (cell, reason) in [
        (
            "\"hello\n@TGS#victim,victim,x\nmore",
            "a quote that is not closed: `\"hello` (the row covers lines 3 to 6, so 4 lines are not read as rows)",
        ),
        (
            "\"hello\n@TGS#victim,victim,x\nbye\" ",
            "text after the closing quote of a field: `\"hello` (the row covers lines 3 to 5, so 3 lines are not read as rows)",
        ),
        (
            "\"he said \"hi\n@TGS#victim,victim,x\nbye\"",
            "text after the closing quote of a field: `\"he said \"hi` (the row covers lines 3 to 5, so 3 lines are not read as rows)",
        ),
        (
            " \"hello\n@TGS#victim,victim,x\nbye\"",
            "a quote inside a field that does not start with one: ` \"hello` (the row covers lines 3 to 5, so 3 lines are not read as rows)",
        ),
        (
            &long,
            "longer than 64 KiB: `\"x` (the row covers lines 3 to 40005, so 40003 lines are not read as rows)",
        ),
    ] {
        let service = Service::good();
        let text = format!("group,sender,note\ng1,ann,\ng2,dan,{cell}\ng3,carol,\n");
        let place = Place::with_rows(text);
        let run = place.run("rows.csv").on(service.address());
        let done = run.finish().exits(3);
        assert_eq!(done.count("invalid"), 1, "{reason}");
        let loses_the_rest = reason.contains("3 to 6");
        let called = if loses_the_rest {
            &["ann"][..]
        } else {
            &["ann", "carol"]
        };
        assert_eq!(service.called_senders(), called, "{reason}");
        let entries = place.ledger().entries;
        let bad = entries.iter().find(|entry| entry.outcome == "invalid");
        let bad = bad.map(|entry| (entry.row, &*entry.info));
        assert_eq!(bad, Some((3, reason)));
    }
}

#[test]
fn rows_without_the_named_topic_key_are_not_called_for_the_whole_group() {
    let service = Service::good();
    let place = Place::new();
    let text = "{\"group\":\"g\",\"user\":\"ann\",\"thread\":\"t\"}\n";
    place.write("rows.jsonl", text.repeat(2));
    let run = place.run("rows.jsonl").on(service.address());
    let run = run.with(["--columns", "group=group,sender=user,topic=thred"]);
    let done = run.finish().exits(3);
    assert_eq!((done.count("invalid"), service.calls()), (2, 0));
}

/// Runs an input that must be refused: exit code 1, no calls, no files. Returns stderr.
#[track_caller]
fn refusal(name: &str, text: Option<&[u8]>, words: &[&str]) -> String {
    let service = Service::good();
    let place = Place::new();
    if let Some(text) = text {
        place.write(name, text);
    }
    let before = place.files();
    let done = place.run(name).on(service.address()).with(words).finish();
    let done = done.exits(1);
    assert_eq!((service.calls(), &*done.stdout), (0, ""));
    assert_eq!(place.files(), before, "no ledger should be created");
    done.stderr
}

#[test]
fn missing_columns_are_reported_with_the_existing_ones_and_the_flag() {
    for (text, words) in [
        ("room,uid\nr,u\n", ["group", "sender", "`room`, `uid`"]),
        (
            "group,uid\nr,u\n",
            ["sender", "`group`, `uid`", "--columns"],
        ),
        ("room,user\nr,u\n", ["group", "`room`, `user`", "--columns"]),
        (
            "group;sender\nr;u\n",
            ["semicolon", "`group;sender`", "(echo 'sep=;'; cat FILE) |"],
        ),
        ("@TGS#1,u1\n@TGS#1,u2\n", ["--no-header", "@TGS#1", "u1"]),
        (
            "group,sender,user\ng,a,b\n",
            ["`sender`", "`user`", "--columns sender=sender"],
        ),
    ] {
        let stderr = refusal("rows.csv", Some(text.as_bytes()), &[]);
        for word in words {
            assert!(stderr.contains(word), "{word} is not in {stderr}");
        }
    }
    let json = refusal("rows.jsonl", Some(b"{\"room\":1,\"uid\":2}\n"), &[]);
    assert!(
        json.contains("`room`, `uid`") && json.contains("--columns"),
        "{json}"
    );
    let named = refusal(
        "rows.csv",
        Some(b"room,uid\nr,u\n"),
        &["--columns", "group=rom,sender=uid"],
    );
    assert!(
        named.contains("`rom`") && named.contains("`room`"),
        "{named}"
    );
}

#[test]
fn an_empty_file_a_missing_file_and_a_folder_are_refused_by_name() {
    assert!(refusal("rows.csv", Some(b""), &[]).contains("rows.csv: is empty"));
    assert!(refusal("rows.csv", Some(b"\n\n"), &[]).contains("rows.csv: is empty"));
    assert!(refusal("rows.jsonl", Some(b""), &[]).contains("rows.jsonl: is empty"));
    assert!(refusal("gone.csv", None, &[]).contains("gone.csv"));
    assert!(refusal(".", None, &[]).contains("folder"));
    let zipped = refusal("rows.csv", Some(b"\x1f\x8b\x08\0\0\0"), &[]);
    assert!(zipped.contains("gzip"), "{zipped}");
}

#[test]
fn a_header_without_rows_is_an_empty_run() {
    let service = Service::good();
    let place = Place::with_rows("group,sender\n");
    let done = place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(0);
    assert_eq!((done.count("rows"), service.calls()), (0, 0));
}

#[test]
fn a_pipe_is_called_row_by_row_before_it_ends() {
    // The pipe stays open until the first two rows have been called.
    let service = Service::good();
    let place = Place::new();
    let pipe = place.pipe("rows.fifo");
    let run = place.run("rows.fifo").on(service.address());
    let running = run.with(["--columns", "group=group,sender=sender"]).start();
    let mut pipe = pipe.open();
    std::io::Write::write_all(&mut pipe, rows(2).as_bytes()).unwrap();
    service.wait_until_called(2);
    std::io::Write::write_all(&mut pipe, b"@TGS#1,u2\n").unwrap();
    drop(pipe);
    let done = running.finish().exits(0);
    assert_eq!(done.json()["recalled"], json!(3));
}

#[test]
fn a_complete_row_is_called_while_the_next_one_is_incomplete() {
    let service = Service::good();
    let place = Place::new();
    let pipe = place.pipe("rows.fifo");
    let running = place.run("rows.fifo").on(service.address()).start();
    let mut pipe = pipe.open();
    let mut write = |text: &str| std::io::Write::write_all(&mut pipe, text.as_bytes()).unwrap();
    write("group,sender\ng,ann\ng,bob\ng,car");
    service.wait_until_called(2);
    write("ol\ng,\"da");
    service.wait_until_called(3);
    write("n\"\ng,\"eve\" \n");
    service.wait_until_called(4);
    drop(pipe);
    let done = running.finish().exits(3);
    let counts = ["recalled", "invalid"].map(|key| done.count(key));
    assert_eq!(counts, [4, 1]);
}
