//! Properties of every input: well-formed, dirty, cut anywhere, encoded, compressed.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::str::FromStr as _;

use proptest::prelude::*;

use super::*;
use crate::rows::{aliases, check};

/// A valid ID: no control characters, and not a rounded number.
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
            check::id(aliases::Field::Group, id.as_bytes(), Encoding::default()).is_ok()
        })
}

/// Text in a cell, which may look like rows itself.
fn cell() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-z]{1,6}",
        1 => "[\",\n ]{1,3}",
        1 => Just("\nx,victim,victim\n".to_owned()),
        // Over the 64 KiB limit.
        1 => (0..200_u8).prop_map(|n| if n == 0 { "y\n".repeat(33_000) } else { "\"".to_owned() }),
    ];
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

fn legal_rows() -> impl Strategy<Value = Vec<[String; 4]>> {
    let topic = prop_oneof![Just(String::new()), legal_id()];
    let note = "[a-z\",\r\n ]{0,8}";
    let row = (legal_id(), legal_id(), topic, note);
    prop::collection::vec(row.prop_map(|(g, s, t, n)| [g, s, t, n]), 1..20)
}

/// Rows as JSON objects, with different aliases as keys.
fn objects(rows: &[[String; 4]]) -> impl Iterator<Item = serde_json::Value> {
    rows.iter().map(|[group, sender, topic, note]| {
        serde_json::json!({
            "note": note, "GroupId": group, "from_account": sender, "topic": topic,
        })
    })
}

/// Sizes of the pieces that a reader returns.
fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..40_usize, 1..8)
}

