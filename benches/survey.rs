//! Reads a million rows and looks each up in the seen-set, as `check` and a dry run do.

use std::fmt::Write as _;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use recall_worker::rows::{self, Options, Source};
use recall_worker::survey::Survey;

const ROWS: u64 = 1_000_000;

fn survey(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the inputs");
    let mut group = criterion.benchmark_group("survey");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    for distinct in [ROWS, ROWS / 100] {
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, input(distinct)).expect("a working disk");
        let source = [Source::File(path)];
        group.bench_function(format!("{distinct} distinct"), |bencher| {
            bencher.iter(|| {
                let rows = rows::open(&source, &Options::default()).expect("an input");
                let mut survey = Survey::new();
                let taken = survey.take_input(rows, None, |_, _| Ok(()));
                taken.expect("a readable input");
                assert_eq!(survey.census().calls(), distinct);
            });
        });
    }
    group.finish();
}

fn input(distinct: u64) -> String {
    let mut text = "group,sender\n".to_owned();
    for n in (0..ROWS).map(|n| n % distinct) {
        writeln!(text, "@TGS#2C5S{:04}EAEF,user_{n:08}", n % 977)
            .expect("writing to a String can't fail");
    }
    text
}

criterion_group!(benches, survey);
criterion_main!(benches);
