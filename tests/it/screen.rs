//! The status on a terminal: at any width, no line wraps and nothing is left behind.

use std::io::Write as _;

use rustix::process::Signal;

use crate::stage::{Answer, Gate, Place, Recall, Service, Terminal, rows, wait_until};

/// A service that answers ten calls at once, and the others when the gate opens.
fn ten_then_gated() -> (Service, Gate) {
    let gate = Gate::default();
    let held = gate.clone();
    let service = Service::start(move |call| match call.nth {
        0..10 => Answer::ok(),
        _ => Answer::ok().held_by(&held),
    });
    (service, gate)
}

/// A run of `rows.csv` with 5 calls at once.
fn run(place: &Place, service: &Service) -> Recall {
    let run = place.run("rows.csv").on(service.address());
    run.with(["--yes", "--concurrency", "5"])
        .with_secret_key()
        .env("TERM", "xterm")
}

/// Waits until the terminal shows exactly the lines `above` and then this status, with both status
/// lines shorter than the screen.
#[track_caller]
fn wait_until_status(terminal: &Terminal, above: &[String], status: [&str; 2]) {
    wait_until(&format!("{status:?}"), || {
        let shown = terminal.lines();
        let (_, columns) = terminal.screen().screen().size();
        let fits = |line: &String| line.chars().count() < usize::from(columns.get());
        let is_status = |(line, words): (&String, &str)| line.starts_with(words) && fits(line);
        shown.len() == above.len() + 2
            && shown.starts_with(above)
            && shown[above.len()..].iter().zip(status).all(is_status)
    });
}

#[test]
fn at_any_width_the_status_fits_and_an_interrupt_leaves_a_clean_terminal() {
    for (columns, position, counts) in [
        (200, "10 of 40 rows, 25 % ━", "10 recalled, 0 failed"),
        (80, "10 of 40 rows, 25 % ━", "10 recalled, 0 failed"),
        (40, "10/40", "10 recalled, 0 failed"),
        (30, "10/40, ", "10 recalled, 0 failed"),
        (18, "10/40", "10 recalled"),
    ] {
        let (service, gate) = ten_then_gated();
        let place = Place::with_rows(rows(40));
        let (running, terminal) = run(&place, &service).start_on_terminal_with_columns(columns);
        wait_until_status(&terminal, &[], [position, counts]);
        running.signal(Signal::INT);
        running.wait_until_it_says("Stopping:");
        gate.open();
        running.finish().exits(130);
        let shown = terminal.lines();
        let text = shown.join("\n");
        for of_the_bar in ["━", "stopping", "10 recalled,", "10/40", "10 of 40"] {
            assert!(!text.contains(of_the_bar), "{of_the_bar}: {text}");
        }
        let screen = terminal.screen();
        let (row, column) = screen.screen().cursor_position();
        assert_eq!((usize::from(row), column), (shown.len(), 0), "{text}");
        assert!(!screen.screen().hide_cursor());
    }
}

#[test]
fn after_a_resize_the_status_is_shown_once() {
    let (service, gate) = ten_then_gated();
    let place = Place::with_rows(rows(40));
    let asking = place
        .run("rows.csv")
        .on(service.address())
        .with(["--concurrency", "5"]);
    let asking = asking.with_secret_key().env("TERM", "xterm");
    let (running, mut terminal) = asking.start_on_terminal_with_columns(100);
    terminal.wait_until_it_shows("Go on? [y/N]");
    terminal.type_keys("y\n");
    terminal.wait_until_it_shows("10 of 40 rows, 25 %");
    for (columns, position) in [
        (60, "10 of 40 rows, 25 % ━"),
        (25, "10/40"),
        (120, "10 of 40 rows, 25 % ━"),
        (79, "10 of 40 rows, 25 % ━"),
    ] {
        let above = terminal.lines();
        let above: Vec<_> = above[..above.len() - 2]
            .iter()
            .map(|line| line.chars().take(usize::from(columns)).collect::<String>())
            .map(|line| line.trim_end().to_owned())
            .collect();
        terminal.resize(columns);
        wait_until_status(&terminal, &above, [position, "10 recalled"]);
    }
    gate.open();
    running.finish().exits(0);
    assert!(!terminal.lines().join("\n").contains('━'));
}

