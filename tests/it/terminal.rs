//! With somebody at a terminal: nothing is called before they have agreed.

use crate::stage::{Answer, Place, Recall, Running, Service, Terminal, rows};

const QUESTION: &str = "This can't be undone. Go on? [y/N]";

fn start(place: &Place, service: &Service, words: &[&str]) -> (Running, Terminal) {
    let run = place.run("rows.csv").on(service.address()).with(words);
    run.env("TERM", "xterm").start_on_terminal()
}

/// With a terminal of its own to control it, as a shell gives one, of which this is redirected.
fn redirecting(run: Recall, redirected: &str) -> Recall {
    run.after_shell(&format!(
        "exec setsid --ctty --wait bash -c 'exec \"$0\" \"$@\" {redirected}' \"$0\" \"$@\""
    ))
}

#[test]
fn it_says_what_it_is_about_to_do_and_only_a_yes_makes_it_do_it() {
    for (keys, calls) in [
        ("n\n", 0),
        ("\n", 0),
        ("\u{4}", 0),
        ("what\n", 0),
        ("y\n", 5),
        ("Yes\n", 5),
    ] {
        let service = Service::good();
        let place = Place::with_rows(rows(3) + "@TGS#1,u0\n@TGS#1,\n@TGS#1, u\n@TGS#1,null\n");
        let run = place.run("rows.csv").on(service.address()).rate("200");
        let (running, mut terminal) = run.start_on_terminal();
        running.wait_until_it_says(QUESTION);
        let asked = running.stderr_so_far();
        for word in [
            "input       rows.csv",
            "rows        7",
            "duplicates  1, not called again",
            "invalid     1, can't be sent",
            "suspicious  2, sent as they stand; recall check shows them",
            "groups      1",
            "senders     5",
            "calls       5, 0.0 s at 200 calls/s",
            "app         1400000000, as administrator",
            &format!("service     http://{}", service.address()),
        ] {
            assert!(asked.contains(word), "{word} is not in {asked}");
        }
        assert_eq!(service.calls(), 0);
        terminal.type_keys(keys);
        let done = running.finish().exits(if calls == 0 { 130 } else { 3 });
        assert_eq!(service.calls(), calls, "after {keys:?}");
        if calls == 0 {
            assert_eq!(place.files(), ["rows.csv"]);
            // On a line of its own, after Ctrl-D too.
            done.says("\nNothing was recalled.");
        }
    }
}

#[test]
fn no_more_rows_are_called_than_were_agreed_to_should_the_input_grow() {
    let service = Service::good();
    let place = Place::with_rows(rows(3));
    let asked = |words: &[&str]| {
        let (running, terminal) = start(&place, &service, words);
        running.wait_until_it_says(QUESTION);
        (running, terminal)
    };
    let (running, mut terminal) = asked(&[]);
    place.write("rows.csv", rows(4) + "@TGS#1,u0\n@TGS#1,u9\n");
    terminal.type_keys("y\n");
    let done = running.finish().exits(4);
    let done = done
        .says("the input has grown: from here on, there are more rows than you agreed to")
        .says("To go on: recall run --resume");
    assert_eq!(done.json()["stopped"], "not_agreed");
    assert_eq!((done.count("recalled"), service.calls()), (3, 3));
    // The rest is asked about anew.
    let (running, mut terminal) = asked(&["--resume"]);
    assert!(running.stderr_so_far().contains("calls       2, "));
    terminal.type_keys("y\n");
    running.finish().exits(0);
    assert_eq!(service.calls(), 5);
}

#[test]
fn a_replay_asks_too() {
    let service = Service::start(|_| Answer::code(10010));
    let place = Place::with_rows(rows(3));
    place
        .run("rows.csv")
        .on(service.address())
        .finish()
        .exits(3);
    let replay = place.recall(["replay", "rows.ledger.jsonl"]);
    let (running, mut terminal) = replay.start_on_terminal();
    running.wait_until_it_says("the 3 that failed");
    terminal.type_keys("n\n");
    running.finish().exits(130);
    assert_eq!(service.calls(), 3);
}

