//! Input text as real exports have it: compressed, in other encodings, damaged.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::stage::{Answer, Finished, Gate, Place, Request, Service, rows};

const CSV: &str = "group,sender\ng1,ann\ng2,用户\n";
const JSONL: &str =
    "{\"group\":\"g1\",\"sender\":\"ann\"}\n{\"group\":\"g2\",\"sender\":\"用户\"}\n";
const BOTH: [&str; 2] = ["ann", "用户"];

fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(text.as_ref()).unwrap();
    packed.finish().unwrap()
}

/// Compresses with a checksum, as the `zstd` tool does.
fn zstd(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut packed = zstd::Encoder::new(Vec::new(), 0).unwrap();
    packed.include_checksum(true).unwrap();
    packed.write_all(text.as_ref()).unwrap();
    packed.finish().unwrap()
}

/// UTF-16 with a byte order mark.
fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
    units.flat_map(bytes).collect()
}

fn encoded(text: &str, label: &str) -> Vec<u8> {
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
    encoding.encode(text).0.into_owned()
}

/// The senders called by a run with these arguments on a file of this name and content.
#[track_caller]
fn called_for(name: &str, bytes: impl AsRef<[u8]>, words: &[&str]) -> Vec<String> {
    let service = Service::lenient();
    let place = Place::new();
    place.write(name, bytes);
    let run = place.run(name).on(service.address());
    run.with(words).finish().exits(0);
    service.called_senders()
}

/// Runs an input that must be refused. Fails if anything is called or any file is created.
#[track_caller]
fn refusal(name: &str, bytes: impl AsRef<[u8]>, words: &[&str]) -> Finished {
    let service = Service::good();
    let place = Place::new();
    place.write(name, bytes);
    let done = place.run(name).on(service.address()).with(words).finish();
    assert_eq!((service.calls(), place.files()), (0, vec![name.to_owned()]));
    done
}

#[test]
fn compression_is_detected_by_content_and_the_format_by_the_inner_name() {
    for pack in [|text: &str| gzip(text), |text: &str| zstd(text)] {
        assert_eq!(called_for("rows.csv.gz", pack(CSV), &[]), BOTH);
        assert_eq!(called_for("rows.csv.zst", pack(CSV), &[]), BOTH);
        assert_eq!(called_for("rows.csv", pack(CSV), &[]), BOTH);
        let tabs = CSV.replace(',', "\t");
        assert_eq!(called_for("ROWS.TSV.GZ", pack(&tabs), &[]), BOTH);
        assert_eq!(called_for("rows.jsonl.gz", pack(JSONL), &[]), BOTH);
        assert_eq!(called_for("rows", pack(JSONL), &[]), BOTH);
        // Like the output of `cat a.gz b.gz`.
        let (one, other) = CSV.split_at(20);
        let parts = [pack(one), pack(""), pack(other)].concat();
        assert_eq!(called_for("rows.csv.gz", parts, &[]), BOTH);
    }
    assert_eq!(called_for("rows.csv.gz", CSV, &[]), BOTH);
}

#[test]
fn compressed_input_can_come_from_stdin_and_among_other_inputs() {
    let service = Service::lenient();
    let place = Place::new();
    place.write("a.csv.zst", zstd("group,sender\ng1,bob\n"));
    let run = place.run("-").on(service.address()).stdin(gzip(JSONL));
    let run = run.with(["a.csv.zst", "--ledger", "l.jsonl"]);
    run.finish().exits(0);
    assert_eq!(service.called_senders(), ["ann", "bob", "用户"]);
}

#[test]
fn results_are_named_without_the_compression_suffix() {
    let service = Service::start(|_| Answer::code(10010));
    for (input, failed) in [
        ("rows.jsonl.gz", "rows.failed.jsonl"),
        ("rows.jsonl.ZST", "rows.failed.jsonl"),
        ("rows.gz", "rows.failed.jsonl"),
    ] {
        let place = Place::new();
        place.write(input, gzip(JSONL));
        let run = place.run(input).on(service.address());
        run.finish().exits(3);
        assert_eq!(place.files(), [failed, input, "rows.ledger.jsonl"]);
    }
    let place = Place::new();
    place.write("rows.tsv.gz", gzip(CSV.replace(',', "\t")));
    let run = place.run("rows.tsv.gz").on(service.address());
    run.finish().exits(3);
    let replay = place.recall(["replay", "rows.ledger.jsonl"]);
    replay.finish().exits(3);
    let names = ["rows.failed.tsv", "rows.ledger.jsonl", "rows.tsv.gz"];
    assert_eq!(place.files(), names);
}