#[test]
fn the_status_is_drawn_at_most_once_per_tick_and_only_if_changed() {
    const FRAME: &str = "\u{1b}[?7l";
    let service = Service::good();
    let place = Place::with_rows(rows(300));
    let run = run(&place, &service).rate("200");
    let (running, _terminal) = run.start_on_terminal();
    let done = running.finish().exits(0);
    let frames: Vec<_> = done.stderr.split(FRAME).skip(1).collect();
    assert!(!frames.is_empty());
    for pair in frames.windows(2) {
        assert_ne!(pair[0], pair[1], "the same frame twice");
    }
    let ticks = done.json()["elapsed_s"].as_f64().unwrap() * 10.0 + 1.0;
    assert!(frames.len() as f64 <= ticks, "{} frames", frames.len());
}

#[test]
fn in_an_outage_the_status_shows_how_long_it_lasts_and_when_the_run_gives_up() {
    let service = Service::failing(Answer::code(10002));
    let place = Place::with_rows(rows(40));
    let (running, terminal) = run(&place, &service).start_on_terminal_with_columns(100);
    let shown = terminal.wait_until_it_shows("gives up in 29:");
    let status = shown.iter().find(|line| line.contains("gives up in"));
    assert!(status.unwrap().contains("service out for"), "{shown:#?}");
    assert!(!status.unwrap().contains(" left"), "{shown:#?}");
    service.recovers();
    running.finish().exits(0);
    let shown = terminal.lines().join(" ");
    assert!(shown.contains("The service is back after"), "{shown}");
    assert!(shown.contains("asked meanwhile"), "{shown}");
}

#[test]
fn without_a_total_the_status_has_no_percentage() {
    let service = Service::good();
    let place = Place::new();
    let pipe = place.pipe("rows.fifo");
    let run = place.run("rows.fifo").on(service.address()).with(["--yes"]);
    let (running, terminal) = run.env("TERM", "xterm").start_on_terminal();
    let mut pipe = pipe.open();
    pipe.write_all(rows(3).as_bytes()).unwrap();
    let shown = terminal.wait_until_it_shows("3 rows, ").join("\n");
    assert!(!shown.contains('%') && !shown.contains('━'), "{shown}");
    drop(pipe);
    running.finish().exits(0);
}

#[test]
fn colours_are_used_only_on_terminals_that_allow_them() {
    let colours = |run: Recall| {
        let (running, _terminal) = run.start_on_terminal();
        let stderr = running.finish().exits(3).stderr;
        let mut codes = stderr.split("\u{1b}[").skip(1);
        codes.any(|code| {
            code.trim_start_matches(|c: char| c.is_ascii_digit())
                .starts_with('m')
        })
    };
    let service = Service::start(|_| Answer::code(10010));
    let place = Place::with_rows(rows(3));
    let run = |ledger: &str| run(&place, &service).with(["--ledger", ledger]);
    assert!(colours(run("1")));
    assert!(!colours(run("2").env("NO_COLOR", "1")));
    assert!(!colours(run("3").env("TERM", "dumb")));
    // Only stderr decides. Here it is a pipe.
    let piped = run("4").finish().exits(3).stderr;
    assert!(!piped.contains('\u{1b}'), "{piped}");
}

#[test]
fn a_dumb_terminal_gets_plain_lines_unless_a_bar_is_requested() {
    for (term, how, draws) in [
        ("xterm", "auto", true),
        ("dumb", "auto", false),
        ("dumb", "bar", true),
        ("xterm", "plain", false),
        ("xterm", "none", false),
    ] {
        let (service, gate) = ten_then_gated();
        let place = Place::with_rows(rows(40));
        let run = run(&place, &service).env("TERM", term);
        let (running, terminal) = run.with(["--progress", how]).start_on_terminal();
        service.wait_until_called(15);
        if draws {
            terminal.wait_until_it_shows("10 recalled");
        }
        gate.open();
        let done = running.finish().exits(0);
        assert_eq!(done.stderr.contains("\u{1b}[J"), draws, "{term} {how}");
    }
}

#[test]
fn the_log_does_not_tear_the_bar() {
    let service = Service::good();
    let place = Place::with_rows(rows(200));
    let run = run(&place, &service).env("RUST_LOG", "trace").rate("200");
    let (running, terminal) = run.start_on_terminal();
    running.finish().exits(0);
    let shown = terminal.lines().join("\n");
    assert!(shown.contains("200 of 200 distinct rows"), "{shown}");
    assert!(!shown.contains('━'), "{shown}");
}
