//! Compressed inputs, known by their first bytes and unpacked while they are read.

use std::io::{self, BufRead, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

/// The window of zstd is what it holds in memory: 2^27 bytes, 128 MiB, which is what its own tool
/// takes too unless it is told otherwise.
const WINDOW_LOG: u32 = 27;

/// How an input is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    /// That of an input which starts with these bytes.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
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
        input: impl BufRead + Send + 'a,
    ) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Self::Gzip => Box::new(Unpack {
                input: MultiGzDecoder::new(input),
                packing: self,
            }),
            Self::Zstd => {
                let mut input = zstd::Decoder::with_buffer(input)?;
                input.window_log_max(WINDOW_LOG)?;
                let packing = self;
                Box::new(Unpack { input, packing })
            }
        })
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

/// Says of what is damaged that it is, and of which format.
struct Unpack<R> {
    input: R,
    packing: Packing,
}

impl<R: Read> Read for Unpack<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.input.read(out).map_err(|error| {
            let name = self.packing.name();
            match error.kind() {
                ErrorKind::Interrupted => error,
                // The file's own trouble, not that of what is in it.
                _ if error.raw_os_error().is_some() => error,
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
