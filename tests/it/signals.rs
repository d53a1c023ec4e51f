//! Ctrl-C and SIGTERM: calls in flight are recorded, and the run can be resumed.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::stage::{Answer, Finished, Gate, Place, Service, rows, wait_until};

/// Interrupts a run of 40 rows while 5 calls are in flight, then answers those.
fn interrupted_by(signal: Signal) -> (Place, Service, Finished) {
    let (service, gate) = Service::gated();
    let place = Place::with_rows(rows(40));
    let run = place.run("rows.csv").on(service.address());
    let running = run.with(["--concurrency", "5"]).start();
    service.wait_until_called(5);
    running.signal(signal);
    running.wait_until_it_says("waiting for 5 in flight");
    gate.open();
    let done = running.finish().exits(130);
    (place, service, done)
}

/// A service that answers ten calls at once, and the others when the gate opens.
fn ten_then_gated() -> (Service, Gate) {
    let gate = Gate::default();
    let held = gate.clone();
    let service = Service::start(move |call| match call.nth {
        0..10 => Answer::ok(),
        _ => Answer::ok().held_by(&held),
    });
    (service, gate)
}

#[test]
fn the_first_signal_starts_no_new_calls_and_records_those_in_flight() {
    for signal in [Signal::INT, Signal::TERM] {
        let (place, service, done) = interrupted_by(signal);
        assert_eq!(service.calls(), 5);
        assert_eq!(place.ledger().entries.len(), 5);
        assert_eq!(done.json()["stopped"], "interrupted");
        assert_eq!([done.count("recalled"), done.count("failed")], [5, 0]);
        done.says("interrupted")
            .says("5 of 40 distinct rows recalled");
        let run = place.run("rows.csv").on(service.address());
        let rest = run.with(["--resume"]).finish().exits(0);
        assert_eq!([rest.count("resumed"), rest.count("recalled")], [5, 35]);
        place.ledger().assert_all_recalled(40);
    }
}

#[test]
fn the_printed_command_resumes_the_run() {
    let (service, gate) = Service::gated();
    let place = Place::new();
    place.write("it's; my rows.csv", rows(10));
    let run = place.run("it's; my rows.csv").on(service.address());
    let running = run.with(["--concurrency", "2"]).start();
    service.wait_until_called(2);
    running.signal(Signal::INT);
    running.wait_until_it_says("Stopping");
    gate.open();
    let done = running.finish().exits(130);
    let command = done
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("To go on: "));
    place.shell(command.unwrap()).finish().exits(0);
    place
        .ledger_named("it's; my rows.ledger.jsonl")
        .assert_all_recalled(10);
}

#[test]
fn the_second_signal_exits_at_once_and_leaves_a_valid_ledger() {
    let (service, answers) = ten_then_gated();
    let place = Place::with_rows(rows(40));
    let run = || {
        place
            .run("rows.csv")
            .on(service.address())
            .with(["--concurrency", "5", "--timeout", "10m"])
    };
    let mut running = run().start();
    service.wait_until_called(15);
    running.signal(Signal::INT);
    running.wait_until_it_says("in flight. Interrupt again to quit");
    // Those that come right behind the first are the same wish.
    wait_until("it leaves", || {
        running.signal(Signal::INT);
        running.has_ended()
    });
    // Five calls are still open, and the run does not wait for them.
    running.finish().exits(130);
    assert_eq!((service.calls(), place.ledger().entries.len()), (15, 10));
    answers.open();
    let done = run().with(["--resume"]).finish().exits(0);
    assert_eq!([done.count("resumed"), done.count("recalled")], [10, 30]);
    place.ledger().assert_all_recalled(40);
}

#[test]
fn signals_that_arrive_together_count_as_one() {
    for second in [Signal::INT, Signal::TERM] {
        let (service, answers) = ten_then_gated();
        let place = Place::with_rows(rows(40));
        let run = place.run("rows.csv").on(service.address());
        let running = run.with(["--concurrency", "5"]).start();
        service.wait_until_called(15);
        // GNU timeout and some supervisors send two signals.
        running.signal(Signal::INT);
        running.signal(second);
        running.wait_until_it_says("waiting for 5 in flight");
        answers.open();
        let done = running.finish().exits(130);
        assert_eq!(done.count("recalled"), 15, "every call should be recorded");
    }
}