#[test]
fn a_byte_order_mark_determines_the_encoding() {
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        assert_eq!(called_for("rows.csv", utf_16(CSV, bytes), &[]), BOTH);
        assert_eq!(called_for("rows.jsonl", utf_16(JSONL, bytes), &[]), BOTH);
        let packed = gzip(utf_16(CSV, bytes));
        assert_eq!(called_for("rows.csv.gz", packed, &[]), BOTH);
    }
    let words = ["--encoding", "utf-16"];
    let little = utf_16(CSV, u16::to_le_bytes);
    assert_eq!(called_for("rows.csv", little, &words), BOTH);
    let marked = format!("\u{feff}{CSV}");
    assert_eq!(
        called_for("rows.csv", marked, &["--encoding", "UTF-8"]),
        BOTH
    );
}

#[test]
fn a_byte_order_mark_that_contradicts_the_flag_is_refused() {
    let big = utf_16(CSV, u16::to_be_bytes);
    let done = refusal("rows.csv", big, &["--encoding", "gb18030"]);
    let done = done
        .exits(2)
        .says("rows.csv: starts with the byte order mark of UTF-16BE");
    done.says("--encoding says gb18030")
        .says("hint: leave out --encoding");
}

#[test]
fn other_encodings_can_be_named() {
    for label in ["gb18030", "GBK", "big5", "shift_jis", "euc-jp"] {
        let words = ["--encoding", label];
        // Not all of these encodings have 用户.
        let text = CSV.replace("用户", "中文");
        let bytes = encoded(&text, label);
        assert_eq!(called_for("rows.csv", &bytes, &words), ["ann", "中文"]);
        let text = JSONL.replace("用户", "中文");
        let packed = zstd(encoded(&text, label));
        assert_eq!(
            called_for("rows.jsonl.zst", packed, &words),
            ["ann", "中文"]
        );
    }
    let western = encoded("group,sender\ng,Zoë\n", "windows-1252");
    let words = ["--encoding", "windows-1252"];
    assert_eq!(called_for("rows.csv", western, &words), ["Zoë"]);
    let without_mark = &utf_16(CSV, u16::to_le_bytes)[2..];
    let words = ["--encoding", "utf-16le"];
    assert_eq!(called_for("rows.csv", without_mark, &words), BOTH);
    // Column names that are not ASCII are compared after decoding.
    let text = "群组,发送者\ng1,ann\ng2,用户\n";
    let words = [
        "--encoding",
        "gb18030",
        "--columns",
        "group=群组,sender=发送者",
    ];
    assert_eq!(
        called_for("rows.csv", encoded(text, "gb18030"), &words),
        BOTH
    );
}

#[test]
fn an_unknown_encoding_is_refused_and_some_known_ones_are_listed() {
    let done = refusal("rows.csv", CSV, &["--encoding", "klingon"]).exits(2);
    done.says("--encoding: `klingon`")
        .says("hint: examples: gb18030,");
}

/// Runs three rows, the second with undecodable bytes in its sender. Returns the reason why it is
/// invalid.
fn with_damage(bytes: &[u8], words: &[&str]) -> String {
    let service = Service::good();
    let place = Place::with_rows(bytes);
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(words).finish().exits(3);
    assert_eq!(done.count("invalid"), 1);
    assert_eq!(service.called_senders(), ["ann", "carol"]);
    let ledger = place.ledger();
    let bad = ledger
        .entries
        .iter()
        .find(|entry| entry.outcome == "invalid");
    let bad = bad.unwrap();
    assert_eq!(bad.row, 3);
    bad.info.clone()
}

