//! `recall usersig`: compatible with the official library in both directions.

use std::io::Write as _;
use std::process::{Command, Stdio};

use jiff::{SignedDuration, Timestamp};
use recall_worker::api::secret::Secret;
use recall_worker::api::usersig::{self, Claims};
use serde_json::{Value, json};

use crate::stage::{Finished, Place, Recall, SECRET_KEY, Service, rows, skip};

const APP: u64 = 1_400_000_000;

/// A `UserSig` made `ago` seconds ago and valid for `expire` seconds from then.
fn made(ago: u64, expire: u64) -> Secret {
    let time = usersig::now() - ago;
    usersig::mint(&Secret::new(SECRET_KEY), APP, "root", time, expire)
}

fn mint(place: &Place) -> Recall {
    place.recall(["usersig", "mint"]).with_secret_key()
}

fn show(place: &Place, usersig: &Secret) -> Recall {
    let show = place.recall(["usersig", "show"]);
    show.env("RECALL_USERSIG", usersig.expose())
}

/// The claims of a minted `UserSig`. Fails unless it is the only output on stdout and signed with
/// the key.
#[track_caller]
fn minted(done: &Finished) -> Claims {
    let line = done.stdout.strip_suffix('\n').unwrap();
    let claims = usersig::decode(line).unwrap();
    assert!(claims.signed_with(&Secret::new(SECRET_KEY)));
    claims
}

#[test]
fn a_minted_usersig_has_app_and_identifier_and_works_in_a_run() {
    let place = Place::with_rows(rows(1));
    let done = mint(&place).finish().exits(0);
    let claims = minted(&done);
    assert_eq!(
        (claims.app, &*claims.identifier, claims.expire),
        (APP, "administrator", 86_400)
    );
    done.says("app 1400000000")
        .says("administrator")
        .says("24:00:00 h");
    let service = Service::good();
    let capture =
        "export RECALL_USERSIG=$(\"$0\" usersig mint --identifier root) && unset RECALL_SECRET_KEY";
    let run = place.recall(["run", "rows.csv", "--identifier", "root"]);
    let run = run
        .on(service.address())
        .with_secret_key()
        .after_shell(capture);
    run.finish().exits(0);
    let sent = usersig::decode(&service.requests()[0].parameter("usersig")).unwrap();
    assert_eq!(sent.identifier, "root");
}

#[test]
fn flags_and_file_set_app_identifier_and_expiry() {
    let place = Place::new();
    let flags = ["--sdkappid", "7", "--identifier", "Zoë", "--expire", "90s"];
    let claims = minted(&mint(&place).with(flags).finish().exits(0));
    assert_eq!(
        (claims.app, &*claims.identifier, claims.expire),
        (7, "Zoë", 90)
    );
    let file = format!("[profile.game]\nsdkappid = 8\nsecret_key = \"{SECRET_KEY}\"\n");
    place.write("recall.toml", file);
    let by_file = place.recall(["usersig", "mint", "--config", "recall.toml"]);
    let by_file = by_file
        .with(["--profile", "game"])
        .without("RECALL_SDKAPPID");
    assert_eq!(minted(&by_file.finish().exits(0)).app, 8);
}

#[test]
fn without_the_key_or_with_an_invalid_expiry_nothing_is_minted() {
    let place = Place::new();
    let no_key = place.recall(["usersig", "mint"]).finish().exits(2);
    assert_eq!(no_key.says("RECALL_SECRET_KEY").stdout, "");
    for expire in ["0", "10ms", "-1h", "soon"] {
        let done = mint(&place).with([format!("--expire={expire}")]);
        assert_eq!(done.finish().exits(2).says("--expire").stdout, "");
    }
}

#[test]
fn show_prints_app_identifier_expiry_and_whether_the_key_signed_it() {
    let place = Place::new();
    let usersig = made(0, 7_200);
    let done = show(&place, &usersig).finish().exits(0);
    for words in ["1400000000", "root", "h left", "no secret key is set"] {
        assert!(done.stdout.contains(words), "{words}: {}", done.stdout);
    }
    assert_eq!(done.stderr, "");
    for (key, signed) in [(SECRET_KEY, true), ("another", false)] {
        let json = show(&place, &usersig).with(["--json"]);
        let json = json.env("RECALL_SECRET_KEY", key).finish().exits(0).json();
        assert_eq!(json["signed_with_secret_key"], signed);
        assert_eq!(
            (&json["sdkappid"], &json["identifier"]),
            (&json!(APP), &json!("root"))
        );
        let at = |key: &str| json[key].as_str().unwrap().parse::<Timestamp>().unwrap();
        let holds = at("ends").duration_since(at("made"));
        assert_eq!(holds, SignedDuration::from_hours(2));
        assert!((7_100..=7_200).contains(&json["left_s"].as_i64().unwrap()));
        assert_eq!(json["expired"], false);
    }
}

