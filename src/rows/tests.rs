//! What holds for every format: rows as they are written, dirty, cut anywhere, encoded, packed.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::str::FromStr as _;

use proptest::prelude::*;

use super::*;

/// What was read, by itself.
pub(super) type Owned = std::result::Result<Row, BadRow>;

#[expect(clippy::unnecessary_wraps, reason = "as it was read")]
pub(super) fn row(line: u64, group: &str, sender: &str, topic: &str) -> Owned {
    Ok(Row {
        input: None,
        line,
        group: group.to_owned(),
        sender: sender.to_owned(),
        topic: topic.to_owned(),
    })
}

pub(super) fn bad(line: u64, reason: &str) -> Owned {
    Err(BadRow {
        input: None,
        line,
        reason: reason.to_owned(),
    })
}

/// All that an input yields.
pub(super) fn read(text: &[u8], format: Format, options: &Options) -> Vec<Owned> {
    read_in(Chunks::new(text, &[usize::MAX]), format, options)
}

/// The next row; none at the end.
pub(super) fn next(rows: &mut Rows) -> Result<Option<Owned>> {
    let mut batch = Batch::default();
    let more = rows.read(&mut batch, 1)?;
    assert_eq!(batch.len(), usize::from(more));
    assert_eq!(batch.bytes_read(), rows.bytes_read());
    Ok(owned(&batch).next())
}

fn owned(batch: &Batch) -> impl Iterator<Item = Owned> {
    batch.iter().map(|read| match read {
        Read::Row(row) => Ok(row.to_row()),
        Read::Bad(bad) => Err(bad.clone()),
    })
}

/// All rows that are left.
pub(super) fn all(mut rows: Rows) -> impl Iterator<Item = Owned> {
    std::iter::from_fn(move || next(&mut rows).expect("an input that can be read"))
}

/// Why an input can't be opened.
pub(super) fn error(text: &[u8], format: Format, options: &Options) -> String {
    let input = Chunks::new(text, &[usize::MAX]);
    let rows = Rows::new(input, "rows", Some(format), options);
    rows.err().expect("an error").to_string()
}

fn read_in(input: Chunks, format: Format, options: &Options) -> Vec<Owned> {
    let size = input.text.len() as u64;
    let mut rows = Rows::new(input, "rows", Some(format), options).expect("an input");
    let (mut reads, mut batch) = (Vec::new(), Batch::default());
    let mut more = true;
    while more {
        batch.clear();
        more = rows.read(&mut batch, 3).expect("an input that can be read");
        assert!(batch.len() <= 3 && rows.bytes_read() <= size);
        reads.extend(owned(&batch));
    }
    assert_eq!(rows.bytes_read(), size);
    reads
}

/// A reader that gives pieces of these sizes, over and over.
struct Chunks {
    text: Vec<u8>,
    at: usize,
    sizes: Vec<usize>,
    turn: usize,
}

impl Chunks {
    fn new(text: &[u8], sizes: &[usize]) -> Self {
        Self {
            text: text.to_owned(),
            at: 0,
            sizes: sizes.to_owned(),
            turn: 0,
        }
    }
}

