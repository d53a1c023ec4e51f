//! Opening of files and stdin: which format an input has, or why it can't be read.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;

use memchr::memchr;

use super::blocks::{Blocks, MAX_RECORD};
use super::delimited::Delimited;
use super::encoding::Encoding;
use super::errors::unreadable;
use super::file;
use super::input::{Input, Reader};
use super::jsonl;
use super::text::Text;
use super::{Format, Options, Rows, Source, Waiting, without_packing};
use crate::error::{Error, Result};
use crate::harmless::harmless;

/// Opens inputs, detects the format of each and reads its header.
///
/// # Errors
///
/// [`Kind::Input`](crate::error::Kind::Input) if one can't be read, is empty, has no known format
/// or has no columns for group and sender; [`Kind::Usage`](crate::error::Kind::Usage) if the
/// options don't fit it, or there are no inputs.
pub fn open(sources: &[Source], options: &Options) -> Result<Rows> {
    let [first, more @ ..] = sources else {
        return Err(Error::usage("there is no input"));
    };
    let mut rows = Rows::of(Input::open(first, options)?, options);
    for source in more {
        let input = Input::open(source, options)?;
        rows.named = true;
        rows.size = rows.size.zip(input.size()).map(|(all, one)| all + one);
        rows.is_failed &= input.is_failed_rows();
        rows.waiting.push_back(match source {
            Source::File(path) if input.size().is_some() => Waiting::File(path.clone()),
            _ => Waiting::Pipe(input),
        });
    }
    Ok(rows)
}

impl Rows {
    /// Reads rows from any reader, which messages call `name`. Without a format, it is detected.
    ///
    /// # Errors
    ///
    /// As for [`open`].
    pub fn new(
        input: impl io::Read + Send + 'static,
        name: &str,
        format: Option<Format>,
        options: &Options,
    ) -> Result<Self> {
        let input = Input::new(Box::new(input), name, format, options)?;
        Ok(Self::of(input, options))
    }

    fn of(input: Input, options: &Options) -> Self {
        Self {
            format: input.format(),
            size: input.size(),
            is_failed: input.is_failed_rows(),
            input,
            waiting: VecDeque::new(),
            options: options.clone(),
            named: false,
            unnamed: None,
            before: 0,
        }
    }
}

impl Input {
    fn open(source: &Source, options: &Options) -> Result<Self> {
        match source {
            Source::Stdin => {
                let name = "stdin";
                // It may be a regular file: `recall run - < rows.csv`.
                let stdin = io::stdin().as_fd().try_clone_to_owned();
                let bytes = stdin.and_then(|stdin| file::bytes(stdin.into()));
                let (bytes, _) = bytes.map_err(|error| unreadable(name, error))?;
                Self::new(bytes, name, None, options)
            }
            Source::File(path) => Self::open_file(path, options),
        }
    }

    pub(super) fn open_file(path: &Path, options: &Options) -> Result<Self> {
        let name = harmless(path);
        let cannot_open =
            |error: io::Error| Error::input(format!("{name}: cannot be opened")).because(error);
        let file = File::open(path).map_err(cannot_open)?;
        let metadata = file.metadata().map_err(cannot_open)?;
        if metadata.is_dir() {
            return Err(Error::input(format!(
                "{name}: is a folder, not a file of rows"
            )));
        }
        let (bytes, size) = file::bytes(file).map_err(cannot_open)?;
        let input = Self::new(bytes, &name, Format::by_name(path), options)?;
        Ok(input.of_size(size))
    }

