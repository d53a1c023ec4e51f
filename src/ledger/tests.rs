//! What a ledger promises: nothing that was recorded is lost, whatever happens to the file.

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

/// Opens a ledger to go on with it, and the rows that it has settled.
fn resume(path: &Path) -> crate::error::Result<(Ledger, Vec<u64>)> {
    let mut rows = Vec::new();
    let ledger = Ledger::open(path, &header(), Start::Resume, |settled| {
        rows.push(settled.row);
    })?;
    Ok((ledger, rows))
}

/// The rows that a ledger has settled.
fn settled(path: &Path) -> Vec<u64> {
    let (ledger, rows) = resume(path).expect("readable");
    ledger.finish().expect("a disk that works");
    rows
}

fn write(path: &Path, entries: Vec<Entry<'static>>) {
    let (ledger, _) = resume(path).expect("a ledger");
    ledger.record(entries);
    ledger.finish().expect("a disk that works");
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn what_was_written_is_settled_after_a_resume() {
    let folder = folder();
    let path = folder.path().join("l");
    write(&path, recalled(1..6));
    write(&path, recalled(6..9));
    assert_eq!(settled(&path), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn cut_at_any_byte_of_its_last_entries_it_loses_those_alone_and_goes_on() {
    let folder = folder();
    let path = folder.path().join("l");
    write(&path, recalled(1..6));
    let whole = fs::read(&path).expect("there");
    let line_ends: Vec<_> = (0..whole.len()).filter(|at| whole[*at] == b'\n').collect();
    for cut in line_ends[line_ends.len() - 4] + 1..=whole.len() {
        fs::write(&path, &whole[..cut]).expect("written");
        let left = line_ends.iter().filter(|end| **end < cut).count() as u64 - 1;
        let (ledger, rows) = resume(&path).expect("readable");
        assert_eq!(rows, (1..=left).collect::<Vec<_>>(), "cut at {cut}");
        ledger.record(recalled(100..101));
        ledger.finish().expect("a disk that works");
        assert_eq!(settled(&path).last(), Some(&100), "cut at {cut}");
        let text = fs::read_to_string(&path).expect("text");
        assert!(
            text.lines()
                .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
        );
    }
}

#[test]
fn a_damaged_line_in_the_middle_costs_its_row_and_no_other() {
    let folder = folder();
    let path = folder.path().join("l");
    write(&path, recalled(1..4));
    let text = fs::read_to_string(&path).expect("there");
    fs::write(&path, text.replace("\"row\":2,", "\"row\":\u{0}\u{0}")).expect("written");
    assert_eq!(settled(&path), [1, 3]);
}

#[test]
fn a_tail_longer_than_any_line_of_ours_costs_no_row_before_or_behind_it() {
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
fn one_run_at_a_time_writes_a_ledger() {
    let folder = folder();
    let path = folder.path().join("l");
    let (first, _) = resume(&path).expect("nobody has it");
    let error = resume(&path).expect_err("taken");
    assert!(
        error.to_string().contains("another run is writing"),
        "{error}"
    );
    first.finish().expect("a disk that works");
    resume(&path).expect("free again");
}

#[test]
fn a_ledger_in_the_way_is_refused_with_how_far_it_got_and_both_ways_on() {
    let folder = folder();
    let path = folder.path().join("l");
    write(&path, recalled(1..4));
    let error = Ledger::open(&path, &header(), Start::New, |_| {}).expect_err("there is one");
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
fn a_ledger_of_another_service_or_a_later_version_is_refused_and_untouched() {
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
        ("recall_ledger", "something_else", "is no ledger"),
    ] {
        let other = text.replacen(from, to, 1);
        fs::write(&path, &other).expect("written");
        let error = resume(&path).expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("there"), other);
    }
}

/// What a check before a run says.
fn checked(path: &Path, start: Start) -> crate::error::Result<()> {
    check(path, start, header().app, &header().endpoint)
}

const STARTS: [Start; 3] = [Start::New, Start::Afresh, Start::Resume];

#[test]
fn a_check_says_word_for_word_what_opening_says_and_touches_nothing() {
    let folder = folder();
    let path = folder.path().join("l");
    write(&path, recalled(1..4));
    let ours = fs::read_to_string(&path).expect("there");
    let another_app_s = ours.replacen("\"app\":7", "\"app\":8", 1);
    let newer = ours.replacen("\"recall_ledger\":1", "\"recall_ledger\":2", 1);
    let header_alone = header_of_another_app();
    for text in [
        &ours,
        &another_app_s,
        &newer,
        &header_alone,
        &header_alone[..9],
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
                .map(|ledger| ledger.finish().expect("a disk that works"))
                .map_err(|error| error.to_string());
            assert_eq!(checked, opened, "{start:?} of {text:?}");
            if opened.is_err() {
                assert_eq!(fs::read_to_string(&path).expect("there"), text);
            }
        }
    }
}

#[test]
fn a_check_refuses_another_app_s_ledger_that_a_rehearsal_would_overwrite() {
    let folder = folder();
    let path = folder.path().join("l");
    let entry = serde_json::to_string(&entry(1, Outcome::Recalled)).expect("plain data");
    fs::write(&path, header_of_another_app() + &entry + "\n").expect("written");
    let error = checked(&path, Start::Afresh).expect_err("another app's");
    assert!(error.to_string().contains("the ledger of app 8"), "{error}");
}

#[cfg(unix)]
#[test]
fn what_is_there_and_can_not_be_opened_is_not_taken_for_absent() {
    let folder = folder();
    // Rights would not stop root.
    let path = folder.path().join("l");
    std::os::unix::fs::symlink("l", &path).expect("a link to itself");
    for start in STARTS {
        let error = checked(&path, start).expect_err("no way in").to_string();
        let opening = Ledger::open(&path, &header(), start, |_| {}).expect_err("no way in");
        assert_eq!(error, opening.to_string());
        assert!(error.contains("cannot open the ledger"), "{error}");
    }
    let error = begun(&path).expect_err("no way in").to_string();
    assert!(error.contains("cannot read the ledger"), "{error}");
}

#[test]
fn what_is_not_there_is_in_nobody_s_way_and_is_not_made_by_a_look() {
    let folder = folder();
    for path in ["l", "no/such/folder/l"].map(|path| folder.path().join(path)) {
        for start in STARTS {
            checked(&path, start).expect("nothing is there");
        }
        assert_eq!(begun(&path).expect("nothing is there"), None);
        assert!(!path.exists());
    }
}

/// A header as another app's run leaves it that is stopped before its first row.
fn header_of_another_app() -> String {
    let other = Header { app: 8, ..header() };
    serde_json::to_string(&other).expect("plain data") + "\n"
}

#[test]
fn a_ledger_in_which_nothing_is_recorded_is_begun_anew_whosever_it_is() {
    let folder = folder();
    let path = folder.path().join("l");
    for start in [Start::New, Start::Resume] {
        fs::write(&path, header_of_another_app()).expect("written");
        checked(&path, start).expect("it is in nobody's way");
        assert_eq!(begun(&path).expect("readable"), None);
        let ledger = Ledger::open(&path, &header(), start, |_| {}).expect("begun anew");
        ledger.record(recalled(1..2));
        ledger.finish().expect("a disk that works");
        assert_eq!(Reader::open(&path).expect("readable").header().app, 7);
        assert_eq!(settled(&path), [1]);
    }
}

#[test]
fn an_entry_binds_a_ledger_to_its_app_be_it_damaged_or_torn() {
    let folder = folder();
    let path = folder.path().join("l");
    let entry = serde_json::to_string(&entry(1, Outcome::Recalled)).expect("plain data");
    for behind in [&*format!("{entry}\n"), &entry, &entry[..9], "\0\0\n", "\n"] {
        let text = header_of_another_app() + behind;
        fs::write(&path, &text).expect("written");
        let error = resume(&path).expect_err("another app's").to_string();
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
fn the_last_word_on_a_row_counts() {
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
            "one word a row"
        );
    }
    let still_failed: Vec<_> = last
        .into_iter()
        .filter(|(_, outcome)| *outcome == Outcome::Failed)
        .collect();
    assert_eq!(still_failed, [(1, Outcome::Failed), (3, Outcome::Failed)]);
}

/// The rows and outcomes that count.
fn last_words(path: &Path) -> Vec<(u64, Outcome)> {
    let mut words = LastWords::open(path).expect("readable");
    let mut last = Vec::new();
    while words.advance().expect("readable") {
        let entry = words.entry().expect("an entry");
        last.push((entry.row, entry.outcome));
    }
    last
}

/// The entry of a line that can't be sent.
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
fn an_invalid_line_counts_until_something_else_comes_from_it() {
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
fn a_line_of_another_input_is_another_line() {
    let folder = folder();
    let path = folder.path().join("l");
    let mut other = entry(3, Outcome::Recalled);
    other.input = "b.csv".into();
    write(&path, vec![invalid(3, "a.csv", "words"), other]);
    let last = [(3, Outcome::Invalid), (3, Outcome::Recalled)];
    assert_eq!(last_words(&path), last);
}

#[test]
fn rows_of_a_pipe_mend_nothing() {
    let mut own = header();
    own.input = "-".to_owned();
    for (input, header) in [("", own), ("stdin", header()), ("/dev/fd/63", header())] {
        let folder = folder();
        let path = folder.path().join("l");
        let ledger = Ledger::open(&path, &header, Start::New, |_| {}).expect("a ledger");
        let mut good = entry(3, Outcome::Recalled);
        good.input = input.into();
        ledger.record(vec![invalid(3, input, "words"), good]);
        ledger.finish().expect("a disk that works");
        let last = [(3, Outcome::Invalid), (3, Outcome::Recalled)];
        assert_eq!(last_words(&path), last, "{input}");
    }
}

#[test]
fn an_object_of_a_line_mends_no_other_object_of_it() {
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
    // Which object it is that can be sent by now is not known: the first may be.
    let last = [
        (1, Outcome::Invalid),
        (9, Outcome::Recalled),
        (1, Outcome::Recalled),
    ];
    assert_eq!(last_words(&path), last);
}

#[test]
fn a_row_that_reads_like_one_object_of_several_is_replaced_like_any_other() {
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
fn an_entry_without_a_name_is_shown_as_the_ledger_s_own_where_others_have_one() {
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
fn a_row_that_is_sent_again_says_nothing_of_the_line_where_it_once_stood() {
    let folder = folder();
    let path = folder.path().join("l");
    // Meanwhile the input has changed.
    write(
        &path,
        vec![entry(3, Outcome::Failed), invalid(3, "", "words")],
    );
    write(&path, vec![entry(3, Outcome::Recalled)]);
    let last = [(3, Outcome::Invalid), (3, Outcome::Recalled)];
    assert_eq!(last_words(&path), last);
}

#[test]
fn what_is_written_since_is_no_part_of_the_last_words() {
    let folder = folder();
    let path = folder.path().join("l");
    let failed = |rows: std::ops::Range<u64>| rows.map(|row| entry(row, Outcome::Failed)).collect();
    write(&path, failed(1..3));
    let mut rows = failed_rows(LastWords::open(&path).expect("readable"));
    let first = rows.next();
    // A replay writes into the ledger that it reads from.
    write(&path, failed(1..3));
    let all: Vec<_> = first.into_iter().chain(rows).collect();
    assert_eq!(all.len(), 2);
}

fn write_failed(ledger: &Path, to: &Path) {
    let rows = LastWords::open(ledger).expect("readable");
    write_failed_rows(rows, to, crate::rows::Format::Csv).expect("written or removed");
}

#[test]
fn the_failed_rows_are_a_file_that_comes_and_goes_with_them() {
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

/// A disk whose operation number `fails_at` fails, and which takes a write only in part before.
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
        // Half of what it was given: `write_all` comes back with the rest.
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
fn a_disk_that_fails_at_any_operation_is_told_of_and_loses_nothing_recorded() {
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
                "a clean pass after every failure"
            );
            assert!(fails_at > 10, "there were operations to fail");
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

/// A disk that tells of each sync.
struct ToldOf(mpsc::Sender<()>);

impl Write for ToldOf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for ToldOf {
    fn sync(&mut self) -> io::Result<()> {
        // The last one comes when nobody waits for it any more.
        let _ = self.0.send(());
        Ok(())
    }
}

#[test]
fn what_was_written_is_synced_while_the_run_goes_on_whether_or_not_more_comes() {
    let far_too_long = Duration::from_secs(60);
    let (tell, synced) = mpsc::channel();
    let ledger = Ledger::append(Path::new("l"), ToldOf(tell));
    ledger.record(recalled(1..2));
    synced
        .recv_timeout(far_too_long)
        .expect("nothing else came");
    let begun = Instant::now();
    while synced.recv_timeout(Duration::from_millis(1)).is_err() {
        assert!(begun.elapsed() < far_too_long, "more and more came");
        ledger.record(recalled(2..3));
    }
    ledger.finish().expect("a disk that works");
}

#[test]
fn a_full_disk_is_told_of_at_once() {
    let full = OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("Linux has one");
    let mut ledger = Ledger::append(Path::new("/dev/full"), full);
    ledger.record(recalled(1..2));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    assert_eq!(runtime.block_on(ledger.recorded()), None);
    ledger.finish().expect_err("nothing was written");
}

proptest! {
    /// Any bytes are read to their end, as entries or not, without a crash.
    #[test]
    fn any_bytes_behind_a_header_are_survived(bytes: Vec<u8>) {
        let folder = folder();
        let path = folder.path().join("l");
        write(&path, recalled(1..2));
        let mut file = OpenOptions::new().append(true).open(&path).expect("there");
        file.write_all(&bytes).expect("written");
        let (ledger, rows) = resume(&path).expect("readable");
        prop_assert_eq!(&rows[..1], &[1]);
        ledger.record(recalled(9..10));
        ledger.finish().expect("a disk that works");
        let rows = settled(&path);
        prop_assert_eq!(rows.last(), Some(&9));
        write_failed(&path, &folder.path().join("f"));
    }

    /// Any text comes back as it was and stays on its line.
    #[test]
    fn any_text_survives_the_ledger(group in ".*", sender in ".*", topic in ".*", info in ".*") {
        let mut entry = entry(1, Outcome::Failed);
        (entry.group, entry.sender) = (group.into(), sender.into());
        (entry.topic, entry.info) = (topic.into(), info.into());
        let line = serde_json::to_string(&entry).expect("plain data");
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(serde_json::from_str::<Entry<'_>>(&line).expect("reads back"), entry);
    }
}