impl io::Read for Chunks {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = &self.text[self.at..];
        let size = self.sizes[self.turn % self.sizes.len()];
        self.turn += 1;
        let count = size.min(rest.len()).min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

#[test]
fn rows_can_be_sent_to_the_thread_that_reads_them() {
    fn is_send<T: Send>() {}
    is_send::<Rows>();
}

#[test]
fn one_stray_quote_in_the_middle_of_many_rows_costs_exactly_one_row() {
    for stray in ["\"g,u", "g,\"u", "g\",u", "g,u\"", "\"g\"x,u", "\",u"] {
        let rows = (2..10_002).map(|n| match n {
            5_000 => format!("{stray}\n"),
            // A row that is well quoted, not far behind.
            5_100 => "\"g,5100\",\"u\"\n".to_owned(),
            _ => format!("g{n},u{n}\n"),
        });
        let text = "group,sender\n".to_owned() + &rows.collect::<String>();
        let reads = read(text.as_bytes(), Format::Csv, &Options::default());
        assert_eq!(reads.len(), 10_000);
        for (read, line) in reads.iter().zip(2..) {
            match read {
                Ok(row) => assert_eq!((row.line, line == 5_000), (line, false)),
                Err(bad) => assert_eq!((bad.line, line), (5_000, 5_000)),
            }
        }
    }
}

#[test]
fn an_input_that_fails_ends_with_an_error_that_tells_how_far_it_got() {
    struct Fails;
    impl io::Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let input = io::Read::chain(&b"group,sender\ng,u\ng2,u"[..], Fails);
    let mut rows = Rows::new(input, "rows", None, &Options::default()).expect("an input");
    assert_eq!(next(&mut rows).expect("a row"), Some(row(2, "g", "u", "")));
    let error = next(&mut rows).expect_err("an error");
    assert_eq!(
        error.to_string(),
        "rows (after line 2): cannot be read: the disk is gone"
    );
}

#[test]
fn the_samples_are_a_wave_with_one_bad_row_twice_and_its_failed_rows() {
    let open = |name: &str| {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("samples")
            .join(name);
        open(&[Source::File(path)], &Options::default()).expect("a sample")
    };
    let wave = |name| -> (Vec<Owned>, Vec<Owned>) {
        let rows = open(name);
        assert!(!rows.is_failed_rows());
        all(rows).partition(Result::is_ok)
    };
    let (csv, csv_bad) = wave("spam-wave.csv");
    let (jsonl, jsonl_bad) = wave("spam-wave.jsonl");
    assert_eq!(ids(&csv), ids(&jsonl));
    assert_eq!((csv_bad.len(), jsonl_bad.len()), (1, 1));
    assert_eq!(line(&csv_bad[0]), line(&jsonl_bad[0]) + 1);
    let failed = open("failed-rows.csv");
    assert!(failed.is_failed_rows());
    assert!(all(failed).all(|read| read.is_ok()));
}

#[test]
fn several_files_are_one_input_as_long_as_all_together() {
    let folder = tempfile::tempdir().expect("a folder for the inputs");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("the input is written");
        Source::File(path)
    };
    let failed = "group,sender,code,info,attempts\ng,u,1,,1\n";
    let sources = [
        file("a.csv", failed),
        file("b.csv", failed),
        file("c.jsonl", "{\"group\":\"g\",\"user\":\"u\"}"),
    ];
    let mut rows = open(&sources, &Options::default()).expect("inputs");
    assert_eq!((rows.size(), rows.is_failed_rows()), (Some(106), false));
    let mut positions = Vec::new();
    while let Some(read) = next(&mut rows).expect("a row") {
        positions.push((line(&read), rows.bytes_read()));
    }
    assert_eq!(positions, [(2, 41), (2, 82), (1, 106)]);
    let rows = open(&sources[..2], &Options::default()).expect("inputs");
    assert!(rows.is_failed_rows());
    assert!(open(&[], &Options::default()).is_err());
}

#[test]
fn bytes_read_of_a_compressed_input_follow_the_rows_in_proportion() {
    let rows = (0..1_000_u64).map(|n| format!("g,{:x}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let text = "group,sender\n".to_owned() + &rows.collect::<String>();
    let packed = zstd::encode_all(text.as_bytes(), 1).expect("memory can be written");
    let size = packed.len() as u64;
    let input = io::Cursor::new(packed);
    let mut rows = Rows::new(input, "rows", None, &Options::default()).expect("an input");
    // All of it has been read in one block.
    for _ in 0..500 {
        assert!(next(&mut rows).expect("a row").is_some());
    }
    let half = rows.bytes_read();
    assert!(
        (size * 48 / 100..size * 52 / 100).contains(&half),
        "{half} of {size}"
    );
    let mut rest = 0;
    while next(&mut rows).expect("a row").is_some() {
        rest += 1;
    }
    assert_eq!((rest, rows.bytes_read()), (500, size));
}

#[test]
fn bytes_read_follow_the_rows_and_not_the_blocks() {
    let text = b"\xef\xbb\xbfgroup,sender\r\n\r\ng1,u1\r\n\"oops\r\ng2,u2\r\n";
    let input = Chunks::new(text, &[usize::MAX]);
    let mut rows = Rows::new(input, "rows", None, &Options::default()).expect("an input");
    let mut positions = vec![rows.bytes_read()];
    while next(&mut rows).expect("a row").is_some() {
        positions.push(rows.bytes_read());
    }
    assert!(positions[0] <= 20, "{positions:?}");
    assert!(positions.is_sorted(), "{positions:?}");
    positions.push(rows.bytes_read());
    assert_eq!(positions.last(), Some(&(text.len() as u64)));
}

/// Text that a group, sender or topic may be: no control characters, and no rounded number.
fn legal_id() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "\\PC{1,6}",
        4 => "[ -~]{1,12}",
        1 => Just("@TGS#_@TGS#cQVLVHIM62CJ@TOPIC#_@TOPIC#cRTE3HIM62C5".to_owned()),
        1 => "[\", ]{1,4}",
    ];
    prop::collection::vec(piece, 1..4)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("a rounded number", |id| {
            check::id(columns::Field::Group, id.as_bytes(), Encoding::default()).is_ok()
        })
}

