//! Opening, reading and checking a million rows. The aim is 1.5 million CSV rows a second.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use recall_worker::rows::{self, Format, Options, Read, Source};

const ROWS: u64 = 1_000_000;

fn reading_rows(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the inputs");
    let mut group = criterion.benchmark_group("rows");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    for format in [Format::Csv, Format::Jsonl] {
        let name = match format {
            Format::Jsonl => "rows.jsonl",
            Format::Csv | Format::Tsv => "rows.csv",
        };
        let path = folder.path().join(name);
        std::fs::write(&path, wave(format)).expect("the input is written");
        let source = [Source::File(path)];
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let rows = rows::open(&source, &Options::default()).expect("an input");
                let mut count = 0;
                for read in rows {
                    let Ok(Read::Row(row)) = black_box(read) else {
                        panic!("every row is fine");
                    };
                    count += u64::from(row.line > 0);
                }
                assert_eq!(count, ROWS);
            });
        });
    }
    group.finish();
}

/// Rows of about 60 bytes, a tenth of them in a topic.
fn wave(format: Format) -> String {
    let mut text = String::new();
    if format == Format::Csv {
        text.push_str("group,sender,topic,reason\n");
    }
    for n in 0..ROWS {
        let group = format!("@TGS#2ABC{:05}ZEAEF{:04}", n % 50_000, n % 7_919);
        let topic = match n % 10 {
            0 => format!("@TGS#_@TGS#c{:05}@TOPIC#_@TOPIC#c{:05}", n % 1_000, n % 3),
            _ => String::new(),
        };
        let written = match format {
            Format::Jsonl => writeln!(
                text,
                r#"{{"group":"{group}","sender":"user_{n:06}","topic":"{topic}"}}"#
            ),
            Format::Csv | Format::Tsv => {
                writeln!(text, "{group},user_{n:06},{topic},spam: casino links")
            }
        };
        written.expect("a string takes anything");
    }
    text
}

criterion_group!(benches, reading_rows);
criterion_main!(benches);
