//! Writes a ledger of a million entries, syncs included, and reads from it: the rows that a resumed
//! run skips, the last entry of each row, a report.

use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use recall_worker::ledger::{Header, LastWords, Ledger, Reader, Start, VERSION};
use recall_worker::outcome::{Entry, Outcome};
use recall_worker::report::Report;
use recall_worker::survey::Survey;

const ENTRIES: u64 = 1_000_000;
/// Entries that the loop hands over together, when calls end at about the same time.
const BATCH: usize = 50;

fn entry(row: u64) -> Entry<'static> {
    Entry {
        row,
        input: "".into(),
        group: format!("@TGS#2C5S{:04}EAEF", row % 977).into(),
        sender: format!("user_{row:08}").into(),
        topic: "".into(),
        outcome: Outcome::Recalled,
        code: 0,
        info: "".into(),
        attempts: 1,
        sent_at: Some("2026-11-22T10:00:00.123Z".parse().expect("a time")),
        ms: Some(41),
    }
}

fn header() -> Header {
    Header {
        version: VERSION,
        app: 1_400_000_000,
        endpoint: "https://console.tim.qq.com".to_owned(),
        input: "rows.csv".to_owned(),
        created: "2026-11-22T10:00:00Z".parse().expect("a time"),
    }
}

fn batches() -> Vec<Vec<Entry<'static>>> {
    let firsts = (0..ENTRIES).step_by(BATCH);
    firsts
        .map(|first| (first..).take(BATCH).map(entry).collect())
        .collect()
}

fn write(path: &Path, batches: Vec<Vec<Entry<'static>>>) {
    let ledger = Ledger::open(path, &header(), Start::Afresh, |_| {}).expect("a new ledger");
    for batch in batches {
        ledger.record(batch);
    }
    ledger.finish().expect("a working disk");
}

fn ledgers(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the ledger");
    let path = folder.path().join("rows.ledger.jsonl");
    // For the benches that only read, if they are run alone.
    write(&path, batches());
    let mut group = criterion.benchmark_group("ledger");
    group
        .throughput(Throughput::Elements(ENTRIES))
        .sample_size(10);
    group.bench_function("write", |bencher| {
        bencher.iter_batched(
            batches,
            |batches| write(&path, batches),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("read the settled rows", |bencher| {
        bencher.iter(|| {
            let mut reader = Reader::open(&path).expect("the ledger");
            let mut entries = 0;
            while reader.advance().expect("a working disk") {
                reader.settled().expect("an entry");
                entries += 1;
            }
            assert_eq!(entries, ENTRIES);
        });
    });
    group.bench_function("load into the seen-set", |bencher| {
        bencher.iter(|| Survey::new().take_ledger(&path).expect("the ledger"));
    });
    group.bench_function("fold into a report", |bencher| {
        bencher.iter(|| Report::read(&path).expect("the ledger"));
    });
    group.bench_function("read the last entries", |bencher| {
        bencher.iter(|| {
            let mut words = LastWords::open(&path).expect("the ledger");
            while words.advance().expect("a working disk") {
                words.entry().expect("an entry");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, ledgers);
criterion_main!(benches);