/// Checks what holds for the rows of any input.
fn assert_sound(reads: &[Owned]) {
    for read in reads {
        match read {
            Ok(row) => {
                let fields = [&row.group, &row.sender, &row.topic];
                for (field, id) in aliases::Field::ALL.into_iter().zip(fields) {
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

/// Returns the numbers of the lines after the first that are not blank.
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

/// CSV lines with this many fields, most of them plain.
fn mostly_plain(fields: usize) -> impl Strategy<Value = String> {
    let plain = prop::collection::vec("[ !#-+.-~]{1,20}", fields);
    let line = prop_oneof![
        16 => plain.prop_map(|fields| fields.join(",")),
        1 => "[a-z,\t\r]{0,9}",
        1 => "(\"[a-z,\n]{0,9}\"|é|7E\\+18|\u{7f}),(u|\"u\"{1,3}|)(,|,t|)",
    ];
    let end = prop_oneof![9 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r\r\n")];
    let line = (line, end).prop_map(|(line, end)| line + end);
    prop::collection::vec(line, 0..30).prop_map(|lines| lines.concat())
}

/// Without a folder of failures: any failure found becomes a named test.
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
        let text = objects(&rows).map(|row| row.to_string()).collect::<Vec<_>>().join("\n");
        let input = Chunks::new(text.as_bytes(), &sizes);
        let reads = read_in(input, Format::Jsonl, &Options::default());
        let written: Vec<_> = rows.iter().map(|[g, s, t, _]| [&**g, &**s, &**t]).collect();
        prop_assert_eq!(ids(&reads), written);
        assert_sound(&reads);
    }

    #[test]
    fn arrays_and_objects_over_several_lines_yield_the_same_rows_as_lines(
        rows in legal_rows(),
        sizes in sizes(),
    ) {
        let lines = objects(&rows).map(|row| row.to_string()).collect::<Vec<_>>();
        let pretty = |row| serde_json::to_string_pretty(&row).expect("an object");
        let spread = objects(&rows).map(pretty).collect::<Vec<_>>();
        let array: Vec<_> = objects(&rows).collect();
        let as_lines = read(lines.join("\n").as_bytes(), Format::Jsonl, &Options::default());
        // Each object takes six lines: four keys and two brackets.
        let every_sixth = (0..).map(|row| row * 6 + 1);
        for (text, starts) in [
            (format!("[{}]", lines.join(",")), vec![1; rows.len()]),
            (format!("[\n{}\n]\n", lines.join(",\n")), (2..).take(rows.len()).collect()),
            (
                serde_json::to_string_pretty(&array).expect("an array"),
                every_sixth.clone().map(|line| line + 1).take(rows.len()).collect(),
            ),
            (spread.join("\n"), every_sixth.take(rows.len()).collect()),
        ] {
            let input = Chunks::new(text.as_bytes(), &sizes);
            let reads = read_in(input, Format::Jsonl, &Options::default());
            prop_assert_eq!(ids(&reads), ids(&as_lines));
            prop_assert_eq!(reads.iter().map(line).collect::<Vec<_>>(), starts);
        }
    }

    #[test]
    fn a_damaged_array_yields_no_row_that_is_not_in_it(
        rows in legal_rows(),
        sizes in sizes(),
        pretty in any::<bool>(),
        at in any::<prop::sample::Index>(),
        damage in prop_oneof![
            prop::sample::select(&b"\"{}[],:\\\n"[..]).prop_map(Some),
            any::<u8>().prop_map(Some),
            Just(None),
        ],
        cut in any::<bool>(),
    ) {
        // Each row contains an object that looks like another row.
        let array: Vec<_> = objects(&rows).map(|mut row| {
            row["users"] = serde_json::json!([{"group": "nobody", "sender": "nobody"}]);
            row
        }).collect();
        let text = if pretty {
            serde_json::to_vec_pretty(&array)
        } else {
            serde_json::to_vec(&array)
        };
        let mut text = text.expect("an array");
        let at = at.index(text.len() - 1) + 1;
        match damage {
            Some(byte) => text.insert(at, byte),
            None if cut => text.truncate(at),
            None => drop(text.remove(at)),
        }
        let input = Chunks::new(&text, &sizes);
        if let Ok(mut reader) = Rows::new(input, "rows", Some(Format::Jsonl), &Options::default()) {
            let mut batch = Batch::default();
            let whole = reader.read(&mut batch, usize::MAX).is_ok();
            prop_assert!(!(whole && cut && damage.is_none()), "a cut is an error");
            let reads: Vec<_> = owned(&batch).collect();
            let unlike = reads.iter().zip(&rows).filter(|(read, [group, sender, topic, _])| {
                read.as_ref().map_or(true, |row| row.ids() != [group, sender, topic])
            });
            prop_assert!(reads.len() <= rows.len());
            prop_assert!(unlike.count() <= 1, "the damage is in one place: {reads:?}");
            for row in reads.iter().flatten() {
                prop_assert_ne!(&*row.group, "nobody");
            }
        }
    }

    #[test]
    fn a_table_that_is_cut_off_yields_no_row_that_is_not_in_it(
        rows in prop::collection::vec((cell(), cell(), cell()), 1..8),
        sizes in sizes(),
        at in any::<prop::sample::Index>(),
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["note", "group", "sender"]).expect("a header");
        let header = "note,group,sender\n".len();
        for (note, group, sender) in &rows {
            writer.write_record([note, group, sender]).expect("a row");
        }
        let mut text = writer.into_inner().expect("a text");
        text.truncate(header + at.index(text.len() - header + 1));
        // Small pieces of a long record would take too long.
        let sizes: Vec<_> = sizes.iter().map(|size| size * text.len().div_ceil(1_000)).collect();
        let reads = read_in(Chunks::new(&text, &sizes), Format::Csv, &Options::default());
        assert_sound(&reads);
        // The rest of a cut last field looks like a whole one.
        let last = reads.len().saturating_sub(usize::from(!text.ends_with(b"\n")));
        for (nth, row) in reads.iter().enumerate() {
            let Ok(row) = row else { continue };
            let is_in_it = rows.iter().any(|(_, group, sender)| row.ids() == [group, sender, ""]);
            prop_assert!(is_in_it || nth >= last, "{row:?}");
            prop_assert_ne!(&*row.group, "victim");
        }
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
    fn many_lines_read_at_once_yield_the_same_rows_as_single_ones(
        (text, columns) in (2..=3_usize).prop_flat_map(|fields| (
            mostly_plain(fields),
            prop::sample::select(match fields {
                2 => vec!["group=1,sender=2", "group=2,sender=1,topic=02"],
                _ => vec!["group=1,sender=3", "topic=2,sender=3,group=1"],
            }),
        )),
        tabs in any::<bool>(),
    ) {
        let (format, text) = if tabs {
            (Format::Tsv, text.replace(',', "\t"))
        } else {
            (Format::Csv, text)
        };
        let text = text.as_bytes();
        let columns = Columns::from_str(columns).expect("columns");
        let options = Options { header: false, columns, ..Options::default() };
        let open = |sizes| Rows::new(Chunks::new(text, sizes), "rows", Some(format), &options);
        if let Ok(mut many) = open(&[usize::MAX]) {
            let mut batch = Batch::default();
            many.read(&mut batch, usize::MAX).expect("an input that can be read");
            let many: Vec<_> = owned(&batch).collect();
            // With one byte at a time, the data never has more than a line.
            let each: Vec<_> = all(open(&[1]).expect("the same input")).collect();
            prop_assert_eq!(many, each);
        }
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
    fn any_bytes_after_a_json_object_are_one_row_or_bad_row_per_line(
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
    // Compression is slow without optimization.
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
