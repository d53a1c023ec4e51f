//! The next steps that a command suggests work with that command.

use std::fs::File;

use crate::stage::{Answer, Finished, Place, Service, rows};

/// A place with a ledger of `count` failed rows.
fn failed(service: &Service, count: usize) -> Place {
    let place = Place::with_rows(rows(count));
    let run = place.run("rows.csv").on(service.address());
    run.with(["--max-failures", "none"]).finish().exits(3);
    place
}

/// A service that refuses the first `count` calls for their row, and all later ones for the
/// `UserSig`.
fn refusing(count: usize) -> Service {
    Service::start(move |call| match call.nth {
        nth if nth < count => Answer::code(10010),
        _ => Answer::code(70003),
    })
}

#[track_caller]
fn assert_names_none_of(done: &Finished, flags: &[&str]) {
    for flag in flags {
        done.never_says(flag);
    }
}

#[test]
fn a_replay_stopped_by_the_service_suggests_the_same_replay() {
    let service = refusing(3);
    let place = failed(&service, 3);
    let replay = place.recall(["replay", "rows.ledger.jsonl"]);
    let done = replay.finish().exits(4).says("then go on");
    assert_names_none_of(&done, &["--resume", "--ledger"]);
    done.says("To go on: recall replay rows.ledger.jsonl");
}

#[test]
fn a_run_stopped_during_its_preflight_suggests_the_same_command() {
    let service = refusing(0);
    let place = Place::with_rows(rows(3));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--preflight"]).finish().exits(4);
    let done = done.says("To start again: recall run rows.csv");
    assert_names_none_of(&done, &["--resume"]);
    assert!(!place.path("rows.ledger.jsonl").exists());
}

#[test]
fn a_replay_of_a_busy_ledger_or_for_another_app_gets_a_suitable_hint() {
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
    assert_names_none_of(&done.says("wait for it to end"), &["--resume", "--ledger"]);
}

#[test]
fn a_replay_whose_disk_fills_up_suggests_the_same_command() {
    let service = refusing(40);
    let place = failed(&service, 20);
    let replay = place.recall(["replay", "rows.ledger.jsonl"]);
    let replay = replay.after_shell("trap '' XFSZ; ulimit -f 4");
    let done = replay.finish().exits(1).says("File too large");
    done.says("the same command goes on, a run with --resume");
}

#[test]
fn commands_that_read_a_ledger_suggest_no_ledger_flags() {
    let place = Place::with_rows(rows(3));
    for command in ["report", "export", "replay"] {
        let done = place.recall([command, "rows.csv"]).finish().exits(1);
        assert_names_none_of(&done.says("is not a ledger"), &["--ledger", "--resume"]);
    }
}

#[test]
fn an_error_info_that_repeats_the_known_meaning_is_not_shown() {
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
fn an_expired_usersig_signed_here_suggests_checking_the_clock() {
    let service = Service::start(|_| Answer::code(70001));
    let place = Place::with_rows(rows(3));
    let run = place.run("rows.csv").on(service.address());
    let done = run.with_secret_key().finish().exits(4);
    done.says_wrapped("If the key is set, this machine's clock is wrong: check it.");
}

#[test]
fn the_suggested_replay_works_for_a_ledger_whose_name_looks_like_a_flag() {
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
fn the_suggested_resume_works_for_inputs_after_a_double_dash() {
    let place = Place::with_rows(rows(30));
    let words = ["run", "--mock", "--mock-fail", "10010=100%", "--"];
    let run = place.recall(words.into_iter().chain(["rows.csv"]));
    let done = run.finish().exits(4);
    done.says("To go on: recall run --resume --mock --mock-fail 10010=100% -- rows.csv");
}

#[test]
fn the_suggested_replay_keeps_a_flag_that_is_not_utf_8() {
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
fn a_run_from_a_pipe_suggests_piping_the_same_rows_in_again() {
    let service = refusing(0);
    let place = Place::new();
    let run = place.run("-").on(service.address()).stdin(rows(3));
    let done = run.finish().exits(4);
    done.says("To go on: pipe the same rows in again: … | recall run --resume - --json");
}

#[test]
fn a_run_that_reads_rows_from_a_terminal_says_how_to_end_them() {
    let place = Place::new();
    let run = place.run("-").with(["--mock"]);
    let (running, mut keyboard) = run.start_on_terminal();
    keyboard.wait_until_it_shows("Rows are read from this terminal; Ctrl-D");
    keyboard.type_keys("group,sender\n@TGS#1,u0\n\u{4}");
    let done = running.finish().exits(0);
    assert_eq!(done.stderr.matches("Ctrl-D").count(), 1);
}