fn legal_rows() -> impl Strategy<Value = Vec<[String; 4]>> {
    let topic = prop_oneof![Just(String::new()), legal_id()];
    let note = "[a-z\",\r\n ]{0,8}";
    let row = (legal_id(), legal_id(), topic, note);
    prop::collection::vec(row.prop_map(|(g, s, t, n)| [g, s, t, n]), 1..20)
}

/// Sizes of the pieces that a reader gives.
fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..40_usize, 1..8)
}

fn ids(reads: &[Owned]) -> Vec<[&str; 3]> {
    let rows = reads.iter().map(|read| read.as_ref().expect("a row"));
    rows.map(|row| [&*row.group, &*row.sender, &*row.topic])
        .collect()
}

fn line(read: &Owned) -> u64 {
    match read {
        Ok(row) => row.line,
        Err(bad) => bad.line,
    }
}

/// What holds for everything that is yielded, whatever the input.
fn assert_sound(reads: &[Owned]) {
    for read in reads {
        match read {
            Ok(row) => {
                let fields = [&row.group, &row.sender, &row.topic];
                for (field, id) in columns::Field::ALL.into_iter().zip(fields) {
                    assert_eq!(
                        check::id(field, id.as_bytes(), Encoding::default()),
                        Ok(&**id)
                    );
                }
            }
            Err(bad) => {
                assert!(!bad.reason.contains(char::is_control), "{bad:?}");
                assert!(bad.reason.len() < 1_000, "{bad:?}");
            }
        }
    }
    assert!(reads.is_sorted_by(|a, b| line(a) < line(b)), "{reads:?}");
}

/// The lines after the first that have something in them.
fn data_lines(text: &[u8], is_blank: impl Fn(&[u8]) -> bool) -> BTreeSet<u64> {
    let lines = text.split(|byte| *byte == b'\n').zip(1..);
    lines
        .skip(1)
        .filter(|(line, _)| !is_blank(line))
        .map(|(_, number)| number)
        .collect()
}

fn lines(reads: &[Owned]) -> BTreeSet<u64> {
    reads.iter().map(line).collect()
}

/// Bytes that are likely to trip a parser.
fn soup(alphabet: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![9 => prop::sample::select(alphabet), 1 => any::<u8>()];
    prop::collection::vec(byte, 0..300)
}

