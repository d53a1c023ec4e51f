//! Checks IDs.
//!
//! The wording of a reason, here and wherever else a row is refused, is part of the ledger's
//! format: a bad row is identified by its line and its reason. If a reason is reworded, `run
//! --resume` no longer recognizes the bad rows in older ledgers, and records them again.

use super::aliases::Field;
use super::encoding::Encoding;
use super::excerpt::excerpt;

/// The maximum length of an exponent in bytes: `E+018`.
const MAX_EXPONENT: usize = 5;

/// Returns the ID of a field as text, or why no call can carry it. An empty topic means no topic.
pub(super) fn id(field: Field, bytes: &[u8], encoding: Encoding) -> Result<&str, String> {
    if bytes.is_empty() && field != Field::Topic {
        return Err(format!("the {field} is empty"));
    }
    let Ok(text) = str::from_utf8(bytes) else {
        let complaint = encoding.complaint();
        return Err(format!("the {field} {complaint}: {}", excerpt(bytes)));
    };
    match complaint(text) {
        Some(complaint) => Err(format!("the {field} {complaint}: {}", excerpt(bytes))),
        None => Ok(text),
    }
}

/// The end of the reason for a bad object that is not the first on its line.
const OBJECT: (&str, &str) = (" (object ", " of the line)");

/// Returns the reason for a bad object, the `nth` on its line. The number keeps it distinct: a bad
/// row is identified by its line and its reason, and a whole array may be one line.
pub(super) fn reason_of_object(reason: String, nth: u64) -> String {
    let (before, after) = OBJECT;
    match nth {
        1 => reason,
        nth => format!("{reason}{before}{nth}{after}"),
    }
}

/// Whether a reason belongs to an object that is not the first on its line.
pub(crate) fn is_of_later_object(reason: &str) -> bool {
    let (before, after) = OBJECT;
    let nth = reason
        .strip_suffix(after)
        .and_then(|reason| reason.rsplit_once(before));
    nth.is_some_and(|(_, nth)| nth.parse::<u64>().is_ok())
}

fn complaint(id: &str) -> Option<&'static str> {
    let is_plain = is_printable_ascii(id.as_bytes());
    if !is_plain && id.contains(char::is_control) {
        Some("contains a control character")
    } else if !is_plain && id.contains(char::REPLACEMENT_CHARACTER) {
        Some("has lost characters on its way here")
    } else if is_rounded_number(id.as_bytes()) {
        Some("is a number that a spreadsheet has rounded")
    } else {
        None
    }
}

/// Checks all bytes without an early exit, so that the compiler vectorizes it.
pub(super) fn is_printable_ascii(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .fold(true, |all, byte| all & (b' '..=b'~').contains(byte))
}

/// Whether it looks like `1.29E+18`, which a spreadsheet makes of a long number; `1,29E+18` with a
/// decimal comma, `1.29e+18` from a data frame, `1.2940304724278354E18` from Java. A bare `1e18`
/// may be a name.
pub(super) fn is_rounded_number(bytes: &[u8]) -> bool {
    // The first and last bytes alone rule out nearly every ID.
    let [b'0'..=b'9', .., b'0'..=b'9'] = bytes else {
        return false;
    };
    let tail = bytes.len().saturating_sub(MAX_EXPONENT);
    let is_e = |byte: &u8| matches!(byte, b'E' | b'e');
    let Some(at) = bytes[tail..].iter().position(is_e) else {
        return false;
    };
    let (mantissa, exponent) = (&bytes[..tail + at], &bytes[tail + at + 1..]);
    let (has_plus, digits) = match exponent {
        [b'+', digits @ ..] => (true, digits),
        [b'-', digits @ ..] | digits => (false, digits),
    };
    let are_digits = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    let is_mantissa = match mantissa {
        [_] => has_plus,
        [_, b'.' | b',', fraction @ ..] => are_digits(fraction),
        _ => false,
    };
    is_mantissa && digits.len() <= 3 && are_digits(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_8(field: Field, bytes: &[u8]) -> Result<&str, String> {
        id(field, bytes, Encoding::default())
    }

    #[test]
    fn an_id_is_any_text_without_control_characters() {
        for text in [
            "@TGS#2C5SZEAEF",
            "@TGS#_@TGS#cQVLVHIM62CJ@TOPIC#_@TOPIC#cRTE3HIM62C5",
            " two spaces ",
            "a,b\"c'",
            "用户",
            "0012",
            "1294030472427835393",
            "E+18",
            "1.E+18",
            "ME+18",
            // Short enough to be a name.
            "1e18",
            "5e-7",
            "1.5e",
            "1.5e1234",
            "12.5e10",
        ] {
            assert_eq!(utf_8(Field::Group, text.as_bytes()), Ok(text));
        }
    }

    #[test]
    fn an_empty_topic_is_accepted_but_not_an_empty_group_or_sender() {
        assert_eq!(utf_8(Field::Topic, b""), Ok(""));
        assert_eq!(
            utf_8(Field::Group, b""),
            Err("the group is empty".to_owned())
        );
        assert_eq!(
            utf_8(Field::Sender, b""),
            Err("the sender is empty".to_owned())
        );
    }

    #[test]
    fn an_id_that_no_call_can_carry_is_refused_and_shown_escaped() {
        for (bytes, reason) in [
            (
                &b"a\x07b"[..],
                r"the sender contains a control character: `a\u{7}b`",
            ),
            (b"a\nb", r"the sender contains a control character: `a\nb`"),
            (
                b"\x7f",
                r"the sender contains a control character: `\u{7f}`",
            ),
            (
                "\u{85}".as_bytes(),
                r"the sender contains a control character: `\u{85}`",
            ),
            (
                b"a\xffb",
                "the sender is not UTF-8 (is it in another --encoding?): `a\u{fffd}b`",
            ),
            (
                "a\u{fffd}".as_bytes(),
                "the sender has lost characters on its way here: `a\u{fffd}`",
            ),
            (
                b"1.29E+18",
                "the sender is a number that a spreadsheet has rounded: `1.29E+18`",
            ),
            (
                b"1,29e+18",
                "the sender is a number that a spreadsheet has rounded: `1,29e+18`",
            ),
            (
                b"2E+15",
                "the sender is a number that a spreadsheet has rounded: `2E+15`",
            ),
            (
                b"1.2940304724278354E18",
                "the sender is a number that a spreadsheet has rounded: `1.2940304724278354E18`",
            ),
            (
                b"1e+9",
                "the sender is a number that a spreadsheet has rounded: `1e+9`",
            ),
            (
                b"1,5E-007",
                "the sender is a number that a spreadsheet has rounded: `1,5E-007`",
            ),
        ] {
            assert_eq!(utf_8(Field::Sender, bytes), Err(reason.to_owned()));
        }
    }
}
