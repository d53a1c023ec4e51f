//! Turns the bytes of an input into UTF-8 text: decompresses and decodes it if needed. Plain UTF-8
//! passes through unchanged.

use std::io::{self, BufReader, Cursor, ErrorKind, Read};

use memchr::memchr;

use super::counted::Count;
use super::encoding::Encoding;
use super::errors::unreadable;
use super::unpack::Packing;
use crate::error::{Error, Result};

/// Bytes needed to detect compression and encoding.
const MAGIC_LEN: usize = 6;
/// Bytes needed to detect a tar archive. An input whose first line ends before that is not one.
const ARCHIVE_MAGIC_LEN: usize = 262;
/// Bytes read at once from an input that is decompressed or decoded.
const BLOCK: usize = 64 * 1024;

type Bytes = Box<dyn Read + Send>;

/// The text of an input.
pub(super) struct Text {
    /// In UTF-8, except for bytes that could not be decoded.
    pub(super) bytes: Bytes,
    /// The original encoding.
    pub(super) encoding: Encoding,
    /// Maps a position in the text to one in the input, unless they are the same.
    pub(super) meter: Option<Meter>,
}

impl Text {
    /// Opens the text of an input, which messages call `name`, in a `given` encoding.
    pub(super) fn open(input: Bytes, name: &str, given: Option<Encoding>) -> Result<Self> {
        let meter = Meter::default();
        let fail = |error| unreadable(name, error);
        let (mut start, mut input) = peek(input).map_err(fail)?;
        let packing = Packing::of(&start);
        if let Some(packing) = packing {
            let packed = meter.input.count(BufReader::with_capacity(BLOCK, input));
            let unpacked = packing.unpack(packed).map_err(fail)?;
            (start, input) = peek(unpacked).map_err(fail)?;
        }
        refuse_non_text(&start, packing, name)?;
        let encoding = encoding(&start, given, name)?;
        if !encoding.is_utf_8() {
            let encoded = BufReader::with_capacity(BLOCK, input);
            input = match packing {
                Some(_) => Box::new(encoding.decode(encoded)),
                None => Box::new(encoding.decode(meter.input.count(encoded))),
            };
        } else if packing.is_none() {
            return Ok(Self {
                bytes: input,
                encoding,
                meter: None,
            });
        }
        Ok(Self {
            bytes: Box::new(meter.text.count(input)),
            encoding,
            meter: Some(meter),
        })
    }
}

/// Returns the first bytes, and a reader of all bytes including them. It asks for more than it
/// needs: a decompressor that is asked for less than it has waits for more input before it returns
/// the rest.
fn peek(mut input: Bytes) -> io::Result<(Vec<u8>, Bytes)> {
    let (mut start, mut read) = (vec![0; BLOCK], 0);
    let suffices = |start: &[u8]| {
        let is_not_archive = || Packing::of(start).is_some() || memchr(b'\n', start).is_some();
        start.len() >= MAGIC_LEN && (start.len() >= ARCHIVE_MAGIC_LEN || is_not_archive())
    };
    while !suffices(&start[..read]) {
        match input.read(&mut start[read..]) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    start.truncate(read);
    let first = start[..read.min(ARCHIVE_MAGIC_LEN)].to_vec();
    Ok((first, Box::new(Cursor::new(start).chain(input))))
}

/// A byte order mark determines the encoding; the user must not give a different one.
fn encoding(start: &[u8], given: Option<Encoding>, name: &str) -> Result<Encoding> {
    match (Encoding::by_mark(start), given) {
        (Some(mark), Some(given)) if mark != given => Err(Error::usage(format!(
            "{name}: starts with the byte order mark of {mark}, and --encoding says {given}"
        ))
        .hint("leave out --encoding: the mark determines the encoding")),
        (Some(mark), _) => Ok(mark),
        (None, given) => Ok(given.unwrap_or_default()),
    }
}

/// Inputs that are not text: the position and the bytes of their magic, what they are, and a hint.
const NOT_TEXT: [(usize, &[u8], &str, &str); 4] = [
    (
        257,
        b"ustar",
        "a tar archive",
        "extract the rows: tar -xOf FILE NAME | recall run -",
    ),
    (
        0,
        b"\xfd7zXZ\0",
        "compressed with xz",
        "decompress it: xz -dc FILE | recall run -",
    ),
    (
        0,
        b"PK\x03\x04",
        "a zip file or a spreadsheet",
        "save the sheet as CSV UTF-8",
    ),
    (
        0,
        b"\xd0\xcf\x11\xe0",
        "a spreadsheet",
        "save the sheet as CSV UTF-8",
    ),
];

fn refuse_non_text(start: &[u8], packing: Option<Packing>, name: &str) -> Result<()> {
    if let (Some(outer), Some(_)) = (packing, Packing::of(start)) {
        let tool = outer.name();
        return Err(
            Error::input(format!("{name}: is compressed twice")).hint(format!(
                "decompress it once: {tool} -dc FILE | recall run -"
            )),
        );
    }
    let is_there = |at: usize, bytes: &[u8]| start.get(at..).is_some_and(|s| s.starts_with(bytes));
    match NOT_TEXT.iter().find(|(at, bytes, ..)| is_there(*at, bytes)) {
        Some((.., what, hint)) => {
            Err(Error::input(format!("{name}: is {what}, not text")).hint(*hint))
        }
        None => Ok(()),
    }
}

/// How much of an input has been read, and how much text that was.
#[derive(Default)]
pub(super) struct Meter {
    input: Count,
    text: Count,
}

impl Meter {
    /// Maps a position in the text to one in the input, both in bytes. It assumes that the input
    /// was compressed evenly.
    pub(super) fn place_in_input(&self, place_in_text: u64) -> u64 {
        let (input, text) = (self.input.so_far(), self.text.so_far());
        let place = u128::from(input) * u128::from(place_in_text) / u128::from(text.max(1));
        u64::try_from(place).unwrap_or(input)
    }
}
