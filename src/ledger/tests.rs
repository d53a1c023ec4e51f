//! The guarantee of a ledger: no recorded entry is lost, whatever happens to the file.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::outcome::{Entry, Outcome};

fn header() -> Header {
    Header {
        version: VERSION,
        app: 7,
        endpoint: "https://service.example".to_owned(),
        input: "rows.csv".to_owned(),
        created: "2026-11-22T10:00:00Z".parse().expect("a time"),
    }
}

fn entry(row: u64, outcome: Outcome) -> Entry<'static> {
    Entry {
        row,
        input: "".into(),
        group: format!("group \"{row}\", é").into(),
        sender: format!("sender {row}").into(),
        topic: "".into(),
        outcome,
        code: if outcome == Outcome::Failed { 10010 } else { 0 },
        info: "words".into(),
        attempts: 1,
        sent_at: Some("2026-11-22T10:00:00.123Z".parse().expect("a time")),
        ms: Some(41),
    }
}

fn recalled(rows: std::ops::Range<u64>) -> Vec<Entry<'static>> {
    rows.map(|row| entry(row, Outcome::Recalled)).collect()
}

/// Opens a ledger for resuming, and returns it with the rows that it has settled.
fn resume(path: &Path) -> crate::error::Result<(Ledger, Vec<u64>)> {
    let mut rows = Vec::new();
    let ledger = Ledger::open(path, &header(), Start::Resume, |settled| {
        rows.push(settled.row);
    })?;
    Ok((ledger, rows))
}

/// Returns the rows that a ledger has settled.
fn settled(path: &Path) -> Vec<u64> {
    let (ledger, rows) = resume(path).expect("readable");
    ledger.finish().expect("a working disk");
    rows
}