#[test]
fn who_has_said_yes_is_not_asked() {
    let service = Service::good();
    let place = Place::with_rows(rows(3));
    for words in [&["--yes"][..], &["-y", "--resume"]] {
        let (running, _terminal) = start(&place, &service, words);
        let done = running.finish().exits(0);
        done.never_says("[y/N]");
    }
    // A rehearsal hurts nobody.
    let rehearsal = place.run("rows.csv").with(["--mock"]);
    let (running, _terminal) = rehearsal.start_on_terminal();
    let done = running.finish().exits(0);
    done.never_says("[y/N]");
}

#[test]
fn a_pipe_is_asked_about_uncounted_and_has_no_total_before_its_end() {
    let service = Service::good();
    let place = Place::new();
    let pipe = place.pipe("rows.fifo");
    let run = place.run("rows.fifo").on(service.address());
    let (running, mut terminal) = run.env("TERM", "xterm").start_on_terminal();
    let mut pipe = pipe.open();
    std::io::Write::write_all(&mut pipe, rows(3).as_bytes()).unwrap();
    running.wait_until_it_says(QUESTION);
    let asked = running.stderr_so_far();
    assert!(
        asked.contains("input       rows.fifo, through a pipe"),
        "{asked}"
    );
    assert!(asked.contains("calls       not counted"), "{asked}");
    terminal.type_keys("y\n");
    running.wait_until_it_says("3 rows");
    assert!(!running.stderr_so_far().contains("of 3 rows"));
    drop(pipe);
    running.finish().exits(0);
    assert_eq!(service.called_senders(), ["u0", "u1", "u2"]);
}

#[test]
fn words_or_rows_that_go_elsewhere_are_no_consent() {
    let service = Service::good();
    for (redirected, asked, calls) in [
        ("2>words", true, 0),
        ("<rows.csv", true, 0),
        ("<rows.csv 2>words", false, 3),
    ] {
        let place = Place::with_rows(rows(3));
        let input = if redirected.contains('<') {
            "-"
        } else {
            "rows.csv"
        };
        let run = place.run(input).on(service.address());
        let (running, mut terminal) = redirecting(run, redirected).start_on_terminal();
        if asked {
            running.wait_until_it_says(QUESTION);
            terminal.type_keys("n\n");
        }
        running.finish().exits(if asked { 130 } else { 0 });
        assert_eq!(service.calls(), calls, "with {redirected}");
    }
    // In a session of its own, which has the terminal of another.
    let place = Place::with_rows(rows(3));
    let run = place.run("rows.csv").on(service.address());
    let run = run.after_shell(
        "exec setsid --ctty --wait bash -c 'setsid --wait \"$0\" \"$@\" 2>words' \"$0\" \"$@\"",
    );
    let (running, mut terminal) = run.start_on_terminal();
    running.wait_until_it_says(QUESTION);
    terminal.type_keys("n\n");
    running.finish().exits(130);
    assert_eq!(service.calls(), 3);
}

#[test]
fn where_nothing_would_be_called_nobody_is_asked() {
    let service = Service::good();
    let place = Place::with_rows(rows(3));
    let run = || place.run("rows.csv").on(service.address());
    run().finish().exits(0);
    let (running, _terminal) = run().with(["--resume"]).start_on_terminal();
    let done = running.finish().exits(0).says("Nothing to do");
    done.never_says(QUESTION);
}

#[test]
fn what_was_typed_before_the_question_is_no_answer() {
    for redirected in ["", "2>words"] {
        let (service, gate) = Service::gated();
        let place = Place::with_rows(rows(3));
        let run = place.run("rows.csv").on(service.address());
        let run = run.with(["--preflight", "--progress", "none", "--max-attempts", "1"]);
        let (running, mut terminal) = redirecting(run, redirected).start_on_terminal();
        service.wait_until_called(1);
        terminal.type_keys("y\n");
        // The terminal shows what it has taken.
        running.wait_until_it_says("y\r\n");
        gate.open();
        running.wait_until_it_says(QUESTION);
        terminal.type_keys("n\n");
        running.finish().exits(130);
        assert_eq!(service.calls(), 1, "with {redirected:?}");
    }
}