#[test]
fn an_expired_usersig_has_exit_code_3() {
    let place = Place::new();
    let done = show(&place, &made(7_200, 3_600)).finish().exits(3);
    assert!(done.stdout.contains("expired 1:0"), "{}", done.stdout);
    let json = show(&place, &made(7_200, 3_600)).with(["--json"]);
    assert_eq!(json.finish().exits(3).json()["expired"], true);
}

#[test]
fn show_reads_from_the_file_and_stdin_but_not_from_the_arguments() {
    let place = Place::new();
    let usersig = made(0, 3_600);
    place.write("recall.toml", format!("usersig = \"{}\"", usersig.expose()));
    let bare = || place.recall(["usersig", "show"]).without("RECALL_USERSIG");
    let by_file = bare().with(["--config", "recall.toml"]).finish().exits(0);
    let by_stdin = bare().with(["-"]).stdin(format!("{}\n", usersig.expose()));
    for done in [by_file, by_stdin.finish().exits(0)] {
        assert!(done.stdout.contains("root"), "{}", done.stdout);
    }
    bare().finish().exits(2).says("RECALL_USERSIG");
    let argument = bare().with([usersig.expose()]).finish().exits(2);
    argument.never_says(&usersig.expose()[..30]);
    argument.says("show -");
}

#[test]
fn show_refuses_the_flags_for_app_and_identifier() {
    let place = Place::new();
    for flag in ["--sdkappid", "--identifier"] {
        let done = show(&place, &made(0, 3_600)).with([flag, "7"]);
        done.finish()
            .exits(2)
            .says("unexpected argument")
            .says(flag);
    }
}

#[test]
fn an_unreadable_usersig_is_refused_with_the_reason() {
    let place = Place::new();
    let whole = made(0, 3_600);
    let whole = whole.expose();
    let cut = &whole[..whole.len() / 8 * 4];
    for (text, why) in [
        (cut, "cut off"),
        ("no UserSig!", "no UserSig has"),
        ("", "unpacked"),
    ] {
        let done = place.recall(["usersig", "show", "-"]).stdin(text);
        let done = done.finish().exits(2);
        assert_eq!(done.says("stdin").says(why).stdout, "", "{text}");
    }
}

/// Reads a `UserSig` with the official library, and makes the same one with the time set to the
/// same second.
const OFFICIAL: &str = r#"
import json, sys, time, zlib
import TLSSigAPIv2 as official

def read(usersig):
    return json.loads(zlib.decompress(official.base64_decode_url(usersig.encode())))

asked = json.load(sys.stdin)
ours = read(asked["usersig"])
time.time = lambda: ours["TLS.time"]
api = official.TLSSigAPIv2(ours["TLS.sdkappid"], asked["key"])
who, expire = ours["TLS.identifier"], ours["TLS.expire"]
theirs = api.gen_sig(who, expire)
with_userbuf = api.gen_sig_with_userbuf(who, expire, b"abc")
print(json.dumps({"ours": ours, "theirs": read(theirs), "usersig": theirs, "userbuf": with_userbuf}))
"#;

/// Returns the output of [`OFFICIAL`]. If the library is not installed for `RECALL_PYTHON` (default
/// `python3`), reports the test as skipped and returns `None`.
fn official(usersig: &str) -> Option<Value> {
    let python = std::env::var_os("RECALL_PYTHON").unwrap_or_else(|| "python3".into());
    let imports = Command::new(&python)
        .args(["-c", "import TLSSigAPIv2"])
        .stderr(Stdio::null())
        .status();
    if !imports.is_ok_and(|status| status.success()) {
        skip("there is no tls-sig-api-v2 here");
        return None;
    }
    let mut child = Command::new(&python)
        .args(["-c", OFFICIAL])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = json!({"usersig": usersig, "key": SECRET_KEY}).to_string();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(asked.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn the_official_library_makes_the_same_usersig_and_each_reads_the_others() {
    let place = Place::new();
    for identifier in ["administrator", "0", "a \"b\" \\ c", "机器人"] {
        let flags = ["--identifier", identifier, "--expire", "1h"];
        let done = mint(&place).with(flags).finish().exits(0);
        let ours = minted(&done);
        let Some(official) = official(done.stdout.trim_end()) else {
            return;
        };
        assert_eq!(
            official["ours"], official["theirs"],
            "as read by the official library"
        );
        let read = |key: &str| usersig::decode(official[key].as_str().unwrap()).unwrap();
        assert_eq!(read("usersig"), ours, "as read by recall");
        let with_userbuf = read("userbuf");
        assert!(with_userbuf.signed_with(&Secret::new(SECRET_KEY)));
        assert_ne!(with_userbuf.sig, ours.sig);
    }
}
