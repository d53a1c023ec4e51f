//! Helpers for the tests of every format, and tests of whole inputs.

mod properties;

use std::io;

use super::*;

/// A row or a bad row, as an owned value.
pub(super) type Owned = std::result::Result<Row, BadRow>;

#[expect(clippy::unnecessary_wraps, reason = "the type of a row that was read")]
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

/// Reads a whole input.
pub(super) fn read(text: &[u8], format: Format, options: &Options) -> Vec<Owned> {
    read_in(Chunks::new(text, &[usize::MAX]), format, options)
}

/// Reads CSV with a header.
pub(super) fn csv(text: &str) -> Vec<Owned> {
    read(text.as_bytes(), Format::Csv, &Options::default())
}

/// Reads CSV without a header, with its columns at these positions.
pub(super) fn without_header(text: &str, columns: &str) -> Vec<Owned> {
    read(text.as_bytes(), Format::Csv, &no_header(columns))
}

/// Options for an input without a header.
pub(super) fn no_header(columns: &str) -> Options {
    Options {
        columns: match columns {
            "" => Columns::default(),
            given => given.parse().expect("columns"),
        },
        header: false,
        ..Options::default()
    }
}

/// Reads the next row; `None` at the end.
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

/// Reads the remaining rows.
pub(super) fn all(mut rows: Rows) -> impl Iterator<Item = Owned> {
    std::iter::from_fn(move || next(&mut rows).expect("an input that can be read"))
}

/// Returns the error of an input that can't be opened.
pub(super) fn error(text: &[u8], format: Format, options: &Options) -> String {
    let input = Chunks::new(text, &[usize::MAX]);
    let rows = Rows::new(input, "rows", Some(format), options);
    rows.err().expect("an error").to_string()
}

/// Reads an input in pieces, with and without reading ahead.
fn read_in(input: Chunks, format: Format, options: &Options) -> Vec<Owned> {
    let ahead = read_by(input.clone(), format, options, Rows::read);
    let at_hand = read_by(input, format, options, Rows::read_at_hand);
    assert_eq!(ahead, at_hand);
    ahead
}

fn read_by(
    input: Chunks,
    format: Format,
    options: &Options,
    read: fn(&mut Rows, &mut Batch, usize) -> Result<bool>,
) -> Vec<Owned> {
    let size = input.text.len() as u64;
    let mut rows = Rows::new(input, "rows", Some(format), options).expect("an input");
    let (mut reads, mut batch) = (Vec::new(), Batch::default());
    let mut more = true;
    while more {
        batch.clear();
        more = read(&mut rows, &mut batch, 3).expect("an input that can be read");
        assert!(batch.len() <= 3 && rows.bytes_read() <= size);
        assert!(!more || !batch.is_empty());
        reads.extend(owned(&batch));
    }
    assert_eq!(rows.bytes_read(), size);
    reads
}

/// A reader that returns pieces of these sizes, in a cycle.
#[derive(Clone)]
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
fn rows_can_be_sent_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Rows>();
}

