//! What a command says to do next can be done with that command.

use std::fs::File;

use crate::stage::{Answer, Finished, Place, Service, rows};

/// A ledger of so many failed rows.
fn failed(service: &Service, count: usize) -> Place {
    let place = Place::with_rows(rows(count));
    let run = place.run("rows.csv").on(service.address());
    run.with(["--max-failures", "none"]).finish().exits(3);
    place
}

/// A service that refuses each row `count` times, and then the `UserSig`.
fn refusing(count: usize) -> Service {
    Service::start(move |call| match call.nth {
        nth if nth < count => Answer::code(10010),
        _ => Answer::code(70003),
    })
}

#[track_caller]
fn names_none_of(done: &Finished, flags: &[&str]) {
    for flag in flags {
        done.never_says(flag);
    }
}

#[test]
fn a_replay_that_the_service_stops_is_gone_on_with_as_it_is() {
    let service = refusing(3);
    let place = failed(&service, 3);
    let replay = place.recall(["replay", "rows.ledger.jsonl"]);
    let done = replay.finish().exits(4).says("then go on");
    names_none_of(&done, &["--resume", "--ledger"]);
    done.says("To go on: recall replay rows.ledger.jsonl");
}

#[test]
fn a_replay_of_a_ledger_that_is_being_written_or_of_another_app_is_told_what_it_can_do() {
    let service = refusing(3);
    let place = failed(&service, 3);
    let replay = || place.recall(["replay", "rows.ledger.jsonl"]);
    let other_app = replay().with(["--sdkappid", "1400000001"]);
    let done = other_app.finish().exits(1);
    done.says("use that app and endpoint")
        .says("a run can begin another");
    let held = File::open(place.path("rows.ledger.jsonl")).unwrap();
    held.lock().unwrap();
    let done = replay().finish().exits(1).says("another run is writing");
    names_none_of(&done.says("wait for it to end"), &["--resume", "--ledger"]);
}

#[test]
fn a_replay_whose_disk_fills_up_is_the_same_command_again() {
    let service = refusing(40);
    let place = failed(&service, 20);
    let replay = place.recall(["replay", "rows.ledger.jsonl"]);
    let replay = replay.after_shell("trap '' XFSZ; ulimit -f 4");
    let done = replay.finish().exits(1).says("File too large");
    done.says("the same command goes on, a run with --resume");
}

#[test]
fn what_reads_a_ledger_is_told_of_no_flag_for_one() {
    let place = Place::with_rows(rows(3));
    for command in ["report", "export", "replay"] {
        let done = place.recall([command, "rows.csv"]).finish().exits(1);
        names_none_of(&done.says("is not a ledger"), &["--ledger", "--resume"]);
    }
}

#[test]
fn words_of_the_service_that_say_what_is_known_are_not_said_again() {
    let known = "the plan has expired or is in arrears";
    let place = Place::with_rows(rows(3));
    for (info, said) in [
        (known, format!("60020, {known}\n")),
        ("", format!("60020, {known}\n")),
        ("since May", format!("60020, {known} (since May)\n")),
    ] {
        let service = Service::start(move |_| Answer::error(60020, info));
        for words in [&[][..], &["--preflight"]] {
            let run = place.run("rows.csv").on(service.address()).with(words);
            run.with(["--resume"]).finish().exits(4).says(&said);
        }
    }
}

#[test]
fn a_usersig_signed_here_that_has_run_out_puts_the_clock_in_doubt() {
    let service = Service::start(|_| Answer::code(70001));
    let place = Place::with_rows(rows(3));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with_secret_key().finish().exits(4);
    done.says_wrapped("If the key is set, this machine's clock is wrong: check it.");
}

#[test]
fn a_replay_finds_a_ledger_whose_name_looks_like_a_flag() {
    let place = Place::new();
    place.write("-x.csv", rows(3));
    let words = ["run", "--mock", "--mock-fail", "10010=100%", "--", "-x.csv"];
    let done = place.recall(words).finish().exits(3);
    let replay = "recall replay ./-x.mock.ledger.jsonl --mock --mock-fail 10010=100%";
    done.says(replay);
    let replay = place.recall(replay.split(' ').skip(1));
    replay.finish().exits(3).says("0 of 3 distinct rows");
}

#[test]
fn a_run_goes_on_where_its_inputs_stand_behind_a_double_dash() {
    let place = Place::with_rows(rows(30));
    let words = ["run", "--mock", "--mock-fail", "10010=100%", "--"];
    let run = place.recall(words.into_iter().chain(["rows.csv"]));
    let done = run.finish().exits(4);
    done.says("To go on: recall run --resume --mock --mock-fail 10010=100% -- rows.csv");
}

#[test]
fn a_replay_keeps_a_flag_that_is_not_utf_8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::with_rows(rows(3));
    let config = OsStr::from_bytes(b"c\xff.toml");
    std::fs::write(place.path(config), "rate = 100\n").unwrap();
    let run = place.recall(["run", "rows.csv", "--mock", "--mock-fail", "10010=100%"]);
    let run = run.with([OsStr::new("--config"), config]);
    let done = run.finish().exits(3);
    done.says(r"recall replay rows.mock.ledger.jsonl --mock --mock-fail 10010=100% --config $'c\xff.toml'");
}

#[test]
fn a_run_of_rows_from_a_pipe_goes_on_with_the_same_rows_piped_in() {
    let service = refusing(0);
    let place = Place::new();
    let run = place.run("-").on(service.address()).stdin(rows(3));
    let done = run.finish().exits(4);
    done.says("To go on: pipe the same rows in again: … | recall run --resume - --json");
}

#[test]
fn whoever_is_to_type_rows_is_told_how_they_end() {
    let place = Place::new();
    let run = place.run("-").with(["--mock"]);
    let (running, mut keyboard) = run.start_on_terminal();
    keyboard.wait_until_it_shows("Rows are read from this terminal; Ctrl-D");
    keyboard.type_keys("group,sender\n@TGS#1,u0\n\u{4}");
    let done = running.finish().exits(0);
    assert_eq!(done.stderr.matches("Ctrl-D").count(), 1);
}