    fn new(
        input: Box<dyn io::Read + Send>,
        name: &str,
        format: Option<Format>,
        options: &Options,
    ) -> Result<Self> {
        let Text {
            bytes,
            encoding,
            meter,
        } = Text::open(input, name, options.encoding)?;
        let mut blocks = Blocks::new(bytes);
        blocks.line().map_err(|error| unreadable(name, error))?;
        refuse_zeros(blocks.data(), encoding, name)?;
        blocks.skip_mark();
        let format = format.unwrap_or_else(|| sniff(blocks.data()));
        let reader: Box<dyn Reader + Send> = match format {
            Format::Jsonl if !options.header => {
                return Err(Error::usage(format!(
                    "--no-header is for CSV and TSV, and {name} is JSONL"
                )));
            }
            Format::Jsonl => jsonl::open(blocks, encoding, &options.columns, name)?,
            Format::Csv | Format::Tsv => {
                refuse_json(blocks.data(), name)?;
                refuse_lone_returns(blocks.data(), name)?;
                let delimiter = if format == Format::Tsv { b'\t' } else { b',' };
                let rows = Delimited::open(blocks, delimiter, encoding, options, name)?;
                Box::new(rows)
            }
        };
        Ok(Self::of_reader(reader, format, name, meter))
    }
}

