//! Compressed inputs, known by their first bytes and unpacked while they are read.

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;

use super::counted::Counted;
use super::file::is_changed;

/// The window of zstd is what it holds in memory: 2^27 bytes, 128 MiB, the most that its own tool
/// takes too, unless told otherwise.
const WINDOW_LOG: u32 = 27;

/// How an input is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    /// That of an input that starts with these bytes.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            // A frame, or a skippable one, with which pzstd begins.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The name of the format, and of the tool that unpacks it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// What was packed, all members or frames one after the other.
    pub(super) fn unpack<'a>(
        self,
        input: Counted<impl BufRead + Send + 'a>,
    ) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Self::Gzip => Box::new(Unpack(Some(GzDecoder::begin(input)?))),
            Self::Zstd => Box::new(Unpack(Some(zstd::Decoder::begin(input)?))),
        })
    }

    /// Whether a member or a frame can start with these bytes, which may be cut off.
    fn can_start_with(self, bytes: &[u8]) -> bool {
        let magic: &[u8] = match (self, bytes) {
            (Self::Gzip, _) => &[0x1f, 0x8b],
            // A frame that is to be skipped.
            (Self::Zstd, [kind @ 0x50..=0x5f, ..]) => &[*kind, 0x2a, 0x4d, 0x18],
            (Self::Zstd, _) => &[0x28, 0xb5, 0x2f, 0xfd],
        };
        bytes.iter().zip(magic).all(|(byte, magic)| byte == magic)
    }
}

/// `x/rows.csv` for `x/rows.csv.gz`; any other name as it is.
pub fn without_packing(path: &Path) -> PathBuf {
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("gz" | "zst") => path.with_extension(""),
        _ => path.to_owned(),
    }
}

/// A member of gzip or a frame of zstd; there may be several.
trait Member: Read + Sized {
    const PACKING: Packing;
    type Input: BufRead;
    fn begin(input: Counted<Self::Input>) -> io::Result<Self>;
    fn input(&mut self) -> &mut Counted<Self::Input>;
    fn into_input(self) -> Counted<Self::Input>;
}

impl<R: BufRead> Member for GzDecoder<Counted<R>> {
    const PACKING: Packing = Packing::Gzip;
    type Input = R;

    fn begin(input: Counted<R>) -> io::Result<Self> {
        Ok(Self::new(input))
    }

    fn input(&mut self) -> &mut Counted<R> {
        self.get_mut()
    }

    fn into_input(self) -> Counted<R> {
        self.into_inner()
    }
}

impl<R: BufRead> Member for zstd::Decoder<'static, Counted<R>> {
    const PACKING: Packing = Packing::Zstd;
    type Input = R;

    fn begin(input: Counted<R>) -> io::Result<Self> {
        let mut frame = Self::with_buffer(input)?.single_frame();
        frame.window_log_max(WINDOW_LOG)?;
        Ok(frame)
    }

    fn input(&mut self) -> &mut Counted<R> {
        self.get_mut()
    }

    fn into_input(self) -> Counted<R> {
        self.into_inner()
    }
}

/// Members one after the other. An error says that the data is damaged, and its format.
struct Unpack<M>(Option<M>);

impl<M: Member> Unpack<M> {
    fn unpack(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let unpacked = member.read(out)?;
            if unpacked > 0 || out.is_empty() {
                return Ok(unpacked);
            }
            if !another_follows(M::PACKING, member.input())? {
                break;
            }
            let input = self.0.take().map(M::into_input);
            self.0 = input.map(M::begin).transpose()?;
        }
        Ok(0)
    }
}

/// Whether another member follows in what is left of the input.
fn another_follows<R: BufRead>(packing: Packing, input: &mut Counted<R>) -> io::Result<bool> {
    loop {
        let bytes = input.fill_buf()?;
        // Tapes and disks pad with zeros, which gzip ignores and zstd does not.
        let is_padding = |byte: &&u8| packing == Packing::Gzip && **byte == 0;
        let padding = bytes.iter().take_while(is_padding).count();
        match &bytes[padding..] {
            [] if bytes.is_empty() => return Ok(false),
            [] => {}
            start if packing.can_start_with(start) => {
                input.consume(padding);
                return Ok(true);
            }
            _ => {
                let at = input.so_far() + padding as u64;
                let behind = Behind { packing, at };
                return Err(io::Error::new(ErrorKind::InvalidData, behind));
            }
        }
        input.consume(padding);
    }
}

/// Something after the end of packed data that is no such data.
#[derive(Debug)]
pub(super) struct Behind {
    packing: Packing,
    /// Bytes of the input before it.
    at: u64,
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, at) = (self.packing.name(), self.at);
        write!(
            f,
            "behind the end of its {name} data, at byte {at}, stands something else"
        )
    }
}

impl Error for Behind {}

impl Behind {
    /// What to do about it: what is before it is whole.
    pub(super) fn hint(&self) -> String {
        let at = self.at;
        format!(
            "leave it out: head -c {at} FILE | recall run -; if a run has called rows of it already, \
             add --resume and its --ledger"
        )
    }
}

/// What follows its packed data, where that is why an input could not be read on.
pub(super) fn behind(error: &io::Error) -> Option<&Behind> {
    error.get_ref()?.downcast_ref()
}

impl<M: Member> Read for Unpack<M> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.unpack(out).map_err(|error| {
            let name = M::PACKING.name();
            match error.kind() {
                ErrorKind::Interrupted => error,
                // The file's own trouble, not that of what is in it.
                _ if error.raw_os_error().is_some() => error,
                _ if is_changed(&error) || behind(&error).is_some() => error,
                ErrorKind::UnexpectedEof => io::Error::new(
                    ErrorKind::UnexpectedEof,
                    format!("its {name} data is cut off"),
                ),
                _ => io::Error::new(
                    ErrorKind::InvalidData,
                    format!("its {name} data can't be unpacked: {error}"),
                ),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::tests::all;
    use crate::rows::{Options, Rows};

    #[test]
    fn an_input_that_starts_with_a_skippable_frame_is_zstd() {
        let frame = zstd::encode_all(&b"group,sender\ng,ann\n"[..], 0).expect("memory has room");
        let skippable = b"\x5f\x2a\x4d\x18\x02\0\0\0xx";
        let mut input = skippable.to_vec();
        input.extend(&frame);
        let input = io::Cursor::new(input);
        let rows = Rows::new(input, "rows", None, &Options::default()).expect("an input");
        assert_eq!(all(rows).count(), 1);
        assert_eq!(Packing::of(b"\x50\x2a\x4d\x18"), Some(Packing::Zstd));
        assert_eq!(Packing::of(b"P*M,group"), None);
    }
}