#[test]
fn rows_with_the_same_fault_are_of_one_kind_whatever_the_excerpt() {
    let kind = |format, first: &str, text: &str| {
        let text = format!("{first}\n{text}\n");
        let reads = read(text.as_bytes(), format, &Options::default());
        let bad = reads.into_iter().find_map(Result::err).expect("a bad row");
        assert!(bad.reason.contains(": `"), "{}", bad.reason);
        kind_of_fault(&bad.reason).to_owned()
    };
    let in_csv = |text| kind(Format::Csv, "group,sender", text);
    for (one, other, fault) in [
        ("g", "longer", "1 field instead of 2"),
        (
            "g,u,1",
            "g,u,: `",
            "3 fields instead of 2 (is there a comma that should be in quotes?)",
        ),
        ("g,\"u", "g,\": `", "a quote that is not closed"),
        (
            "g,\u{7}",
            "g,\"a\nb\"",
            "the sender contains a control character",
        ),
        ("group,sender", "\"group\",sender", "the header once more"),
    ] {
        assert_eq!((in_csv(one), in_csv(other)), (fault.into(), fault.into()));
    }
    let in_json = |text| kind(Format::Jsonl, r#"{"group":"g","sender":"u"}"#, text);
    for (one, other, fault) in [
        ("{oops", "  {: `", "broken JSON, key must be a string"),
        ("[1]", r#"["a (object 2"]"#, "not a JSON object"),
        (
            r#"{"group":"g"}"#,
            r#"{"group":" (object 2 of the line)"}"#,
            "no sender",
        ),
        (
            r#"{"group":1.5,"sender":"u"}"#,
            r#"{"group":1e3,"sender":"u"}"#,
            "the group is not a whole number",
        ),
    ] {
        assert_eq!((in_json(one), in_json(other)), (fault.into(), fault.into()));
    }
}

#[test]
fn rows_over_several_lines_with_the_same_fault_are_of_one_kind_without_an_excerpt_too() {
    let reads = csv("group,sender,note\n,u,\"1\n2\"\n,u,\"3\n\n4\"\n");
    let reasons: Vec<_> = reads
        .iter()
        .map(|read| &*read.as_ref().expect_err("a bad row").reason)
        .collect();
    assert_eq!(
        reasons[1],
        "the group is empty (the row covers lines 4 to 6)"
    );
    for reason in reasons {
        assert_eq!(kind_of_fault(reason), "the group is empty");
    }
}

#[test]
fn a_byte_order_mark_at_the_start_of_a_later_line_is_skipped() {
    // As after `cat`.
    let again = "the header once more: `group,sender`";
    assert_eq!(
        csv("group,sender\ng1,u1\n\u{feff}group,sender\ng2,u2\n\u{feff}\"group\",sender\n"),
        [
            row(2, "g1", "u1", ""),
            bad(3, again),
            row(4, "g2", "u2", ""),
            bad(5, again),
        ]
    );
    let first_in_file = "sep=;\n\u{feff}group;sender\ng1;u1\n";
    assert_eq!(csv(first_in_file), [row(3, "g1", "u1", "")]);
    assert_eq!(
        without_header("g1,u1\n\u{feff}\u{feff}g2,u2\n\u{feff}\n\u{feff}", ""),
        [row(1, "g1", "u1", ""), row(2, "g2", "u2", "")]
    );
    let object = |nth: u8| format!("{{\"group\":\"g{nth}\",\n\"user\":\"u{nth}\"}}");
    for (text, second) in [
        (format!("{}\n\u{feff}{}\n\u{feff}", object(1), object(2)), 3),
        (format!("[{}]\n\u{feff}[{}]", object(1), object(2)), 3),
        (
            format!("{}\n\u{feff}{}\n\u{feff}\n", object(1), object(2)).replace(",\n", ","),
            2,
        ),
    ] {
        for sizes in [[usize::MAX], [1]] {
            let input = Chunks::new(text.as_bytes(), &sizes);
            assert_eq!(
                read_in(input, Format::Jsonl, &Options::default()),
                [row(1, "g1", "u1", ""), row(second, "g2", "u2", "")]
            );
        }
    }
}

#[test]
fn a_stray_quote_among_many_rows_costs_the_lines_that_may_be_in_its_field() {
    for (stray, resumes) in [
        ("g\",u", 5_001),
        ("g,u\"", 5_001),
        ("\"g\",\"u\" ", 5_001),
        ("\"g\"x\",u", 5_001),
        ("\"g,u", 5_101),
        ("g,\"u", 5_101),
        ("\"g\"x,u", 5_101),
        ("\",u", 5_101),
    ] {
        let rows = (2..10_002).map(|n| match n {
            5_000 => format!("{stray}\n"),
            // A well-quoted row, not far after it.
            5_100 => "\"g,5100\",\"u\"\n".to_owned(),
            _ => format!("g{n},u{n}\n"),
        });
        let text = "group,sender\n".to_owned() + &rows.collect::<String>();
        let reads = read(text.as_bytes(), Format::Csv, &Options::default());
        let expected: Vec<u64> = (2..=5_000).chain(resumes..10_002).collect();
        assert_eq!(reads.iter().map(line).collect::<Vec<_>>(), expected);
        let mut bad = reads.iter().filter_map(|read| read.as_ref().err());
        let reason = &bad.next().expect("a bad row").reason;
        let says = "(the row covers lines 5000 to 5100, so 101 lines are not read as rows)";
        assert_eq!(reason.contains(says), resumes == 5_101, "{stray}: {reason}");
        assert!(bad.next().is_none());
    }
}

#[test]
fn the_error_of_an_input_that_fails_names_the_last_line_read() {
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
fn the_samples_are_a_spam_wave_in_two_formats_and_its_failed_rows() {
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
    assert_eq!((csv_bad.len(), jsonl_bad.len()), (1, 1));
    assert_eq!(line(&csv_bad[0]), line(&jsonl_bad[0]) + 1);
    assert_eq!(ids(&csv), ids(&jsonl));
    let failed = open("failed-rows.csv");
    assert!(failed.is_failed_rows());
    assert!(all(failed).all(|read| read.is_ok()));
}

#[test]
fn the_size_of_several_files_is_their_total() {
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
    // The whole input has been read in one block.
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
