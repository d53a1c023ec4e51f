//! The encodings of inputs, and decoding to UTF-8.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::str::FromStr;

use encoding_rs::{Decoder, DecoderResult, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::{Error, Result};

/// Replaces bytes that can't be decoded. It never occurs in UTF-8, so an ID that contains it is
/// bad, whereas U+FFFD would be text like any other.
const UNDECODABLE: u8 = 0xff;

/// An encoding, by any of its labels in the WHATWG standard: `gb18030`, `gbk`, `utf-16le`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Default for Encoding {
    fn default() -> Self {
        Self(UTF_8)
    }
}

impl FromStr for Encoding {
    type Err = Error;

    fn from_str(label: &str) -> Result<Self> {
        encoding_rs::Encoding::for_label_no_replacement(label.as_bytes())
            .map(Self)
            .ok_or_else(|| {
                Error::usage(format!("--encoding: `{label}` is not a known encoding"))
                    .hint("examples: gb18030, big5, shift-jis, euc-kr, windows-1252, utf-16le")
            })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl Encoding {
    /// Returns the encoding that a byte order mark at the start of a text stands for.
    pub(super) fn by_mark(start: &[u8]) -> Option<Self> {
        encoding_rs::Encoding::for_bom(start).map(|(encoding, _)| Self(encoding))
    }

    pub(super) fn is_utf_8(self) -> bool {
        self.0 == UTF_8
    }

    /// Whether it is UTF-16, with two or four bytes per character.
    pub(super) fn is_utf_16(self) -> bool {
        [UTF_16LE, UTF_16BE].contains(&self.0)
    }

    /// Returns the complaint about bytes that can't be decoded.
    pub(super) fn complaint(self) -> String {
        if self.is_utf_8() {
            "is not UTF-8 (is it in another --encoding?)".to_owned()
        } else {
            format!("is not {self}")
        }
    }

    /// Decodes text to UTF-8, and removes its byte order mark.
    pub(super) fn decode<R: BufRead>(self, input: R) -> Decode<R> {
        Decode {
            input,
            decoder: self.0.new_decoder_with_bom_removal(),
            ended: false,
        }
    }
}

/// Decodes text to UTF-8 while it is read.
pub(super) struct Decode<R> {
    input: R,
    decoder: Decoder,
    ended: bool,
}

impl<R: BufRead> Read for Decode<R> {
    /// Reads at least one character, for which `out` must have room: 16 bytes are enough.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let (mut written, mut full) = (0, false);
        while written == 0 && !full && !self.ended {
            let mut bytes = self.input.fill_buf()?;
            let (whole, last) = (bytes.len(), bytes.is_empty());
            loop {
                // One byte is reserved for `UNDECODABLE`.
                let end = out.len() - 1;
                let (result, used, more) = self.decoder.decode_to_utf8_without_replacement(
                    bytes,
                    &mut out[written..end],
                    last,
                );
                bytes = &bytes[used..];
                written += more;
                match result {
                    DecoderResult::InputEmpty => self.ended = last,
                    DecoderResult::OutputFull => full = true,
                    DecoderResult::Malformed(..) => {
                        out[written] = UNDECODABLE;
                        written += 1;
                        full = written > end;
                        if !full {
                            continue;
                        }
                    }
                }
                break;
            }
            let used = whole - bytes.len();
            self.input.consume(used);
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    const LABELS: [&str; 9] = [
        "utf-8",
        "utf-16le",
        "utf-16be",
        "gb18030",
        "big5",
        "shift_jis",
        "euc-kr",
        "iso-2022-jp",
        "windows-1252",
    ];

    /// Decodes bytes that arrive in pieces of one size into pieces of another.
    fn decode(encoding: Encoding, bytes: &[u8], size: usize, room: usize) -> Vec<u8> {
        let mut decode = encoding.decode(BufReader::with_capacity(size, bytes));
        let mut decoded = Vec::new();
        let mut out = vec![0; room];
        loop {
            match decode.read(&mut out).expect("memory can be read") {
                0 => return decoded,
                count => decoded.extend_from_slice(&out[..count]),
            }
        }
    }

    /// Damaged text in some encoding, or arbitrary bytes.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let text = "[a-z,\n用户é€\u{1f600}]{0,80}";
        let encoded = (text, prop::sample::select(&LABELS[..])).prop_map(|(text, label)| {
            let encoding: Encoding = label.parse().expect("a label");
            encoding.0.encode(&text).0.into_owned()
        });
        let utf_16 = text.prop_map(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
        let damaged =
            (prop_oneof![encoded, utf_16], damage).prop_map(|(mut bytes, damage): (Vec<u8>, _)| {
                for (at, byte) in damage {
                    bytes.insert(at.index(bytes.len() + 1), byte);
                }
                bytes
            });
        prop_oneof![3 => damaged, 1 => prop::collection::vec(any::<u8>(), 0..100)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_size_of_the_pieces_does_not_matter_and_damage_never_becomes_a_character(
            bytes in bytes(),
            label in prop::sample::select(&LABELS[..]),
            size in 1..40_usize,
            room in 16..60_usize,
        ) {
            let encoding: Encoding = label.parse().expect("a label");
            let decoded = decode(encoding, &bytes, size, room);
            let pieces = decoded.split(|byte| *byte == UNDECODABLE);
            let pieces: Vec<_> = pieces.map(|piece| str::from_utf8(piece).expect("UTF-8")).collect();
            let (lossy, _) = encoding.0.decode_with_bom_removal(&bytes);
            prop_assert_eq!(pieces.join("\u{fffd}"), lossy);
        }
    }

    #[test]
    fn damage_never_swallows_a_comma_or_a_line_end() {
        for (label, bytes, decoded) in [
            ("gb18030", &b"a\x81,b\n"[..], &b"a\xff,b\n"[..]),
            ("gb18030", b"a\x81\x30\x81\nb", b"a\xff0\xff\nb"),
            ("utf-16le", b"a\0\0\xd8,\0", b"a\xff,"),
            ("shift_jis", b"\x81\n", b"\xff\n"),
            ("utf-16le", b"a\0b", b"a\xff"),
        ] {
            let encoding: Encoding = label.parse().expect("a label");
            assert_eq!(decode(encoding, bytes, 64, 64), decoded, "{label}");
        }
    }

    #[test]
    fn labels_are_those_of_the_whatwg_standard() {
        let name = |label: &str| {
            label
                .parse::<Encoding>()
                .map(|encoding| encoding.to_string())
        };
        for (label, known) in [
            ("GB18030", "gb18030"),
            ("gb2312", "GBK"),
            (" utf8 ", "UTF-8"),
        ] {
            assert_eq!(name(label).expect("a label"), known);
        }
        for unknown in ["", "utf", "replacement", "iso-2022-kr"] {
            assert!(name(unknown).is_err(), "{unknown}");
        }
    }
}
