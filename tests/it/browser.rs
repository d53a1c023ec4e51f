//! The HTML report in a real browser: Debian's `chromium`, if it is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::stage::{Answer, Place, Running, Service, skip};

/// Returns the browser. If there is none, reports the test as skipped.
fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("chromium"))
        .find(|file| file.is_file());
    if found.is_none() {
        skip("there is no chromium here to render the page");
    }
    found
}

/// A page as rendered by the browser.
struct Rendered {
    dom: String,
    console: Vec<String>,
    /// The URLs requested over the network, without the browser's own requests to Google.
    requested: Vec<String>,
}

fn render(browser: &Path, place: &Place, page: &str, width: u32) -> Rendered {
    let network = place.path("net.json");
    let mut command = Command::new(browser);
    let command = command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([
            "--disable-extensions",
            "--no-proxy-server",
            "--enable-logging=stderr",
            "--v=0",
        ])
        .arg(format!(
            "--user-data-dir={}",
            place.path("browser").display()
        ))
        .arg(format!("--log-net-log={}", network.display()))
        .arg(format!("--window-size={width},1000"))
        .arg("--dump-dom")
        .arg(format!("file://{}", place.path(page).display()));
    let done = Running::spawn(command).finish().exits(0);
    Rendered {
        dom: done.stdout,
        console: done
            .stderr
            .lines()
            .filter(|line| line.contains("CONSOLE"))
            .map(str::to_owned)
            .collect(),
        requested: requested_urls(&fs::read_to_string(network).unwrap()),
    }
}

fn requested_urls(log: &str) -> Vec<String> {
    let urls = log.split("\"url\":\"").skip(1);
    let urls = urls.map(|rest| rest.split('"').next().unwrap().to_owned());
    let is_of_the_browser = |url: &String| {
        let host = url.split('/').nth(2).unwrap_or_default();
        host.ends_with(".google.com") || host.ends_with(".googleapis.com")
    };
    urls.filter(|url| url.starts_with("http") && !is_of_the_browser(url))
        .collect()
}

/// Returns the text between the first `begin` and the next `end`.
fn inside<'a>(dom: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, rest) = dom
        .split_once(begin)
        .unwrap_or_else(|| panic!("{begin} in {dom}"));
    rest.split_once(end).unwrap().0
}

/// A place with a report of IDs that would change its title and call the service if they could run.
fn hostile_page(trap: &Service) -> Place {
    let service = Service::start(|_| Answer::error(10010, "<script>document.title='ran'</script>"));
    let trap = trap.address();
    let ids = [
        "\"\"><script>document.title='ran'</script>".to_owned(),
        "<img src=x onerror=document.title='ran'>".to_owned(),
        format!("<img src=http://{trap}/x>"),
        format!("\"\"><link rel=stylesheet href=//{trap}>"),
        "x".repeat(300),
    ];
    let rows = ids
        .map(|id| format!("\"{id}\",\"{id}\",\"{id}\"\n"))
        .concat();
    let place = Place::with_rows(format!("group,sender,topic\n{rows}"));
    let run = place.run("rows.csv").on(service.address());
    run.finish().exits(3);
    let report = place.recall(["report", "rows.ledger.jsonl", "--html", "report.html"]);
    report.finish().exits(0);
    place
}

#[test]
fn the_page_renders_without_running_scripts_or_requesting_anything() {
    let Some(browser) = browser() else { return };
    let trap = Service::good();
    let place = hostile_page(&trap);
    // Wide, and as narrow as a headless window can be.
    for width in [1280, 500] {
        let Rendered {
            dom,
            console,
            requested,
        } = render(&browser, &place, "report.html", width);
        assert_eq!(
            inside(&dom, "<title>", "</title>"),
            "Recall report: rows.csv"
        );
        assert!(
            dom.contains("None of the 5 rows of this ledger was recalled: 5 failed.</h1>"),
            "{dom}"
        );
        assert_eq!(dom.matches("</svg>").count(), 4);
        assert!(
            dom.contains("&lt;script&gt;document.title='ran'&lt;/script&gt;"),
            "{dom}"
        );
        assert!(!dom.contains("<script") && !dom.contains("<img"), "{dom}");
        assert_eq!(console, [""; 0]);
        assert_eq!(requested, [""; 0]);
    }
    assert_eq!(trap.calls(), 0);
}

#[test]
fn the_page_fits_the_width_of_the_screen() {
    let Some(browser) = browser() else { return };
    let place = hostile_page(&Service::good());
    let page = place.read("report.html");
    let policy = inside(&page, "<meta http-equiv", ">");
    // Without its policy, the page can run our script, which measures it.
    let measured = page
        .replace(&format!("<meta http-equiv{policy}>"), "")
        .replace(
            "</body>",
            "<script>let page = document.documentElement; parent.document.title = \
             innerWidth + ': ' + (page.scrollWidth - page.clientWidth)</script></body>",
        )
        .replace('&', "&amp;")
        .replace('"', "&quot;");
    for width in [1280, 390] {
        // A frame, because a headless window can't be as narrow as a phone.
        let frame = format!("<iframe style='width:{width}px;border:0' srcdoc=\"{measured}\">");
        place.write("frame.html", format!("<title>?</title>{frame}"));
        let dom = render(&browser, &place, "frame.html", 1400).dom;
        // The frame had this width, and nothing sticks out of it.
        assert_eq!(inside(&dom, "<title>", "</title>"), format!("{width}: 0"));
    }
}

/// Without this check, the other tests could pass in a browser that reports nothing.
#[test]
fn the_browser_reports_what_a_page_requests_and_its_errors() {
    let Some(browser) = browser() else { return };
    let trap = Service::good();
    let place = Place::new();
    let page = format!(
        "<img src=http://{}/x><script>nonsense()</script>",
        trap.address()
    );
    place.write("bad.html", page);
    let Rendered {
        console, requested, ..
    } = render(&browser, &place, "bad.html", 1280);
    assert!(
        requested.iter().any(|url| url.ends_with("/x")),
        "{requested:?}"
    );
    assert!(
        console.iter().any(|line| line.contains("nonsense")),
        "{console:?}"
    );
}