#[test]
fn rows_waiting_for_a_retry_do_not_delay_an_interrupt() {
    let service = Service::start(|_| Answer::code(10002));
    let place = Place::with_rows(rows(10));
    let running = place.run("rows.csv").on(service.address()).start();
    // After several attempts, some rows wait for seconds.
    service.wait_until_called(30);
    running.signal(Signal::TERM);
    let done = running.finish().exits(130);
    assert_eq!([done.count("pending"), done.count("failed")], [10, 0]);
    assert!(place.ledger().entries.is_empty());
}

#[test]
fn answers_that_arrived_while_the_process_was_stopped_are_not_timeouts() {
    let (service, gate) = Service::gated();
    let place = Place::with_rows(rows(25));
    let run = place.run("rows.csv").on(service.address());
    let running = run.with(["--timeout", "2s", "--max-attempts", "1"]).start();
    service.wait_until_called(25);
    running.signal(Signal::STOP);
    gate.open();
    // Longer than the timeout, whenever the calls started.
    thread::sleep(Duration::from_millis(2_500));
    running.signal(Signal::CONT);
    let done = running.finish().exits(0);
    done.never_says("The service is out");
    assert_eq!(service.calls(), 25);
    place.ledger().assert_all_recalled(25);
}

#[test]
fn an_outage_can_be_interrupted() {
    let service = Service::start(|_| Answer::code(10002));
    let place = Place::with_rows(rows(30));
    let running = place.run("rows.csv").on(service.address()).start();
    running.wait_until_it_says("The service is out");
    running.signal(Signal::INT);
    let done = running.finish().exits(130);
    assert_eq!(done.count("pending"), 30);
}

#[test]
fn an_idle_pipe_does_not_delay_an_interrupt() {
    let service = Service::good();
    let place = Place::new();
    let pipe = place.pipe("rows.fifo");
    let running = place.run("rows.fifo").on(service.address()).start();
    let mut pipe = pipe.open();
    pipe.write_all(rows(3).as_bytes()).unwrap();
    service.wait_until_called(3);
    running.signal(Signal::INT);
    let done = running.finish().exits(130);
    assert_eq!(done.count("recalled"), 3);
    drop(pipe);
}

#[test]
fn an_interrupted_replay_is_continued_by_another_replay() {
    let (service, gate) = Service::gated();
    let place = Place::with_rows(rows(10));
    let failing = Service::start(|_| Answer::code(10010));
    place
        .run("rows.csv")
        .on(failing.address())
        .finish()
        .exits(3);
    let here = format!("http://{}", service.address());
    let there = format!("http://{}", failing.address());
    let moved = place.read("rows.ledger.jsonl").replace(&there, &here);
    place.write("rows.ledger.jsonl", moved);
    let replay = || {
        place.recall([
            "replay",
            "rows.ledger.jsonl",
            "--json",
            "--concurrency",
            "3",
        ])
    };
    let running = replay().start();
    service.wait_until_called(3);
    running.signal(Signal::INT);
    running.wait_until_it_says("Stopping");
    gate.open();
    let done = running
        .finish()
        .exits(130)
        .says("To go on: recall replay rows.ledger.jsonl");
    assert_eq!(done.count("recalled"), 3);
    let rest = replay().finish().exits(0);
    assert_eq!((rest.count("recalled"), service.calls()), (7, 10));
    let ledger = place.ledger();
    assert!(crate::stage::senders(10).all(|sender| ledger.entry_of(&sender).outcome == "recalled"));
}

#[test]
fn an_interrupt_while_a_long_ledger_is_read_ends_the_run_before_any_call() {
    let service = Service::good();
    let place = Place::with_rows(rows(3));
    let run = || place.run("rows.csv").on(service.address());
    run().with(["--limit", "1"]).finish().exits(0);
    let ledger = place.read("rows.ledger.jsonl");
    let (header, entry) = ledger.split_once('\n').unwrap();
    let mut long = format!("{header}\n");
    // On a busy machine, the signal may come only after the shorter ledgers have been read.
    for _ in 0..4 {
        for n in 0..100_000 {
            long += &entry.replace("\"u0\"", &format!("\"old{n}\""));
        }
        place.write("rows.ledger.jsonl", &long);
        let calls = service.calls();
        let running = run().with(["--resume"]).start();
        wait_until("the ledger to be open", || {
            running.has_open("rows.ledger.jsonl")
        });
        running.signal(Signal::INT);
        let done = running.finish();
        if service.calls() > calls {
            continue;
        }
        let signal = done.status.signal();
        assert_eq!(signal, Some(Signal::INT.as_raw()), "{}", done.stderr);
        assert_eq!(place.read("rows.ledger.jsonl"), long);
        return;
    }
    panic!("every signal came too late to interrupt the reading of the ledger");
}
