//! Makes the picture of a terminal in `samples/` from a real run:
//! `RECALL_PICTURES=1 cargo test --test it picture`.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use vt100::{Cell, Color};

use crate::stage::{Answer, Place, Service, Terminal, rows, wait_until};

const COLUMNS: u16 = 92;
/// The width of a character in pixels. Monospace fonts are about this wide at 14 pixels.
const CHAR_WIDTH: f64 = 8.43;
const LINE_HEIGHT: f64 = 20.0;
const MARGIN: f64 = 18.0;
/// The bar at the top of the window.
const TITLE: f64 = 34.0;

#[test]
fn the_picture_of_a_run_shows_a_past_outage_and_the_progress() {
    let wants_file = std::env::var_os("RECALL_PICTURES").is_some();
    let out_after: usize = if wants_file { 1_100 } else { 30 };
    let is_out = Arc::new(AtomicBool::new(false));
    let out = Arc::clone(&is_out);
    let since = Mutex::new(None);
    let service = Service::start(move |call| {
        // Short latencies just before the outage, so that nothing is in flight when it starts.
        let ms = match out_after.saturating_sub(call.nth) {
            1..40 => 1,
            _ => 20 + call.nth as u64 * 7 % 60,
        };
        let latency = Duration::from_millis(ms);
        let mut since = since.lock().unwrap();
        if call.nth >= out_after && !out.swap(true, Ordering::SeqCst) {
            *since = Some(Instant::now());
        }
        let gone = since.is_some_and(|since| since.elapsed() < Duration::from_secs(2));
        match (call.nth_of_row, call.nth % 50) {
            _ if gone => Answer::status("502 Bad Gateway"),
            (0, 3) => Answer::code(10002).delayed_by(latency),
            (_, 7) if call.nth > 300 && call.nth % 300 == 7 => {
                Answer::code(10010).delayed_by(latency)
            }
            _ => Answer::ok().delayed_by(latency),
        }
    });
    let place = Place::with_rows(rows(6_000) + &rows(40).replace("group,sender\n", ""));
    let words = ["run", "rows.csv", "--yes"];
    let run = place.recall(words).with_secret_key();
    let run = run.env("RECALL_ENDPOINT", format!("http://{}", service.address()));
    let run = run.env("TERM", "xterm-256color");
    let (running, terminal) = run.start_on_terminal_with_columns(COLUMNS);
    terminal.wait_until_it_shows("The service is back after");
    let half_way = if wants_file { "3,2" } else { "1" };
    wait_until("half-way", || {
        let shown = terminal.lines();
        // One segment of the bar is a few hundred rows.
        let is_under_way = |line: &String| line.contains('━') && line.contains(" left");
        shown
            .iter()
            .any(|line| line.starts_with(half_way) && is_under_way(line))
    });
    let picture = svg(&format!("recall {}", words.join(" ")), &terminal);
    drop(running);
    for words in [
        "The service is out",
        "The service is back",
        "calls/s",
        " left",
    ] {
        // The picture has non-breaking spaces.
        assert!(picture.contains(&words.replace(' ', "\u{a0}")), "{picture}");
    }
    assert!(picture.contains("━") && !picture.contains('\u{1b}'));
    if wants_file {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
        std::fs::write(samples.join("terminal.svg"), picture).unwrap();
    }
}

/// Renders the command and the screen below it as an SVG without scripts or embedded fonts.
fn svg(command: &str, terminal: &Terminal) -> String {
    let lines = terminal.lines().len() + 1;
    let (width, height) = (
        2.0 * MARGIN + f64::from(COLUMNS) * CHAR_WIDTH,
        TITLE + MARGIN + lines as f64 * LINE_HEIGHT,
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" font-size=\"14\" \
         font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\">\n\
         <title>A run of recall, half-way</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16181d\"/>\n"
    );
    for (at, colour) in ["#ff5f57", "#febc2e", "#28c840"].into_iter().enumerate() {
        let x = MARGIN + 6.0 + at as f64 * 20.0;
        let y = TITLE / 2.0;
        writeln!(
            svg,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"6\" fill=\"{colour}\"/>"
        )
        .unwrap();
    }
    let mut line = |row: usize, runs: &[(String, &'static str, u16)]| {
        let y = TITLE + (row as f64 + 0.8) * LINE_HEIGHT;
        for (text, colour, column) in runs {
            // Browsers may drop spaces at either end.
            let blanks = text.len() - text.trim_start().len();
            let text = text.trim();
            let x = MARGIN + (f64::from(*column) + blanks as f64) * CHAR_WIDTH;
            let length = text.chars().count() as f64 * CHAR_WIDTH;
            let text = text.replace('&', "&amp;").replace('<', "&lt;");
            let text = text.replace(' ', "\u{a0}");
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y}\" textLength=\"{length:.1}\" fill=\"{colour}\">{text}</text>"
            )
            .unwrap();
        }
    };
    line(
        0,
        &[
            ("$".to_owned(), "#7ee787", 0),
            (command.to_owned(), "#e6edf3", 2),
        ],
    );
    let parser = terminal.screen();
    for row in 1..lines {
        let mut runs: Vec<(String, &'static str, u16)> = Vec::new();
        for column in 0..COLUMNS {
            let at = u16::try_from(row - 1).unwrap();
            let Some(cell) = parser.screen().cell(at, column) else {
                continue;
            };
            let (text, colour) = (cell.contents(), colour(cell));
            let text = if text.is_empty() { " " } else { text };
            match runs.last_mut() {
                Some((run, same, _)) if *same == colour => run.push_str(text),
                _ => runs.push((text.to_owned(), colour, column)),
            }
        }
        runs.retain(|(text, ..)| !text.trim().is_empty());
        line(row, &runs);
    }
    svg + "</svg>\n"
}

fn colour(cell: &Cell) -> &'static str {
    match (cell.fgcolor(), cell.dim()) {
        (Color::Idx(1), false) => "#ff7b72",
        (Color::Idx(2), false) => "#7ee787",
        (Color::Idx(3), false) => "#e3b341",
        (_, true) => "#4d5560",
        _ => "#e6edf3",
    }
}