impl Format {
    /// Returns the format that the extension of a file stands for, if any.
    pub fn by_name(path: &Path) -> Option<Self> {
        let extension = without_packing(path)
            .extension()?
            .to_str()?
            .to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

fn sniff(start: &[u8]) -> Format {
    let line = memchr(b'\n', start).map_or(start, |newline| &start[..newline]);
    let has = |byte| memchr(byte, line).is_some();
    if is_json(start) != Some(false) {
        Format::Jsonl
    } else if has(b'\t') && !has(b',') {
        Format::Tsv
    } else {
        Format::Csv
    }
}

/// Whether the text starts like a JSON object or an array of them; `None` if it is too short to
/// tell, because column names and IDs may start with a bracket too.
fn is_json(start: &[u8]) -> Option<bool> {
    let (rest, of_json) = match start.trim_ascii_start() {
        [b'{', rest @ ..] => (rest, b"\"}"),
        [b'[', rest @ ..] => (rest, b"{]"),
        _ => return Some(false),
    };
    let next = rest.trim_ascii_start().first()?;
    Some(of_json.contains(next))
}

fn refuse_json(start: &[u8], name: &str) -> Result<()> {
    if is_json(start) == Some(true) {
        return Err(
            Error::input(format!("{name}: is JSON, and its name says CSV or TSV"))
                .hint("give it a name that ends in .jsonl"),
        );
    }
    Ok(())
}

/// Text with two bytes per character contains zeros, if only in its commas. Other text has none.
fn refuse_zeros(start: &[u8], encoding: Encoding, name: &str) -> Result<()> {
    let line = memchr(b'\n', start).map_or(start, |newline| &start[..newline]);
    let pairs = line.chunks(2);
    let with_zero = pairs.clone().filter(|pair| pair.contains(&0)).count();
    let Some(first) = memchr(0, line).filter(|_| with_zero * 3 >= pairs.len()) else {
        return Ok(());
    };
    if encoding.is_utf_16() || pairs.clone().any(|pair| pair == [0, 0]) {
        return Err(
            Error::input(format!("{name}: is not text: it is full of zero bytes"))
                .hint("rows are text: CSV, TSV or JSONL"),
        );
    }
    let order = if first % 2 == 0 { "be" } else { "le" };
    Err(Error::input(format!(
        "{name}: seems to be UTF-16 without a byte order mark"
    ))
    .hint(format!("name it: --encoding utf-16{order}")))
}

/// With a carriage return alone as the line end, the whole file would be one line.
fn refuse_lone_returns(start: &[u8], name: &str) -> Result<()> {
    let window = &start[..start.len().min(MAX_RECORD)];
    let line = memchr(b'\n', window).map_or(window, |newline| &window[..newline]);
    if memchr(b'\r', line.trim_ascii_end()).is_some() {
        return Err(Error::input(format!(
            "{name}: its lines end with a carriage return alone"
        ))
        .hint(r"convert them to line feeds: tr '\r' '\n' < FILE | recall run -"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::error::Kind;
    use crate::rows::tests::all;

    fn format(text: &'static str) -> Format {
        let options = Options::default();
        Rows::new(text.as_bytes(), "stdin", None, &options)
            .unwrap()
            .format()
    }

    fn error(text: &'static [u8], options: &Options) -> String {
        let rows = Rows::new(text, "stdin", None, options);
        rows.err().unwrap().to_string()
    }

    fn open_error(path: &Path) -> Error {
        let source = Source::from(path.to_owned());
        open(&[source], &Options::default()).err().unwrap()
    }

    #[test]
    fn a_bracket_alone_is_not_enough_to_tell_whether_it_is_json() {
        let found = ["{", "\t\n{ ", "{\t0", "{ \"", "[", "[{", "[0", "a{"];
        let found = found.map(|start| is_json(start.as_bytes()));
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(found, [None, None, no, yes, None, yes, no, no]);
    }

    #[test]
    fn without_a_known_extension_the_first_bytes_determine_the_format() {
        assert_eq!(format("group,sender\n"), Format::Csv);
        assert_eq!(format("group\tsender\n"), Format::Tsv);
        assert_eq!(format("group,sender\tx,user\n"), Format::Csv);
        assert_eq!(format(" {\"group\":1,\"user\":2}"), Format::Jsonl);
        assert_eq!(format("\u{feff}{\"group\":1,\"user\":2}"), Format::Jsonl);
    }

    #[test]
    fn a_known_extension_determines_the_format() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text, format) in [
            ("a.csv", "group,user\n", Format::Csv),
            ("b.TSV", "group\tuser\n", Format::Tsv),
            ("c.jsonl", "{\"group\":1,\"user\":2}", Format::Jsonl),
            ("d.NdJson", "\n{\"group\":1,\"user\":2}", Format::Jsonl),
            ("e.json", "{\"group\":1,\"user\":2}", Format::Jsonl),
            ("f", "group\tuser\n", Format::Tsv),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let rows = open(&[Source::File(path)], &Options::default()).unwrap();
            assert_eq!(rows.format(), format);
            assert_eq!(rows.size(), Some(text.len() as u64));
        }
    }

    #[test]
    fn a_dash_is_stdin() {
        assert_eq!(Source::from(Path::new("-").to_owned()), Source::Stdin);
        assert_ne!(Source::from(Path::new("./-").to_owned()), Source::Stdin);
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_first_column() {
        let text = "\u{feff}group,sender\ng,u\n";
        let rows = Rows::new(text.as_bytes(), "stdin", None, &Options::default()).unwrap();
        assert_eq!(all(rows).count(), 1);
    }

    #[test]
    fn errors_name_a_missing_file_a_folder_and_an_empty_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let missing = open_error(&path.join("gone.csv"));
        assert_eq!(missing.kind(), Kind::Input);
        assert!(missing.to_string().contains("gone.csv: cannot be opened: "));
        let is_folder = format!("{}: is a folder, not a file of rows", path.display());
        assert_eq!(open_error(path).to_string(), is_folder);
        std::fs::write(path.join("empty.csv"), "\n\r\n").unwrap();
        let empty = open_error(&path.join("empty.csv")).to_string();
        assert!(empty.ends_with("empty.csv: is empty: 0 rows and no header"));
    }

    #[test]
    fn an_input_that_is_not_text_is_refused_with_a_hint() {
        let options = Options::default();
        for (text, start, end) in [
            (
                &b"PK\x03\x04"[..],
                "stdin: is a zip file or a spreadsheet, not",
                "save the sheet as CSV UTF-8",
            ),
            (
                b"group,user\rg,u\r",
                "stdin: its lines end with a carriage return alone",
                r"tr '\r' '\n' < FILE | recall run -",
            ),
        ] {
            let error = error(text, &options);
            assert!(error.starts_with(start) && error.ends_with(end), "{error}");
        }
    }

    #[test]
    fn no_header_is_refused_for_jsonl() {
        let options = Options {
            header: false,
            ..Options::default()
        };
        assert_eq!(
            error(b"{}", &options),
            "--no-header is for CSV and TSV, and stdin is JSONL"
        );
    }
}