#[test]
fn rows_that_are_typed_are_never_taken_for_an_answer_nor_lost_for_one() {
    let service = Service::good();
    let place = Place::new();
    let run = || place.run("-").on(service.address());
    let (running, mut terminal) = run().start_on_terminal();
    terminal.type_keys("group,sender\n@TGS#1,u0\n");
    let done = running.finish().exits(2).says("or add --yes");
    done.never_says("Rows are read from this terminal");
    assert_eq!(service.calls(), 0);
    let (running, mut terminal) = run().with(["--yes"]).start_on_terminal();
    terminal.type_keys("group,sender\n@TGS#1,u0\n\u{4}");
    running.finish().exits(0);
    assert_eq!(service.called_senders(), ["u0"]);
}

#[test]
fn a_ledger_that_is_in_the_way_is_told_before_anybody_is_asked() {
    let service = Service::good();
    let place = Place::with_rows(rows(3));
    let run = || place.run("rows.csv").on(service.address());
    run().finish().exits(0);
    let (running, _terminal) = run().start_on_terminal();
    let done = running.finish().exits(1);
    let done = done.says("there is a ledger already");
    done.never_says(QUESTION);
    let elsewhere = Service::good();
    let run = place.run("rows.csv").on(elsewhere.address());
    let failing = Place::with_rows(rows(3));
    let refusing = Service::start(|_| Answer::code(10010));
    let run_there = failing.run("rows.csv").on(refusing.address());
    run_there.finish().exits(3);
    let replay = failing.recall(["replay", "rows.ledger.jsonl"]);
    for again in [run.with(["--resume"]), replay.on(elsewhere.address())] {
        let (running, _terminal) = again.start_on_terminal();
        let done = running.finish().exits(1).says("is the ledger of app");
        done.never_says(QUESTION);
    }
}

#[test]
fn a_replay_sends_nothing_that_another_has_sent_since_it_read_the_ledger() {
    let service = Service::start(|call| match call.nth {
        0..3 => Answer::code(10010),
        _ => Answer::ok(),
    });
    let place = Place::with_rows(rows(3));
    let run = place.run("rows.csv").on(service.address());
    run.finish().exits(3);
    let replay = || place.recall(["replay", "rows.ledger.jsonl"]);
    let (running, mut terminal) = replay().start_on_terminal();
    running.wait_until_it_says(QUESTION);
    // As another user's folder for temporary files, where the turn of the first is not seen.
    std::fs::create_dir(place.path("tmp")).unwrap();
    let other = replay().env("TMPDIR", place.path("tmp"));
    other.finish().exits(0);
    terminal.type_keys("y\n");
    let done = running.finish().exits(1);
    done.says("another run has written to the ledger rows.ledger.jsonl since its failed rows");
    assert_eq!(service.calls(), 6);
}

#[test]
fn a_ledger_in_which_nothing_is_recorded_is_in_nobody_s_way() {
    let service = Service::good();
    let header = r#"{"recall_ledger":1,"app":140000000,"endpoint":"https://elsewhere","input":"rows.csv","created":"2026-11-22T10:00:00Z"}"#;
    let place = Place::with_rows(rows(3));
    for begun in ["", &header[..30], &format!("{header}\n")] {
        for words in [&[][..], &["--resume"]] {
            place.write("rows.ledger.jsonl", begun);
            let run = place.run("rows.csv").on(service.address()).with(words);
            let (running, mut terminal) = run.start_on_terminal();
            running.wait_until_it_says(QUESTION);
            terminal.type_keys("y\n");
            running.finish().exits(0);
            place.ledger().assert_all_recalled(3);
        }
    }
}
