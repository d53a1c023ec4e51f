//! Runs the whole pipeline at full speed against the mock: input, seen-set, calls, synced ledger.
//!
//! The mock runs in the same process and shares the machine's cores, so the result is a lower
//! bound.

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use recall_worker::api::client::{Client, Transport};
use recall_worker::api::credentials::{Auth, Credentials};
use recall_worker::api::secret::Secret;
use recall_worker::ledger::{Header, Start, VERSION};
use recall_worker::mock::{self, Mock};
use recall_worker::monitor::Silent;
use recall_worker::rows::{self, Source};
use recall_worker::run::{self, Feed, LedgerFile, MaxFailures, Plan};

const ROWS: u64 = 50_000;

fn plan(concurrency: usize) -> Plan {
    Plan {
        rate: None,
        concurrency: NonZeroUsize::new(concurrency).expect("not 0"),
        max_outage: Duration::from_secs(60),
        max_failures: MaxFailures::Any,
        ..Plan::default()
    }
}

fn recall(input: &Path, mock: &Mock, concurrency: usize) {
    let transport = Transport {
        endpoint: format!("http://{}", mock.address())
            .parse()
            .expect("an address"),
        timeout: Duration::from_secs(10),
        connections: concurrency,
        cacert: None,
    };
    let key = Auth::SecretKey(Secret::new("any"));
    let credentials = Credentials::new(1, "administrator", key, 1_700_000_000);
    let client = Client::new(&transport, credentials).expect("a client");
    let rows = rows::open(&[Source::File(input.to_owned())], &rows::Options::default());
    let file = LedgerFile {
        path: input.with_extension("ledger.jsonl"),
        header: Header {
            version: VERSION,
            app: 1,
            endpoint: "mock".to_owned(),
            input: "rows.csv".to_owned(),
            created: "2026-11-22T10:00:00Z".parse().expect("a time"),
        },
        start: Start::Afresh,
    };
    let (_stop, interrupts) = tokio::sync::mpsc::unbounded_channel();
    let mut silent = Silent;
    let run = run::run(
        plan(concurrency),
        Feed::of_input(rows.expect("an input")),
        client,
        file,
        &mut silent,
        || Ok((interrupts, ())),
    );
    let finished = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("an event loop")
        .block_on(run)
        .expect("a run");
    assert_eq!(finished.tally.recalled, ROWS);
}

fn pipeline(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for input and ledger");
    let input = folder.path().join("rows.csv");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&input).expect("an input"));
    writeln!(file, "group,sender,topic").expect("a working disk");
    for row in 0..ROWS {
        writeln!(file, "@TGS#2C5S{:04}EAEF,user_{row:08},", row % 977).expect("a working disk");
    }
    file.flush().expect("a working disk");
    let mock = Mock::start(mock::Options::default()).expect("a mock");
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    for concurrency in [16, 64, 200] {
        group.bench_function(format!("{concurrency} in flight"), |bencher| {
            bencher.iter(|| recall(&input, &mock, concurrency));
        });
    }
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