fn write(path: &Path, entries: Vec<Entry<'static>>) {
    let (ledger, _) = resume(path).expect("a ledger");
    ledger.record(entries);
    ledger.finish().expect("a working disk");
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn written_rows_are_settled_after_a_resume() {
    let folder = folder();
    let path = folder.path().join("l");
    write(&path, recalled(1..6));
    write(&path, recalled(6..9));
    assert_eq!(settled(&path), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn a_ledger_cut_at_any_byte_loses_only_the_entries_after_it_and_can_be_resumed() {
    let folder = folder();
    let path = folder.path().join("l");
    write(&path, recalled(1..6));
    let whole = fs::read(&path).expect("there");
    let line_ends: Vec<_> = (0..whole.len()).filter(|at| whole[*at] == b'\n').collect();
    for cut in line_ends[line_ends.len() - 4] + 1..=whole.len() {
        fs::write(&path, &whole[..cut]).expect("written");
        let intact = line_ends.iter().filter(|end| **end < cut).count() as u64 - 1;
        let (ledger, rows) = resume(&path).expect("readable");
        assert_eq!(rows, (1..=intact).collect::<Vec<_>>(), "cut at {cut}");
        ledger.record(recalled(100..101));
        ledger.finish().expect("a working disk");
        assert_eq!(settled(&path).last(), Some(&100), "cut at {cut}");
        let text = fs::read_to_string(&path).expect("text");
        assert!(
            text.lines()
                .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
        );
    }
}

#[test]
fn a_damaged_line_in_the_middle_loses_only_its_own_row() {
    let folder = folder();
    let path = folder.path().join("l");
    write(&path, recalled(1..4));
    let text = fs::read_to_string(&path).expect("there");
    fs::write(&path, text.replace("\"row\":2,", "\"row\":\u{0}\u{0}")).expect("written");
    assert_eq!(settled(&path), [1, 3]);
}

#[test]
fn a_damaged_tail_over_the_line_limit_loses_no_row_before_or_after_it() {
    const MIB: usize = 1024 * 1024;
    for length in [MIB - 1, MIB, MIB + 1, 3 * MIB / 2] {
        let folder = folder();
        let path = folder.path().join("l");
        write(&path, recalled(1..3));
        let mut file = OpenOptions::new().append(true).open(&path).expect("there");
        file.write_all(&vec![0; length]).expect("written");
        write(&path, recalled(9..10));
        assert_eq!(settled(&path), [1, 2, 9], "{length} bytes");
    }
}

#[test]
fn only_one_run_at_a_time_can_write_to_a_ledger() {
    let folder = folder();
    let path = folder.path().join("l");
    let (first, _) = resume(&path).expect("not locked");
    let error = resume(&path).expect_err("locked");
    assert!(
        error.to_string().contains("another run is writing"),
        "{error}"
    );
    first.finish().expect("a working disk");
    resume(&path).expect("not locked any more");
}

#[test]
fn an_existing_ledger_is_refused_with_its_progress_and_both_ways_to_continue() {
    let folder = folder();
    let path = folder.path().join("l");
    write(&path, recalled(1..4));
    let error = Ledger::open(&path, &header(), Start::New, |_| {}).expect_err("it exists");
    let words = error.to_string();
    assert!(
        words.contains("3 rows settled")
            && words.contains("--resume")
            && words.contains("--ledger"),
        "{words}"
    );
    assert_eq!(settled(&path).len(), 3);
}

#[test]
fn a_ledger_of_another_service_or_a_newer_version_is_refused_and_unchanged() {
    let folder = folder();
    let path = folder.path().join("l");
    write(&path, recalled(1..4));
    let text = fs::read_to_string(&path).expect("there");
    for (from, to, words) in [
        ("\"app\":7", "\"app\":8", "the ledger of app 8"),
        ("service.example", "other.example", "https://other.example"),
        (
            "\"recall_ledger\":1",
            "\"recall_ledger\":2",
            "a newer recall",
        ),
        ("recall_ledger", "something_else", "is not a ledger"),
    ] {
        let other = text.replacen(from, to, 1);
        fs::write(&path, &other).expect("written");
        let error = resume(&path).expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("there"), other);
    }
}

/// Runs the check that comes before a run.
fn checked(path: &Path, start: Start) -> crate::error::Result<()> {
    check(path, start, header().app, &header().endpoint)
}

const STARTS: [Start; 3] = [Start::New, Start::Afresh, Start::Resume];

#[test]
fn a_check_fails_with_the_same_error_as_opening_and_changes_nothing() {
    let folder = folder();
    let path = folder.path().join("l");
    write(&path, recalled(1..4));
    let ours = fs::read_to_string(&path).expect("there");
    let of_another_app = ours.replacen("\"app\":7", "\"app\":8", 1);
    let newer = ours.replacen("\"recall_ledger\":1", "\"recall_ledger\":2", 1);
    let only_header = header_of_another_app();
    for text in [
        &ours,
        &of_another_app,
        &newer,
        &only_header,
        &only_header[..9],
        &ours[..ours.len() - 9],
        &ours.replace('\n', "\r\n"),
        "\0\0\0",
        "buy milk\n",
        "\n",
        "",
    ] {
        for start in STARTS {
            fs::write(&path, text).expect("written");
            let checked = checked(&path, start).map_err(|error| error.to_string());
            assert_eq!(fs::read_to_string(&path).expect("there"), text);
            let opened = Ledger::open(&path, &header(), start, |_| {})
                .map(|ledger| ledger.finish().expect("a working disk"))
                .map_err(|error| error.to_string());
            assert_eq!(checked, opened, "{start:?} of {text:?}");
            if opened.is_err() {
                assert_eq!(fs::read_to_string(&path).expect("there"), text);
            }
        }
    }
}

#[test]
fn a_check_for_a_rehearsal_refuses_to_overwrite_the_ledger_of_another_app() {
    let folder = folder();
    let path = folder.path().join("l");
    let entry = serde_json::to_string(&entry(1, Outcome::Recalled)).expect("it serializes");
    fs::write(&path, header_of_another_app() + &entry + "\n").expect("written");
    let error = checked(&path, Start::Afresh).expect_err("it is another app's");
    assert!(error.to_string().contains("the ledger of app 8"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_file_that_can_not_be_opened_is_not_treated_as_missing() {
    let folder = folder();
    // A link to itself, because missing permissions would not stop root.
    let path = folder.path().join("l");
    std::os::unix::fs::symlink("l", &path).expect("a link to itself");
    for start in STARTS {
        let error = checked(&path, start).expect_err("a loop").to_string();
        let opening = Ledger::open(&path, &header(), start, |_| {}).expect_err("a loop");
        assert_eq!(error, opening.to_string());
        assert!(error.contains("cannot open the ledger"), "{error}");
    }
    let error = begun(&path).expect_err("a loop").to_string();
    assert!(error.contains("cannot read the ledger"), "{error}");
}

#[test]
fn a_missing_file_passes_the_check_and_is_not_created_by_it() {
    let folder = folder();
    for path in ["l", "no/such/folder/l"].map(|path| folder.path().join(path)) {
        for start in STARTS {
            checked(&path, start).expect("nothing is there");
        }
        assert_eq!(begun(&path).expect("nothing is there"), None);
        assert!(!path.exists());
    }
}

/// The header of a run of another app that was stopped before its first row.
fn header_of_another_app() -> String {
    let other = Header { app: 8, ..header() };
    serde_json::to_string(&other).expect("it serializes") + "\n"
}

#[test]
fn a_ledger_in_which_nothing_is_recorded_is_started_over_by_any_app() {
    let folder = folder();
    let path = folder.path().join("l");
    for start in [Start::New, Start::Resume] {
        fs::write(&path, header_of_another_app()).expect("written");
        checked(&path, start).expect("nothing is recorded");
        assert_eq!(begun(&path).expect("readable"), None);
        let ledger = Ledger::open(&path, &header(), start, |_| {}).expect("started over");
        ledger.record(recalled(1..2));
        ledger.finish().expect("a working disk");
        assert_eq!(Reader::open(&path).expect("readable").header().app, 7);
        assert_eq!(settled(&path), [1]);
    }
}

#[test]
fn an_entry_binds_a_ledger_to_its_app_even_if_it_is_damaged_or_torn() {
    let folder = folder();
    let path = folder.path().join("l");
    let entry = serde_json::to_string(&entry(1, Outcome::Recalled)).expect("it serializes");
    for rest in [&*format!("{entry}\n"), &entry, &entry[..9], "\0\0\n", "\n"] {
        let text = header_of_another_app() + rest;
        fs::write(&path, &text).expect("written");
        let error = resume(&path).expect_err("it is another app's").to_string();
        assert!(error.contains("the ledger of app 8"), "{error}");
        for error in [
            Ledger::open(&path, &header(), Start::New, |_| {}).expect_err("there is one"),
            checked(&path, Start::New).expect_err("there is one"),
        ] {
            assert!(error.to_string().contains("a ledger already"), "{error}");
        }
        assert_eq!(fs::read_to_string(&path).expect("there"), text);
    }
}

#[test]
fn the_last_entry_for_a_row_counts() {
    let folder = folder();
    let path = folder.path().join("l");
    let failed = |row| entry(row, Outcome::Failed);
    write(
        &path,
        vec![failed(1), failed(2), failed(3), entry(4, Outcome::Recalled)],
    );
    write(&path, vec![entry(2, Outcome::Recalled), failed(3)]);
    let mut words = LastWords::open(&path).expect("readable");
    assert_eq!(words.failed(), 2);
    let mut last = BTreeMap::new();
    while words.advance().expect("readable") {
        let entry = words.entry().expect("an entry");
        assert_eq!(
            last.insert(entry.row, entry.outcome),
            None,
            "one entry per row"
        );
    }
    let still_failed: Vec<_> = last
        .into_iter()
        .filter(|(_, outcome)| *outcome == Outcome::Failed)
        .collect();
    assert_eq!(still_failed, [(1, Outcome::Failed), (3, Outcome::Failed)]);
}

/// Returns the rows and outcomes that count.
fn last_words(path: &Path) -> Vec<(u64, Outcome)> {
    let mut words = LastWords::open(path).expect("readable");
    let mut last = Vec::new();
    while words.advance().expect("readable") {
        let entry = words.entry().expect("an entry");
        last.push((entry.row, entry.outcome));
    }
    last
}

/// Returns the entry of a row that can't be sent.
fn invalid(row: u64, input: &'static str, why: &'static str) -> Entry<'static> {
    Entry {
        input: input.into(),
        group: "".into(),
        sender: "".into(),
        info: why.into(),
        attempts: 0,
        sent_at: None,
        ms: None,
        ..entry(row, Outcome::Invalid)
    }
}

#[test]
fn an_invalid_row_counts_until_something_else_comes_from_its_line() {
    for next in [
        entry(3, Outcome::Recalled),
        entry(3, Outcome::Failed),
        entry(3, Outcome::Skipped),
        invalid(3, "", "for another reason"),
    ] {
        let folder = folder();
        let path = folder.path().join("l");
        let outcome = next.outcome;
        write(
            &path,
            vec![invalid(3, "", "words"), invalid(4, "", "words")],
        );
        write(&path, vec![entry(2, Outcome::Recalled), next]);
        let last = [(4, Outcome::Invalid), (2, Outcome::Recalled), (3, outcome)];
        assert_eq!(last_words(&path), last);
    }
}

#[test]
fn an_invalid_row_is_not_replaced_by_the_same_line_of_another_input() {
    let folder = folder();
    let path = folder.path().join("l");
    let mut other = entry(3, Outcome::Recalled);
    other.input = "b.csv".into();
    write(&path, vec![invalid(3, "a.csv", "words"), other]);
    let last = [(3, Outcome::Invalid), (3, Outcome::Recalled)];
    assert_eq!(last_words(&path), last);
}

#[test]
fn an_invalid_row_is_not_replaced_by_a_row_from_a_pipe() {
    let mut own = header();
    own.input = "-".to_owned();
    for (input, header) in [("", own), ("stdin", header()), ("/dev/fd/63", header())] {
        let folder = folder();
        let path = folder.path().join("l");
        let ledger = Ledger::open(&path, &header, Start::New, |_| {}).expect("a ledger");
        let mut good = entry(3, Outcome::Recalled);
        good.input = input.into();
        ledger.record(vec![invalid(3, input, "words"), good]);
        ledger.finish().expect("a working disk");
        let last = [(3, Outcome::Invalid), (3, Outcome::Recalled)];
        assert_eq!(last_words(&path), last, "{input}");
    }
}

#[test]
fn an_object_on_a_line_does_not_replace_another_object_on_it() {
    let folder = folder();
    let path = folder.path().join("l");
    let second = invalid(1, "", "the sender is empty (object 2 of the line)");
    let first = invalid(1, "", "the sender is empty");
    write(&path, vec![first, second, entry(9, Outcome::Recalled)]);
    let last = [
        (1, Outcome::Invalid),
        (1, Outcome::Invalid),
        (9, Outcome::Recalled),
    ];
    assert_eq!(last_words(&path), last);
    write(&path, vec![entry(1, Outcome::Recalled)]);
    // It is not known which of the objects can be sent now; it may be the first.
    let last = [
        (1, Outcome::Invalid),
        (9, Outcome::Recalled),
        (1, Outcome::Recalled),
    ];
    assert_eq!(last_words(&path), last);
}

#[test]
fn a_row_whose_reason_only_resembles_one_of_several_objects_is_replaced_like_any_other() {
    for reason in [
        "the sender is a word for nothing: `x (object 2`",
        "the sender is a word for nothing: `x (object 2 of the line)`",
        "no sender (object two of the line)",
    ] {
        let folder = folder();
        let path = folder.path().join("l");
        write(&path, vec![invalid(1, "", reason)]);
        write(&path, vec![entry(1, Outcome::Recalled)]);
        assert_eq!(last_words(&path), [(1, Outcome::Recalled)], "{reason}");
    }
}

#[test]
fn an_entry_without_an_input_gets_the_ledger_s_own_if_others_name_theirs() {
    let folder = folder();
    let path = folder.path().join("l");
    let inputs = || {
        let mut words = LastWords::open(&path).expect("readable");
        let mut inputs = Vec::new();
        while words.advance().expect("readable") {
            inputs.push(words.entry().expect("an entry").input.into_owned());
        }
        inputs
    };
    write(&path, recalled(1..2));
    assert_eq!(inputs(), [""]);
    let mut other = entry(1, Outcome::Failed);
    other.input = "b.csv".into();
    write(&path, vec![other]);
    assert_eq!(inputs(), ["rows.csv", "b.csv"]);
}

#[test]
fn a_replayed_row_does_not_replace_an_invalid_row_now_on_its_line() {
    let folder = folder();
    let path = folder.path().join("l");
    // The input changed between the two entries.
    write(
        &path,
        vec![entry(3, Outcome::Failed), invalid(3, "", "words")],
    );
    write(&path, vec![entry(3, Outcome::Recalled)]);
    let last = [(3, Outcome::Invalid), (3, Outcome::Recalled)];
    assert_eq!(last_words(&path), last);
}

#[test]
fn entries_appended_while_reading_are_not_returned() {
    let folder = folder();
    let path = folder.path().join("l");
    let failed = |rows: std::ops::Range<u64>| rows.map(|row| entry(row, Outcome::Failed)).collect();
    write(&path, failed(1..3));
    let mut rows = failed_rows(LastWords::open(&path).expect("readable"));
    let first = rows.next();
    // A replay appends to the ledger that it reads from.
    write(&path, failed(1..3));
    let all: Vec<_> = first.into_iter().chain(rows).collect();
    assert_eq!(all.len(), 2);
}

fn write_failed(ledger: &Path, to: &Path) {
    let rows = LastWords::open(ledger).expect("readable");
    write_failed_rows(rows, to, crate::rows::Format::Csv).expect("written or removed");
}

#[test]
fn the_failed_rows_file_exists_only_while_there_are_failed_rows() {
    let folder = folder();
    let path = folder.path().join("l");
    let to = folder.path().join("rows.failed.csv");
    write(
        &path,
        vec![entry(1, Outcome::Failed), entry(2, Outcome::Recalled)],
    );
    write_failed(&path, &to);
    assert_eq!(
        fs::read_to_string(&to).expect("there"),
        "group,sender,topic,code,info,attempts,sent_at\n\
         \"group \"\"1\"\", é\",sender 1,,10010,words,1,2026-11-22T10:00:00.123Z\n"
    );
    write(&path, vec![entry(1, Outcome::Recalled)]);
    write_failed(&path, &to);
    assert!(!to.exists());
}

/// A disk on which operation number `fails_at` fails. It takes only part of each write.
#[derive(Clone, Debug)]
struct BadDisk {
    written: Arc<Mutex<Vec<u8>>>,
    operations: Arc<Mutex<usize>>,
    fails_at: usize,
}

impl BadDisk {
    fn operation(&self) -> io::Result<()> {
        let mut operations = self.operations.lock().expect("no panic");
        *operations += 1;
        if *operations == self.fails_at {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left"));
        }
        Ok(())
    }
}

impl Write for BadDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.operation()?;
        // Take half of it; `write_all` calls again with the rest.
        let taken = bytes.len().div_ceil(2);
        self.written
            .lock()
            .expect("no panic")
            .extend(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.operation()
    }
}

impl Disk for BadDisk {
    fn sync(&mut self) -> io::Result<()> {
        self.operation()
    }
}

#[test]
fn a_disk_failure_at_any_operation_is_reported_and_loses_no_recorded_entry() {
    let mut fails_at = 1;
    loop {
        let disk = BadDisk {
            written: Arc::default(),
            operations: Arc::default(),
            fails_at,
        };
        let mut ledger = Ledger::append(Path::new("l"), disk.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let mut recorded = 0;
        for row in 0..5 {
            ledger.record(recalled(row..row + 1));
            match runtime.block_on(ledger.recorded()) {
                Some(count) => recorded = count,
                None => break,
            }
        }
        let counter = ledger.counter();
        let end = ledger.finish();
        let written = disk.written.lock().expect("no panic");
        let whole = written.split(|byte| *byte == b'\n').count() - 1;
        assert!(
            whole >= recorded,
            "operation {fails_at}: recorded {recorded}, written {whole}"
        );
        assert_eq!(counter(), whole, "operation {fails_at}");
        if *disk.operations.lock().expect("no panic") < fails_at {
            assert!(
                end.is_ok() && recorded == 5,
                "a run without a failure succeeds"
            );
            assert!(fails_at > 10, "there were operations that could fail");
            return;
        }
        let error = end.expect_err("a failed operation is an error").to_string();
        assert!(
            error.contains("no space left") && error.contains("--resume"),
            "{error}"
        );
        fails_at += 1;
    }
}

/// A disk that signals each sync.
struct SignalsSync(mpsc::Sender<()>);

impl Write for SignalsSync {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for SignalsSync {
    fn sync(&mut self) -> io::Result<()> {
        // The test does not wait for the last sync.
        let _ = self.0.send(());
        Ok(())
    }
}

#[test]
fn written_entries_are_synced_during_the_run_whether_or_not_more_follow() {
    let far_too_long = Duration::from_secs(60);
    let (tell, synced) = mpsc::channel();
    let ledger = Ledger::append(Path::new("l"), SignalsSync(tell));
    ledger.record(recalled(1..2));
    synced
        .recv_timeout(far_too_long)
        .expect("a sync while nothing follows");
    let begun = Instant::now();
    while synced.recv_timeout(Duration::from_millis(1)).is_err() {
        assert!(begun.elapsed() < far_too_long, "a sync while more follow");
        ledger.record(recalled(2..3));
    }
    ledger.finish().expect("a working disk");
}

#[test]
fn a_full_disk_is_reported_at_once() {
    let full = OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("Linux has /dev/full");
    let mut ledger = Ledger::append(Path::new("/dev/full"), full);
    ledger.record(recalled(1..2));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    assert_eq!(runtime.block_on(ledger.recorded()), None);
    ledger.finish().expect_err("nothing was written");
}

proptest! {
    /// Any bytes are read to their end without a crash, whether or not they are entries.
    #[test]
    fn any_bytes_after_the_header_are_survived(bytes: Vec<u8>) {
        let folder = folder();
        let path = folder.path().join("l");
        write(&path, recalled(1..2));
        let mut file = OpenOptions::new().append(true).open(&path).expect("there");
        file.write_all(&bytes).expect("written");
        let (ledger, rows) = resume(&path).expect("readable");
        prop_assert_eq!(&rows[..1], &[1]);
        ledger.record(recalled(9..10));
        ledger.finish().expect("a working disk");
        let rows = settled(&path);
        prop_assert_eq!(rows.last(), Some(&9));
        write_failed(&path, &folder.path().join("f"));
    }

    /// Any text is read back unchanged and stays on one line.
    #[test]
    fn any_text_is_stored_unchanged(group in ".*", sender in ".*", topic in ".*", info in ".*") {
        let mut entry = entry(1, Outcome::Failed);
        (entry.group, entry.sender) = (group.into(), sender.into());
        (entry.topic, entry.info) = (topic.into(), info.into());
        let line = serde_json::to_string(&entry).expect("it serializes");
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(serde_json::from_str::<Entry<'_>>(&line).expect("reads back"), entry);
    }
}