#[test]
fn undecodable_bytes_are_never_sent() {
    let gbk = b"group,sender,note\ng,ann,\xff\ng,b\xffb,\ng,carol,\xff\n";
    assert_eq!(
        with_damage(gbk, &["--encoding", "gbk"]),
        "the sender is not GBK: `b\u{fffd}b`"
    );
    let mut units: Vec<_> = "\u{feff}group,sender\ng,ann\ng,b".encode_utf16().collect();
    // Half of a surrogate pair.
    units.push(0xd800);
    units.extend("b\ng,carol\n".encode_utf16());
    let bytes: Vec<_> = units.into_iter().flat_map(u16::to_be_bytes).collect();
    assert_eq!(
        with_damage(&bytes, &[]),
        "the sender is not UTF-16BE: `b\u{fffd}b`"
    );
    // Characters already lost in another program.
    assert_eq!(
        with_damage(
            "group,sender\ng,ann\ng,b\u{fffd}b\ng,carol\n".as_bytes(),
            &[]
        ),
        "the sender has lost characters on its way here: `b\u{fffd}b`"
    );
}

#[test]
fn text_in_the_wrong_encoding_gets_a_hint_to_the_flag() {
    let gb = encoded("group,sender\ng,ann\ng,用户\ng,carol\n", "gb18030");
    let reason = with_damage(&gb, &[]);
    let start = "the sender is not UTF-8 (is it in another --encoding?): `";
    assert!(reason.starts_with(start), "{reason}");
    let header = encoded("群组,发送者\ng,ann\n", "gb18030");
    let done = refusal("rows.csv", &header, &[]).exits(1);
    done.says("hint: its header is not UTF-8: name the encoding, such as --encoding gb18030");
    for (bytes, label) in [
        (u16::to_le_bytes as fn(u16) -> [u8; 2], "utf-16le"),
        (u16::to_be_bytes, "utf-16be"),
    ] {
        let done = refusal("rows.csv", &utf_16(CSV, bytes)[2..], &[]).exits(1);
        done.says("rows.csv: seems to be UTF-16 without a byte order mark")
            .says(&format!("hint: name it: --encoding {label}"));
    }
}

