//! From the bytes of an input to its text in UTF-8: what is compressed is unpacked, what is in
//! another encoding is decoded. What is UTF-8 already passes untouched.

use std::io::{self, BufReader, Cursor, ErrorKind, Read};

use memchr::memchr;

use super::counted::Count;
use super::encoding::Encoding;
use super::errors::unreadable;
use super::unpack::Packing;
use crate::error::{Error, Result};

/// Bytes that tell what an input is.
const TELLING: usize = 6;
/// Bytes that tell whether it is an archive. An input whose first line ends before them is none.
const TELLING_ARCHIVE: usize = 262;
/// Bytes that are read at once of an input that is to be unpacked or decoded.
const BLOCK: usize = 64 * 1024;

type Bytes = Box<dyn Read + Send>;

/// The text of an input.
pub(super) struct Text {
    /// In UTF-8, but for bytes that stand for no character.
    pub(super) bytes: Bytes,
    /// The encoding that it was in.
    pub(super) encoding: Encoding,
    /// Where a place in the text is in the input, unless it is the same.
    pub(super) meter: Option<Meter>,
}

impl Text {
    /// The text of an input that messages call `name`, in a `given` encoding.
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
        refuse_what_is_no_text(&start, packing, name)?;
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

/// The first bytes, and a reader of all bytes, those included. More than the first are asked for: an
/// unpacker that is asked for less than it has waits for more input before it gives the rest.
fn peek(mut input: Bytes) -> io::Result<(Vec<u8>, Bytes)> {
    let (mut start, mut read) = (vec![0; BLOCK], 0);
    let tells = |start: &[u8]| {
        let is_no_archive = || Packing::of(start).is_some() || memchr(b'\n', start).is_some();
        start.len() >= TELLING && (start.len() >= TELLING_ARCHIVE || is_no_archive())
    };
    while !tells(&start[..read]) {
        match input.read(&mut start[read..]) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    start.truncate(read);
    let telling = start[..read.min(TELLING_ARCHIVE)].to_vec();
    Ok((telling, Box::new(Cursor::new(start).chain(input))))
}

/// A byte order mark tells the encoding by itself, and the user must not name another.
fn encoding(start: &[u8], given: Option<Encoding>, name: &str) -> Result<Encoding> {
    match (Encoding::by_mark(start), given) {
        (Some(mark), Some(given)) if mark != given => Err(Error::usage(format!(
            "{name}: starts with the byte order mark of {mark}, and --encoding says {given}"
        ))
        .hint("leave --encoding out: the mark tells")),
        (Some(mark), _) => Ok(mark),
        (None, given) => Ok(given.unwrap_or_default()),
    }
}

/// Inputs that are known by these bytes at this place, what they are, and what to do with them.
const NO_TEXT: [(usize, &[u8], &str, &str); 4] = [
    (
        257,
        b"ustar",
        "a tar archive",
        "take the rows out of it on the way: tar -xOf FILE NAME | recall run -",
    ),
    (
        0,
        b"\xfd7zXZ\0",
        "compressed with xz",
        "unpack it on the way: xz -dc FILE | recall run -",
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

fn refuse_what_is_no_text(start: &[u8], packing: Option<Packing>, name: &str) -> Result<()> {
    if let (Some(outer), Some(_)) = (packing, Packing::of(start)) {
        let tool = outer.name();
        return Err(Error::input(format!("{name}: is compressed twice"))
            .hint(format!("unpack it once: {tool} -dc FILE | recall run -")));
    }
    let is_there = |at: usize, bytes: &[u8]| start.get(at..).is_some_and(|s| s.starts_with(bytes));
    match NO_TEXT.iter().find(|(at, bytes, ..)| is_there(*at, bytes)) {
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
    /// Where in the input a place in its text is, both in bytes; what has been read ahead is taken
    /// off in proportion.
    pub(super) fn place_in_input(&self, place_in_text: u64) -> u64 {
        let (input, text) = (self.input.so_far(), self.text.so_far());
        let place = u128::from(input) * u128::from(place_in_text) / u128::from(text.max(1));
        u64::try_from(place).unwrap_or(input)
    }
}
