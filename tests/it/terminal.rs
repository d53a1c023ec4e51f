//! With somebody at a terminal: nothing is called before they have agreed, and they see how far
//! it is.

use rustix::process::Signal;

use crate::stage::{Answer, Gate, Keyboard, Place, Running, Service, rows};

const QUESTION: &str = "This can't be undone. Go on? [y/N]";

fn start(place: &Place, service: &Service, words: &[&str]) -> (Running, Keyboard) {
    let run = place.run("rows.csv").on(service.address()).with(words);
    run.env("TERM", "xterm").start_on_terminal()
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
        let (running, mut keyboard) = run.start_on_terminal();
        running.until_it_says(QUESTION);
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
        keyboard.types(keys);
        let done = running.finish().exits(if calls == 0 { 0 } else { 3 });
        assert_eq!(service.calls(), calls, "after {keys:?}");
        if calls == 0 {
            assert_eq!(place.files(), ["rows.csv"]);
            done.says("Nothing was called.");
        }
    }
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
    let (running, mut keyboard) = replay.start_on_terminal();
    running.until_it_says("the 3 that failed");
    keyboard.types("n\n");
    running.finish().exits(0);
    assert_eq!(service.calls(), 3);
}

#[test]
fn who_has_said_yes_is_not_asked() {
    let service = Service::good();
    let place = Place::with_rows(rows(3));
    for words in [&["--yes"][..], &["-y", "--resume"]] {
        let (running, _keyboard) = start(&place, &service, words);
        let done = running.finish().exits(0);
        assert!(!done.stderr.contains("[y/N]"), "{}", done.stderr);
    }
    // A rehearsal hurts nobody.
    let rehearsal = place.run("rows.csv").with(["--mock"]);
    let (running, _keyboard) = rehearsal.start_on_terminal();
    let done = running.finish().exits(0);
    assert!(!done.stderr.contains("[y/N]"), "{}", done.stderr);
}

#[test]
fn a_bar_shows_how_far_it_is_and_leaves_a_clean_terminal_when_interrupted() {
    let gate = Gate::default();
    let held = gate.clone();
    let service = Service::start(move |call| {
        if call.nth >= 10 {
            held.wait();
        }
        Answer::ok()
    });
    let place = Place::with_rows(rows(40));
    let (running, _keyboard) = start(&place, &service, &["--yes", "--concurrency", "5"]);
    running.until_it_says("10 of 40 rows");
    running.until_it_says("10 recalled");
    running.signal(Signal::INT);
    running.until_it_says("Once more to leave at once");
    gate.open();
    let done = running
        .finish()
        .exits(130)
        .says("15 of 40 distinct rows recalled");
    let (_, last) = done.stderr.rsplit_once("To go on: ").unwrap();
    assert!(last.trim_end().ends_with("--resume"), "{last:?}");
    assert!(
        !last.contains('\u{1b}'),
        "nothing is drawn behind it: {last:?}"
    );
    let (hidden, shown) = ("\u{1b}[?25l", "\u{1b}[?25h");
    assert!(
        done.stderr.rfind(hidden) <= done.stderr.rfind(shown),
        "the cursor is back"
    );
}

#[test]
fn a_pipe_is_asked_about_uncounted_and_has_no_total_before_its_end() {
    let service = Service::good();
    let place = Place::new();
    let pipe = place.pipe("rows.fifo");
    let run = place.run("rows.fifo").on(service.address());
    let (running, mut keyboard) = run.env("TERM", "xterm").start_on_terminal();
    let mut pipe = pipe.open();
    std::io::Write::write_all(&mut pipe, rows(3).as_bytes()).unwrap();
    running.until_it_says(QUESTION);
    let asked = running.stderr_so_far();
    assert!(
        asked.contains("input       rows.fifo, through a pipe"),
        "{asked}"
    );
    assert!(asked.contains("calls       not counted"), "{asked}");
    keyboard.types("y\n");
    running.until_it_says("3 rows");
    assert!(!running.stderr_so_far().contains("of 3 rows"));
    drop(pipe);
    running.finish().exits(0);
    assert_eq!(service.called(), ["u0", "u1", "u2"]);
}

#[test]
fn the_log_does_not_tear_the_bar() {
    let service = Service::good();
    let place = Place::with_rows(rows(200));
    let run = place.run("rows.csv").on(service.address()).with(["--yes"]);
    let run = run.env("RUST_LOG", "trace").env("TERM", "xterm");
    let (running, _keyboard) = run.rate("200").start_on_terminal();
    let done = running.finish().exits(0);
    for line in done.stderr.lines().filter(|line| line.contains(" WARN ")) {
        let start = line
            .trim_start_matches("\u{1b}[2K")
            .trim_start_matches('\r');
        assert!(!start.contains("calls/s"), "{line:?}");
    }
}