#[test]
fn a_truncated_compressed_input_is_called_up_to_the_cut_and_can_be_resumed() {
    for (name, pack) in [
        ("rows.csv.gz", gzip as fn(String) -> Vec<u8>),
        ("rows.csv.zst", zstd),
    ] {
        let service = Service::good();
        let place = Place::new();
        // Longer than one zstd block, so that there are rows before the cut.
        let note = |n: usize| format!(",{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let text = rows(9_000)
            .lines()
            .enumerate()
            .fold(String::new(), |text, (n, line)| {
                text + line + &if n == 0 { ",note".to_owned() } else { note(n) } + "\n"
            });
        let whole = pack(text);
        place.write(name, &whole[..whole.len() * 3 / 4]);
        let run = place.run(name).on(service.address());
        let done = run.finish().exits(1);
        let (_, place_in_it) = done
            .stderr
            .split_once(&format!("{name} (after line "))
            .unwrap();
        let (line, why) = place_in_it.split_once("): ").unwrap();
        let what = if name.ends_with("gz") { "gzip" } else { "zstd" };
        let cut_off = format!("cannot be read: its {what} data is cut off\n");
        assert!(why.starts_with(&cut_off), "{why}");
        assert!(
            why.contains("rows after it and in later inputs have not"),
            "{why}"
        );
        assert!(
            done.stderr.contains("To go on: recall run"),
            "{}",
            done.stderr
        );
        let called = line.parse::<usize>().unwrap() - 1;
        assert!(called > 1_000, "{called}");
        assert_eq!(
            service.calls(),
            called,
            "every row before the cut should be called"
        );
        place.ledger().assert_all_recalled(called);

        place.write(name, &whole);
        let run = place.run(name).on(service.address()).with(["--resume"]);
        let done = run.finish().exits(0);
        assert_eq!(done.count("resumed"), called as u64);
        assert_eq!(service.calls(), 9_000);
        place.ledger().assert_all_recalled(9_000);
    }
}

#[test]
fn a_file_that_becomes_shorter_while_it_is_read_ends_the_run_and_can_be_resumed() {
    let gate = Gate::default();
    let held = gate.clone();
    let service = Service::start(move |_| Answer::ok().held_by(&held));
    let place = Place::new();
    // More than is read ahead while no call is answered.
    let note = format!(",{}\n", "x".repeat(60));
    let whole = rows(12_000).replace('\n', &note);
    place.write("rows.csv", &whole);
    let running = place.run("rows.csv").on(service.address()).start();
    service.wait_until_called(1);
    let mut file = fs::OpenOptions::new();
    let file = file.write(true).open(place.path("rows.csv")).unwrap();
    file.set_len(whole.len() as u64 - 20_000).unwrap();
    gate.open();
    let done = running.finish().exits(1);
    let done = done.says("cannot be read: it became shorter while it was being read\n");
    let done = done.says("To go on: recall run");
    assert_eq!(done.json()["stopped"], "input");
    let called = service.calls();
    assert!((5_000..12_000).contains(&called), "{called}");

    place.write("rows.csv", &whole);
    let run = place.run("rows.csv").on(service.address());
    let done = run.with(["--resume"]).finish().exits(0);
    assert_eq!(done.count("resumed"), called as u64);
    place.ledger().assert_all_recalled(12_000);
}

#[test]
fn a_damaged_compressed_input_is_named() {
    let mut packed = gzip(CSV);
    let sum = packed.len() - 8;
    packed[sum] ^= 1;
    let service = Service::good();
    let place = Place::new();
    place.write("rows.csv.gz", &packed);
    let done = place.run("rows.csv.gz").on(service.address()).finish();
    done.exits(1)
        .says("rows.csv.gz")
        .says("its gzip data can't be unpacked");
    let mut packed = zstd(CSV);
    packed[9] ^= 0xff;
    place.write("rows.csv.zst", &packed);
    let done = place.run("rows.csv.zst").on(service.address()).finish();
    done.exits(1)
        .says("rows.csv.zst")
        .says("its zstd data can't be unpacked");
}

#[test]
fn zstd_data_that_needs_too_much_memory_is_refused() {
    // A frame header with a window of 2^27 or 2^28 bytes, then one uncompressed block.
    let frame = |window_log: u8| {
        let size = u8::try_from(CSV.len() << 3 | 1).ok().map_or_else(
            || u32::try_from(CSV.len() << 3 | 1).unwrap().to_le_bytes(),
            |size| [size, 0, 0, 0],
        );
        let header = [0x28, 0xb5, 0x2f, 0xfd, 0, (window_log - 10) << 3];
        [&header[..], &size[..3], CSV.as_bytes()].concat()
    };
    assert_eq!(called_for("rows.csv.zst", frame(27), &[]), BOTH);
    let done = refusal("rows.csv.zst", frame(28), &[]).exits(1);
    done.says("rows.csv.zst: cannot be read: its zstd data can't be unpacked")
        .says("memory");
}

#[test]
fn doubly_compressed_and_binary_inputs_are_refused_with_a_hint() {
    let twice = [gzip(gzip(CSV)), gzip(zstd(CSV))];
    for bytes in twice {
        let done = refusal("rows.csv.gz", bytes, &[]).exits(1);
        done.says("rows.csv.gz: is compressed twice")
            .says("gzip -dc FILE");
    }
    for (bytes, what) in [
        (&b"\xfd7zXZ\0......"[..], "xz -dc FILE | recall run -"),
        (b"PK\x03\x04......", "save the sheet as CSV UTF-8"),
    ] {
        refusal("rows.csv", bytes, &[]).exits(1).says(what);
        refusal("rows.csv.gz", gzip(bytes), &[]).exits(1).says(what);
    }
}

#[test]
fn a_json_array_is_read_with_exact_digits_from_any_file() {
    let service = Service::good();
    let object = "{\"group\":\"g\",\"sender\":1294030472427835393}";
    let on_one_line = format!("[{}]", vec![object; 10_000].join(","));
    let pretty =
        "\u{feff}[\n  {\n    \"group\": \"g\",\n    \"sender\": 1294030472427835393\n  }\n]\n";
    for text in [pretty, &on_one_line] {
        for (name, bytes) in [
            ("rows.json", text.as_bytes().to_vec()),
            ("rows.ndjson.gz", gzip(text)),
            ("rows.jsonl.zst", zstd(text)),
            (
                "rows",
                utf_16(text.trim_start_matches('\u{feff}'), u16::to_le_bytes),
            ),
        ] {
            let place = Place::new();
            place.write(name, bytes);
            let run = place.run(name).on(service.address());
            run.finish().exits(0);
            let ledger = place.ledger_named("rows.ledger.jsonl");
            assert_eq!(ledger.senders(), ["1294030472427835393"], "{name}");
        }
    }
    let place = Place::new();
    let run = place.run("-").on(service.address());
    let run = run.stdin(on_one_line).finish().exits(0);
    assert_eq!((run.count("rows"), run.count("distinct")), (10_000, 1));
}

#[test]
fn a_truncated_json_array_is_called_up_to_the_cut_and_can_be_resumed() {
    let service = Service::good();
    let place = Place::new();
    let objects = (0..5).map(|n| format!("{{\"group\":\"g\",\"sender\":\"u{n}\"}}"));
    let whole = format!("[\n{}\n]\n", objects.collect::<Vec<_>>().join(",\n"));
    place.write("rows.json", &whole[..whole.len() - 12]);
    let run = place.run("rows.json").on(service.address());
    let done = run.finish().exits(1);
    done.says("rows.json (after line 5): cannot be read: broken JSON on line 6, EOF");
    assert_eq!(service.calls(), 4);
    place.write("rows.json", whole);
    let again = place.run("rows.json").on(service.address());
    again.with(["--resume"]).finish().exits(0);
    assert_eq!(service.calls(), 5);
    place.ledger().assert_all_recalled(5);
}

#[test]
fn a_file_name_of_the_wrong_format_is_refused_before_the_first_call() {
    let object = "{\"group\":\"g\",\"sender\":\"ann\"}\n";
    for (name, text, hint) in [
        ("rows.csv", object, "give it a name that ends in .jsonl"),
        ("rows.tsv.gz", object, "give it a name that ends in .jsonl"),
        (
            "rows.jsonl",
            "\ngroup,sender\ng,ann\n",
            "its name must end in .csv",
        ),
    ] {
        refusal(name, text, &[]).exits(1).says(hint);
    }
}

#[test]
fn a_compressed_pipe_is_called_row_by_row_before_it_ends() {
    let service = Service::good();
    let place = Place::new();
    let pipe = place.pipe("rows.fifo");
    let running = place.run("rows.fifo").on(service.address()).start();
    let pipe = pipe.open();
    let mut packed = GzEncoder::new(pipe, Compression::default());
    packed.write_all(rows(2).as_bytes()).unwrap();
    packed.flush().unwrap();
    service.wait_until_called(2);
    packed.write_all(b"@TGS#1,u2\n").unwrap();
    drop(packed.finish().unwrap());
    assert_eq!(running.finish().exits(0).count("recalled"), 3);
    // Concurrent calls arrive in any order.
    let senders: BTreeSet<_> = service.requests().iter().map(Request::sender).collect();
    assert_eq!(senders, ["u0", "u1", "u2"].map(str::to_owned).into());
}

#[test]
fn rows_that_failed_before_the_input_broke_off_are_in_the_failed_rows_file() {
    let service = Service::start(|call| match &*call.sender() {
        "u1" => Answer::code(10010),
        _ => Answer::ok(),
    });
    let place = Place::new();
    let packed = gzip(rows(2_000));
    place.write("rows.csv.gz", &packed[..packed.len() / 2]);
    let run = place.run("rows.csv.gz").on(service.address());
    let done = run.finish().exits(1).says("data is cut off");
    assert_eq!(done.count("recalled") + 1, service.calls() as u64);
    assert_eq!(done.json()["failed_rows"], "rows.failed.csv");
    assert_eq!(done.json()["stopped"], "input");
    assert_eq!(place.read("rows.failed.csv").lines().count(), 2);
}

#[test]
fn a_stop_is_reported_even_if_the_input_is_truncated_later() {
    let service = Service::start(|_| Answer::code(60020));
    let place = Place::new();
    let packed = gzip(rows(500));
    place.write("rows.csv.gz", &packed[..packed.len() / 2]);
    let run = place.run("rows.csv.gz").on(service.address());
    let done = run.with(["--concurrency", "1"]).finish().exits(4);
    let done = done.says("60020").says("To go on: recall run");
    done.never_says("have been called");
}

/// The recognisable parts of a tar archive of one file with these bytes.
fn tar(bytes: &[u8]) -> Vec<u8> {
    let mut tar = vec![0; 512];
    tar[..8].copy_from_slice(b"rows.csv");
    tar[257..265].copy_from_slice(b"ustar  \0");
    tar.extend_from_slice(bytes);
    tar.resize(10_240, 0);
    tar
}

#[test]
fn a_tar_archive_is_refused_with_a_hint_whatever_the_encoding() {
    let tar = tar(CSV.as_bytes());
    for (name, bytes) in [
        ("rows.tar", tar.clone()),
        ("rows.tar.gz", gzip(&tar)),
        ("rows.tar.zst", zstd(&tar)),
    ] {
        for words in [&[][..], &["--encoding", "utf-16le"]] {
            refusal(name, &bytes, words)
                .exits(1)
                .says(&format!("{name}: is a tar archive, not text"))
                .says("tar -xOf FILE NAME | recall run -");
        }
    }
    let service = Service::good();
    let place = Place::new();
    let run = place.run("-").on(service.address()).stdin(tar);
    run.finish().exits(1).says("stdin: is a tar archive");
}

#[test]
fn input_with_zero_bytes_that_is_not_utf_16_is_refused_without_an_encoding_hint() {
    let utf_32: Vec<_> = CSV.chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    for words in [
        &[][..],
        &["--encoding", "utf-16le"],
        &["--encoding", "utf-16be"],
    ] {
        let done = refusal("rows.csv", &utf_32, words).exits(1);
        done.never_says("UTF-16");
        done.never_says("--encoding");
        done.says("rows.csv: is not text");
    }
}

#[test]
fn zeros_after_gzip_data_are_padding() {
    for zeros in [1, 1_000, 200_000] {
        let padded = [gzip(CSV), vec![0; zeros]].concat();
        assert_eq!(called_for("rows.csv.gz", &padded, &[]), BOTH);
        let more = [padded, gzip("g3,bob\n")].concat();
        assert_eq!(called_for("rows.csv.gz", more, &[]), ["ann", "bob", "用户"]);
    }
}

#[test]
fn skippable_zstd_frames_are_skipped() {
    let skipped = b"\x5a\x2a\x4d\x18\x04\0\0\0....";
    let frames = [
        &zstd("group,sender\ng1,ann\n")[..],
        skipped,
        &zstd("g2,用户\n"),
    ]
    .concat();
    assert_eq!(called_for("rows.csv.zst", frames, &[]), BOTH);
}

#[test]
fn extra_bytes_after_compressed_data_are_reported_with_their_position() {
    let ends: [&[u8]; 4] = [
        b"x",
        b"group,sender\ng3,bob\n",
        &[0xff; 10_000],
        b"\x1fno gzip",
    ];
    for (what, pack) in [
        ("gzip", gzip as fn(&'static str) -> Vec<u8>),
        ("zstd", zstd),
    ] {
        for end in ends {
            let service = Service::lenient();
            let place = Place::new();
            let (whole, name) = (pack(CSV), format!("rows.csv.{what}"));
            place.write(&name, [&whole, end].concat());
            let at = whole.len();
            let run = || place.run(&name).on(service.address());
            let words = ["--ledger", "l.jsonl"];
            let done = run().with(words).finish().exits(1);
            done.says(&format!(
                "its {what} data ends at byte {at}, and something else follows"
            ))
            .says(&format!(
                "hint: leave it out: head -c {at} FILE | recall run -"
            ))
            .says("--resume");
            assert_eq!(
                service.calls(),
                2,
                "every row before the extra bytes should be called"
            );
            let run = place.run("-").on(service.address()).with(words);
            let rest = run.with(["--resume"]).stdin(whole).finish().exits(0);
            assert_eq!([rest.count("resumed"), rest.count("recalled")], [2, 0]);
        }
    }
    // After zstd data, zeros are not padding.
    let padded = [zstd(CSV), vec![0; 10]].concat();
    let place = Place::new();
    place.write("rows.csv.zst", padded);
    let check = place.recall(["check", "rows.csv.zst"]).finish().exits(1);
    check.says("and something else follows");
}
