//! Opens, reads and checks a million rows. The goal is 1.5 million CSV rows a second.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use recall_worker::rows::{self, Batch, Encoding, Format, Options, Read, Source};

const ROWS: u64 = 1_000_000;
/// Rows that a run reads at a time.
const BATCH: usize = 256;

fn reading_rows(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the inputs");
    let mut group = criterion.benchmark_group("rows");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    let (csv, jsonl) = (wave(Format::Csv), wave(Format::Jsonl));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(csv.as_bytes())
        .expect("writing to memory can't fail");
    let gzip = gzip.finish().expect("writing to memory can't fail");
    let zstd = zstd::encode_all(csv.as_bytes(), 3).expect("writing to memory can't fail");
    let gb18030 = "gb18030".parse::<Encoding>().ok();
    let utf_16: Vec<u8> = ("\u{feff}".to_owned() + &csv)
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (name, bytes, encoding) in [
        ("rows.csv", csv.as_bytes(), None),
        ("rows.jsonl", jsonl.as_bytes(), None),
        ("rows.csv.gz", &gzip, None),
        ("rows.csv.zst", &zstd, None),
        // The IDs are ASCII, which GB18030 encodes as the same bytes.
        ("rows.gb18030.csv", csv.as_bytes(), gb18030),
        ("rows.utf-16.csv", &utf_16, None),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a working disk");
        let source = [Source::File(path)];
        let options = Options {
            encoding,
            ..Options::default()
        };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut rows = rows::open(&source, &options).expect("an input");
                let mut batch = Batch::default();
                let mut count = 0;
                let mut more = true;
                while more {
                    batch.clear();
                    let read = rows.read(&mut batch, BATCH);
                    more = read.expect("a readable input");
                    count += whole_rows(&batch);
                }
                assert_eq!(count, ROWS);
            });
        });
    }
    group.finish();
}

fn whole_rows(batch: &Batch) -> u64 {
    let rows = black_box(batch).iter();
    rows.filter(|read| matches!(read, Read::Row(_))).count() as u64
}

/// Rows of about 60 bytes, a tenth of them in a topic.
fn wave(format: Format) -> String {
    let mut text = String::new();
    if format == Format::Csv {
        text.push_str("group,sender,topic,reason\n");
    }
    for n in 0..ROWS {
        // Topics belong to their groups; others are suspicious, which takes longer to check.
        let (group, topic) = if n % 10 == 0 {
            let group = format!("@TGS#_@TGS#c{:05}", n % 1_000);
            let topic = format!("{group}@TOPIC#_@TOPIC#c{:05}", n % 3);
            (group, topic)
        } else {
            let group = format!("@TGS#2ABC{:05}ZEAEF{:04}", n % 50_000, n % 7_919);
            (group, String::new())
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
        written.expect("writing to a String can't fail");
    }
    text
}

criterion_group!(benches, reading_rows);
criterion_main!(benches);
