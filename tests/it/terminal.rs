//! Runs on a terminal: nothing is called before the user has agreed.

use crate::stage::{Answer, Place, Recall, Running, Service, Terminal, rows};

const QUESTION: &str = "This can't be undone. Go on? [y/N]";

fn start(place: &Place, service: &Service, words: &[&str]) -> (Running, Terminal) {
    let run = place.run("rows.csv").on(service.address()).with(words);
    run.env("TERM", "xterm").start_on_terminal()
}

/// Runs with its own controlling terminal, as in a shell, with this redirection.
fn redirecting(run: Recall, redirected: &str) -> Recall {
    run.after_shell(&format!(
        "exec setsid --ctty --wait bash -c 'exec \"$0\" \"$@\" {redirected}' \"$0\" \"$@\""
    ))
}

#[test]
fn a_run_shows_what_it_will_do_and_starts_only_after_a_yes() {
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
            // On its own line, after Ctrl-D too.
            done.says("\nNothing was recalled.");
        }
    }
}

#[test]
fn a_run_stops_at_rows_added_after_the_user_agreed() {
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
    // The run asks again for the remaining rows.
    let (running, mut terminal) = asked(&["--resume"]);
    assert!(running.stderr_so_far().contains("calls       2, "));
    terminal.type_keys("y\n");
    running.finish().exits(0);
    assert_eq!(service.calls(), 5);
}

#[test]
fn a_replay_asks_before_it_starts() {
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
fn with_yes_or_in_a_rehearsal_there_is_no_question() {
    let service = Service::good();
    let place = Place::with_rows(rows(3));
    for words in [&["--yes"][..], &["-y", "--resume"]] {
        let (running, _terminal) = start(&place, &service, words);
        let done = running.finish().exits(0);
        done.never_says("[y/N]");
    }
    // A rehearsal does no harm.
    let rehearsal = place.run("rows.csv").with(["--mock"]);
    let (running, _terminal) = rehearsal.start_on_terminal();
    let done = running.finish().exits(0);
    done.never_says("[y/N]");
}

#[test]
fn a_pipe_is_not_counted_before_the_question() {
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
fn redirecting_stdin_or_stderr_does_not_skip_the_question() {
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
    // In its own session, while the terminal belongs to another session.
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
fn there_is_no_question_if_nothing_would_be_called() {
    let service = Service::good();
    let place = Place::with_rows(rows(3));
    let run = || place.run("rows.csv").on(service.address());
    run().finish().exits(0);
    let (running, _terminal) = run().with(["--resume"]).start_on_terminal();
    let done = running.finish().exits(0).says("Nothing to do");
    done.never_says(QUESTION);
}

#[test]
fn keys_typed_before_the_question_do_not_answer_it() {
    for redirected in ["", "2>words"] {
        let (service, gate) = Service::gated();
        let place = Place::with_rows(rows(3));
        let run = place.run("rows.csv").on(service.address());
        let run = run.with(["--preflight", "--progress", "none", "--max-attempts", "1"]);
        let (running, mut terminal) = redirecting(run, redirected).start_on_terminal();
        service.wait_until_called(1);
        terminal.type_keys("y\n");
        // The terminal echoes the keys it has received.
        running.wait_until_it_says("y\r\n");
        gate.open();
        running.wait_until_it_says(QUESTION);
        terminal.type_keys("n\n");
        running.finish().exits(130);
        assert_eq!(service.calls(), 1, "with {redirected:?}");
    }
}

#[test]
fn typed_rows_are_not_confused_with_the_answer() {
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
fn an_existing_ledger_is_refused_before_the_question() {
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
fn a_replay_stops_if_another_replay_has_written_to_the_ledger_meanwhile() {
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
    // Like another user's TMPDIR, where the lock of the first run is not visible.
    std::fs::create_dir(place.path("tmp")).unwrap();
    let other = replay().env("TMPDIR", place.path("tmp"));
    other.finish().exits(0);
    terminal.type_keys("y\n");
    let done = running.finish().exits(1);
    done.says("another run has written to the ledger rows.ledger.jsonl since its failed rows");
    assert_eq!(service.calls(), 6);
}

#[test]
fn a_ledger_without_entries_is_not_refused() {
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
