//! How long a run of any size takes, and how much memory and ledger it needs: the schedule and its
//! seen-set in virtual time, against a service that answers after 20 to 80 ms, and every twentieth
//! time with a 10002.
//!
//! `RECALL_ROWS=100000000 cargo test --release --lib run_of_any_size -- --nocapture` measures it
//! for that many rows.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::{Duration, Instant};

use fastrand::Rng;
use jiff::Timestamp;

use super::world::BEGINNING;
use crate::api::codes;
use crate::api::reply::Reply;
use crate::rows::Batch;
use crate::run::guard::MaxFailures;
use crate::run::plan::Plan;
use crate::run::queue::Job;
use crate::run::schedule::Schedule;
use crate::run::steps::{Answer, Effect, Next};
use crate::usage::Usage;

/// The service's cap.
const RATE: u32 = 200;
/// Rows per read.
const BATCH: u64 = 512;

/// A run of `rows` rows. It keeps no row itself, so only the schedule's memory grows.
struct Run {
    schedule: Schedule,
    rows: u64,
    read: u64,
    start: Instant,
    now: Instant,
    calls: u64,
    ledger_bytes: u64,
    /// When calls in flight will be answered, and their numbers.
    answers: BinaryHeap<Reverse<(Instant, u64)>>,
    /// Those calls, and when they were sent.
    sent: HashMap<u64, (Job, Instant)>,
    rng: Rng,
}

impl Run {
    fn new(rows: u64) -> Self {
        let plan = Plan {
            rate: RATE.try_into().ok(),
            concurrency: 64.try_into().expect("not 0"),
            max_failures: MaxFailures::Any,
            ..Plan::default()
        };
        let now = Instant::now();
        Self {
            schedule: Schedule::new(plan, true, 7, now),
            rows,
            read: 0,
            start: now,
            now,
            calls: 0,
            ledger_bytes: 0,
            answers: BinaryHeap::new(),
            sent: HashMap::new(),
            rng: Rng::with_seed(7),
        }
    }

    /// Runs to the end.
    fn run(&mut self) {
        loop {
            self.record();
            if self.schedule.wants_rows() {
                self.read();
            }
            let wake = match self.schedule.next(self.now) {
                Next::Call(job) => {
                    self.call(job);
                    continue;
                }
                Next::Until(at, _) => Some(at),
                Next::Wait(_) => None,
                Next::Done => return self.record(),
            };
            let answer = self.answers.peek().map(|Reverse((at, _))| *at);
            let next = [wake, answer].into_iter().flatten().min();
            self.now = self.now.max(next.expect("an event is pending"));
            self.answered();
        }
    }

    fn read(&mut self) {
        let mut batch = Batch::default();
        let end = self.rows.min(self.read + BATCH);
        for number in self.read..end {
            let group = format!("@TGS#2C5S{:04}EAEF", number % 977);
            let sender = format!("user_{number:08}");
            batch.push(None, number + 2, [&group, &sender, ""]);
        }
        self.read = end;
        self.schedule.offer(&batch);
        if batch.is_empty() {
            self.schedule.input_ended();
        }
    }

    fn call(&mut self, job: Job) {
        self.calls += 1;
        self.schedule.written(job.call, self.now);
        let took = Duration::from_millis(self.rng.u64(20..80));
        self.answers.push(Reverse((self.now + took, job.call)));
        self.sent.insert(job.call, (job, self.now));
    }

    fn answered(&mut self) {
        while let Some(&Reverse((at, call))) = self.answers.peek()
            && at <= self.now
        {
            self.answers.pop();
            let (job, sent) = self.sent.remove(&call).expect("it is in flight");
            let code = if self.rng.u8(..20) == 0 { 10002 } else { 0 };
            let began = Timestamp::from_second(BEGINNING.cast_signed()).expect("in range");
            let answer = Answer {
                reply: Reply {
                    code,
                    verdict: codes::look_up(code).verdict,
                    info: String::new(),
                },
                sent_at: began + (sent - self.start),
                took: at - sent,
            };
            self.schedule.answered(job, answer, self.now);
        }
    }

    fn record(&mut self) {
        let mut entries = 0;
        while let Some(effect) = self.schedule.next_effect() {
            if let Effect::Record(entry) = effect {
                let line = serde_json::to_vec(&entry).expect("an entry serializes");
                self.ledger_bytes += line.len() as u64 + 1;
                entries += 1;
            }
        }
        self.schedule.recorded(entries);
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures of a long run")]
fn a_run_of_any_size_takes_its_calls_divided_by_the_cap() {
    let rows = std::env::var("RECALL_ROWS").map_or(20_000, |rows| rows.parse().expect("a number"));
    let mut run = Run::new(rows);
    run.run();
    let took = (run.now - run.start).as_secs_f64();
    let least = run.calls as f64 / f64::from(RATE);
    // Retries wait for some seconds, and at the end nothing else is left.
    assert!(
        took <= least * 1.002 + 30.0,
        "{took} s for {least} s of calls"
    );
    let tally = run.schedule.into_tally();
    assert_eq!(tally.recalled + tally.failed, rows);
    println!(
        "\n{rows} rows: {} calls in {:.2} h, {:+.2} % to calls ÷ {RATE}; {} MiB at most, {:.2} GB of ledger",
        run.calls,
        took / 3_600.0,
        (took / least - 1.0) * 100.0,
        Usage::now("").peak_memory.unwrap_or_default() >> 20,
        run.ledger_bytes as f64 / 1e9,
    );
}
