//! Decompression of inputs, which are recognized by their first bytes.

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;

use super::counted::Counted;
use super::file::is_changed;

/// The maximum window of zstd, which it holds in memory: 2^27 bytes, 128 MiB. The zstd tool has the
/// same default.
const WINDOW_LOG: u32 = 27;

/// How an input is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    /// Detects the compression of an input by its first bytes.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            // A frame, or a skippable frame: pzstd writes one first.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Returns the name of the format and of its tool.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Decompresses all members or frames of an input.
    pub(super) fn unpack<'a>(
        self,
        input: Counted<impl BufRead + Send + 'a>,
    ) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Self::Gzip => Box::new(Unpack(Some(GzDecoder::begin(input)?))),
            Self::Zstd => Box::new(Unpack(Some(zstd::Decoder::begin(input)?))),
        })
    }

    /// Whether a member or a frame can start with these bytes, of which there may be too few.
    fn can_start_with(self, bytes: &[u8]) -> bool {
        let magic: &[u8] = match (self, bytes) {
            (Self::Gzip, _) => &[0x1f, 0x8b],
            // A skippable frame.
            (Self::Zstd, [kind @ 0x50..=0x5f, ..]) => &[*kind, 0x2a, 0x4d, 0x18],
            (Self::Zstd, _) => &[0x28, 0xb5, 0x2f, 0xfd],
        };
        bytes.iter().zip(magic).all(|(byte, magic)| byte == magic)
    }
}

/// Returns `x/rows.csv` for `x/rows.csv.gz`, and any other name unchanged.
pub fn without_packing(path: &Path) -> PathBuf {
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("gz" | "zst") => path.with_extension(""),
        _ => path.to_owned(),
    }
}

/// A gzip member or a zstd frame. An input may have several.
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

/// Decompresses consecutive members. Its errors name the format.
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

/// Whether another member follows in the rest of the input.
fn another_follows<R: BufRead>(packing: Packing, input: &mut Counted<R>) -> io::Result<bool> {
    loop {
        let bytes = input.fill_buf()?;
        // Tapes and disks pad files with zeros. The gzip tool ignores them, zstd doesn't.
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
                let trailing = TrailingData { packing, at };
                return Err(io::Error::new(ErrorKind::InvalidData, trailing));
            }
        }
        input.consume(padding);
    }
}

/// Something else after the end of compressed data.
#[derive(Debug)]
pub(super) struct TrailingData {
    packing: Packing,
    /// Bytes of the input before it.
    at: u64,
}

impl fmt::Display for TrailingData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, at) = (self.packing.name(), self.at);
        write!(
            f,
            "its {name} data ends at byte {at}, and something else follows"
        )
    }
}

impl Error for TrailingData {}

impl TrailingData {
    /// Returns what to do about it. The data before it is complete.
    pub(super) fn hint(&self) -> String {
        let at = self.at;
        format!(
            "leave it out: head -c {at} FILE | recall run -; if a run has already called some of its \
             rows, add --resume and its --ledger"
        )
    }
}

/// Returns the trailing data if that is the cause of an error.
pub(super) fn trailing_data(error: &io::Error) -> Option<&TrailingData> {
    error.get_ref()?.downcast_ref()
}

impl<M: Member> Read for Unpack<M> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.unpack(out).map_err(|error| {
            let name = M::PACKING.name();
            match error.kind() {
                ErrorKind::Interrupted => error,
                // The cause is the file, not the compressed data.
                _ if error.raw_os_error().is_some() => error,
                _ if is_changed(&error) || trailing_data(&error).is_some() => error,
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