/// Without a folder of failures: what was found is kept as a test with a name.
fn many_cases() -> ProptestConfig {
    ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(many_cases())]

    #[test]
    fn rows_that_csv_writes_are_read_back(
        rows in legal_rows(),
        sizes in sizes(),
        always in any::<bool>(),
        crlf in any::<bool>(),
        tabs in any::<bool>(),
    ) {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(if tabs { b'\t' } else { b',' })
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .quote_style(if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
            .from_writer(Vec::new());
        writer.write_record(["Group-ID", "sender", "topic", "note"]).expect("a header");
        for row in &rows {
            writer.write_record(row).expect("a row");
        }
        let text = writer.into_inner().expect("a text");
        let format = if tabs { Format::Tsv } else { Format::Csv };
        let reads = read_in(Chunks::new(&text, &sizes), format, &Options::default());
        let written: Vec<_> = rows.iter().map(|[g, s, t, _]| [&**g, &**s, &**t]).collect();
        prop_assert_eq!(ids(&reads), written);
        assert_sound(&reads);
    }

    #[test]
    fn rows_that_serde_json_writes_are_read_back(rows in legal_rows(), sizes in sizes()) {
        let object = |[group, sender, topic, note]: &[String; 4]| {
            serde_json::json!({
                "note": note, "GroupId": group, "from_account": sender, "topic": topic,
            })
            .to_string()
        };
        let text = rows.iter().map(object).collect::<Vec<_>>().join("\n");
        let input = Chunks::new(text.as_bytes(), &sizes);
        let reads = read_in(input, Format::Jsonl, &Options::default());
        let written: Vec<_> = rows.iter().map(|[g, s, t, _]| [&**g, &**s, &**t]).collect();
        prop_assert_eq!(ids(&reads), written);
        assert_sound(&reads);
    }

    #[test]
    fn any_bytes_after_a_csv_header_are_rows_or_bad_rows(
        soup in soup(b"\"\"\",,,\n\n\n\r ab\xff\0"),
        sizes in sizes(),
    ) {
        let text = [b"sender,group\n", &*soup].concat();
        let reads = read_in(Chunks::new(&text, &sizes), Format::Csv, &Options::default());
        assert_sound(&reads);
        let whole = read(&text, Format::Csv, &Options::default());
        prop_assert_eq!(reads, whole);
    }

    #[test]
    fn every_line_without_quotes_is_one_row_or_one_bad_row(
        mut soup in soup(b",,\n\n\r ab\xff\0"),
        sizes in sizes(),
    ) {
        soup.retain(|byte| *byte != b'"');
        let text = [b"sender,group\n", &*soup].concat();
        let reads = read_in(Chunks::new(&text, &sizes), Format::Csv, &Options::default());
        let is_blank = |line: &[u8]| line.iter().all(|byte| *byte == b'\r');
        prop_assert_eq!(lines(&reads), data_lines(&text, is_blank));
    }

    #[test]
    fn any_bytes_after_a_json_object_are_one_row_or_bad_row_a_line(
        soup in soup(b"{}{}[]\"\"::,,\\un\n\n\r 12e.\xff\0"),
        sizes in sizes(),
    ) {
        let first = br#"{"group":"g","sender":"u"}"#;
        let text = [&first[..], b"\n", &*soup].concat();
        let reads = read_in(Chunks::new(&text, &sizes), Format::Jsonl, &Options::default());
        assert_sound(&reads);
        let mut expected = data_lines(&text, |line| line.trim_ascii().is_empty());
        expected.insert(1);
        prop_assert_eq!(lines(&reads), expected);
    }

    #[test]
    fn any_json_value_for_an_id_is_a_row_or_a_bad_row(
        value in "(\"[a-z\\\\u0-9]{0,8}\"|-?[0-9]{1,30}(\\.[0-9]+)?|true|null|\\[1\\])",
    ) {
        let text = format!("\n{{\"group\":{value},\"sender\":\"u\"}}\n");
        let reads = read(text.as_bytes(), Format::Jsonl, &Options::default());
        prop_assert_eq!(reads.len(), 1);
        assert_sound(&reads);
    }

    #[test]
    fn any_bytes_at_all_are_an_input_or_an_error(
        soup in soup(b"group,sender\n\"\t\r{}[]:1"),
        header in any::<bool>(),
    ) {
        let options = Options { header, ..Options::default() };
        if let Ok(rows) = Rows::new(Chunks::new(&soup, &[7]), "rows", None, &options) {
            let reads: Vec<Owned> = all(rows).collect();
            assert_sound(&reads);
        }
    }
}

proptest! {
    // What packs is slow where it is not optimized.
    #![proptest_config(ProptestConfig { cases: 200, ..many_cases() })]

    #[test]
    fn rows_are_read_back_in_any_encoding_compressed_or_not(
        rows in legal_rows(),
        sizes in sizes(),
        (encoding, packing) in (0..4, 0..3),
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["group", "sender", "topic", "note"]).expect("a header");
        for row in &rows {
            writer.write_record(row).expect("a row");
        }
        let text = String::from_utf8(writer.into_inner().expect("a text")).expect("UTF-8");
        let marked = || "\u{feff}".encode_utf16().chain(text.encode_utf16());
        let gb18030 = Encoding::from_str("gb18030").expect("a label");
        let (bytes, given): (Vec<u8>, _) = match encoding {
            0 => (text.into_bytes(), None),
            1 => (marked().flat_map(u16::to_le_bytes).collect(), None),
            2 => (marked().flat_map(u16::to_be_bytes).collect(), None),
            _ => (encoding_rs::GB18030.encode(&text).0.into_owned(), Some(gb18030)),
        };
        let bytes = match packing {
            0 => bytes,
            1 => zstd::encode_all(&*bytes, 1).expect("memory can be written"),
            _ => {
                let gzip = flate2::Compression::fast();
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), gzip);
                gzip.write_all(&bytes).expect("memory can be written");
                gzip.finish().expect("memory can be written")
            }
        };
        let options = Options { encoding: given, ..Options::default() };
        let reads = read_in(Chunks::new(&bytes, &sizes), Format::Csv, &options);
        let written: Vec<_> = rows.iter().map(|[g, s, t, _]| [&**g, &**s, &**t]).collect();
        prop_assert_eq!(ids(&reads), written);
    }
}
