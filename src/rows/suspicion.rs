//! Suspicious rows: a call can carry them, but they are probably wrong.
//!
//! None of these signs is certain, because the service may know IDs that its documentation does not
//! mention. So such a row is sent as it is, unless the operator is
//! [strict](super::Options::strict); `check` shows it before a run.

use memchr::memchr_iter;

use super::aliases::{Field, is_usual_name};
use super::check::is_printable_ascii;
use super::excerpt::excerpt;

/// The maximum length of `GroupId`, `Sender_Account` and `TopicId` in bytes, by [`Field`] (listed).
const MAX_LEN: [usize; 3] = [48, 32, 96];
/// Digits that a spreadsheet keeps of a number; it replaces the others with zeros.
const KEPT_DIGITS: usize = 15;
/// Digits that programs such as jq before 1.7 and JavaScript write of a floating-point number. One
/// more digit may be a zero by chance.
const WRITTEN_DIGITS: usize = 17;
/// The prefix of generated group IDs (listed).
const GROUP: &str = "@TGS#";
/// The separator after the group's ID in the ID of a topic (listed).
const TOPIC: &str = "@TOPIC#_";
/// What spreadsheets show for a formula that they can't evaluate. They take `@TGS#2ABC` for one.
const FORMULA_ERRORS: [&str; 7] = [
    "#NAME?", "#REF!", "#VALUE!", "#N/A", "#NUM!", "#NULL!", "#DIV/0!",
];
/// What programs write for a missing value; databases write `\N`.
const MISSING_VALUES: [&str; 9] = [
    "null",
    "nil",
    "none",
    "undefined",
    "nan",
    "n/a",
    "\\n",
    "-",
    "--",
];

/// Returns what is suspicious about a row; the most telling sign if there are several.
pub(super) fn of([group, sender, topic]: [&str; 3]) -> Option<String> {
    // Cheap, and rules out nearly all pairs of IDs.
    let names = [group, sender];
    if names.into_iter().all(has_letters_at_its_ends) && names.into_iter().all(is_usual_name) {
        return Some(reason(
            "group and sender are the names of columns (is this another header?)",
            &format!("{group},{sender}"),
        ));
    }
    if sender.starts_with(GROUP) {
        return Some(reason(
            "the sender is a group's ID (are the columns swapped?)",
            sender,
        ));
    }
    // Much faster than `contains` for texts this short.
    if memchr_iter(b'@', group.as_bytes()).any(|at| group[at..].starts_with(TOPIC)) {
        return Some(reason("the group is a topic's ID", group));
    }
    let topic_of_group = topic
        .strip_prefix(group)
        .is_some_and(|rest| rest.starts_with(TOPIC));
    if !topic.is_empty() && !topic_of_group {
        return Some(reason("the topic does not belong to the group", topic));
    }
    Field::ALL
        .into_iter()
        .zip([group, sender, topic])
        .find_map(|(field, id)| of_id(field, id))
}

fn of_id(field: Field, id: &str) -> Option<String> {
    let longest = MAX_LEN[field as usize];
    let complaint = if id.len() > longest {
        format!("is longer than {longest} bytes")
    } else if id.starts_with(' ') || id.ends_with(' ') {
        "starts or ends with a space".to_owned()
    } else if !is_printable_ascii(id.as_bytes()) {
        "has characters other than printable ASCII".to_owned()
    } else if let Some(zeros) = ends_in_zeros(id.as_bytes()) {
        zeros.to_owned()
    } else if let Some(trace) = trace_of_a_spreadsheet(id.as_bytes()) {
        trace.to_owned()
    } else if FORMULA_ERRORS.contains(&id) {
        "is what a spreadsheet shows instead of a formula".to_owned()
    } else if MISSING_VALUES
        .iter()
        .any(|word| id.eq_ignore_ascii_case(word))
    {
        "is a word for nothing".to_owned()
    } else {
        return None;
    };
    Some(reason(&format!("the {field} {complaint}"), id))
}

fn has_letters_at_its_ends(id: &str) -> bool {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    is_letter(id.as_bytes().first()) && is_letter(id.as_bytes().last())
}

/// Returns the trace that a spreadsheet or a data frame left on a numeric ID, or the prefix that
/// someone put there to prevent one.
fn trace_of_a_spreadsheet(id: &[u8]) -> Option<&'static str> {
    match id {
        [b'\'', ..] | [b'=', b'"', ..] => {
            Some("starts with what tells a spreadsheet that it is text")
        }
        [b'0'..=b'9', b'e' | b'E', b'0'..=b'9', b'0'..=b'9'] => {
            Some("looks like a number that has been rounded")
        }
        // The first and last bytes alone rule out nearly every other ID.
        [b'0'..=b'9', .., b'0'] if is_whole_with_decimals(id) => {
            Some("has decimals, as numbers in a column with gaps do")
        }
        [b'0'..=b'9', .., b',', _, _, b'0'..=b'9'] if is_grouped(id) => {
            Some("has its digits in groups, as a spreadsheet shows numbers")
        }
        _ => None,
    }
}

/// `12345.0`
fn is_whole_with_decimals(id: &[u8]) -> bool {
    let point = id.iter().rposition(|byte| *byte != b'0');
    point.is_some_and(|at| id[at] == b'.' && id[..at].iter().all(u8::is_ascii_digit))
}

/// `1,294,030`
fn is_grouped(id: &[u8]) -> bool {
    let mut from_the_right = id.iter().rev().enumerate();
    from_the_right.all(|(at, byte)| match at % 4 {
        3 => *byte == b',',
        _ => byte.is_ascii_digit(),
    })
}

fn ends_in_zeros(id: &[u8]) -> Option<&'static str> {
    // The last byte alone rules out nearly every ID.
    let [.., b'0'] = id else { return None };
    let zeros = id.iter().rev().take_while(|digit| **digit == b'0').count();
    let kept = id.len() - zeros;
    if !id.iter().all(u8::is_ascii_digit) {
        None
    } else if id.len() > KEPT_DIGITS && kept <= KEPT_DIGITS {
        Some("ends in zeros, as numbers do that a spreadsheet has rounded")
    } else if id.len() > WRITTEN_DIGITS && zeros > 1 {
        Some("ends in zeros, as long numbers do that jq or JavaScript has rounded")
    } else {
        None
    }
}

fn reason(what: &str, id: &str) -> String {
    format!("{what}: {}", excerpt(id.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspicion(group: &str, sender: &str, topic: &str) -> Option<String> {
        of([group, sender, topic])
    }

    #[test]
    fn ids_from_the_documentation_of_the_service_are_not_suspicious() {
        let community = "@TGS#_@TGS#cQVLVHIM62CJ";
        let topic = format!("{community}@TOPIC#_@TOPIC#cRTE3HIM62C5");
        for (group, sender, topic) in [
            ("@TGS#2C5SZEAEF", "leckie", ""),
            (community, "user_1", &topic),
            ("a group, \"quoted\"", "0", ""),
            ("g", "1294030472427835393", ""),
            // As long as the longest number that a spreadsheet keeps intact.
            ("g", "100000000000000", ""),
            ("g", "12940304724278510", ""),
            ("g", "1294030472427835390", ""),
            ("g", "user12940304724278354000", ""),
            ("g", "none of them", ""),
            ("group_1", "user", ""),
            ("group", "user_1", ""),
            ("g", "v2.0", ""),
            ("1,2", "12,34,567", ""),
            ("g", "=", ""),
            (&"g".repeat(48), &"u".repeat(32), ""),
        ] {
            assert_eq!(suspicion(group, sender, topic), None, "{group} {sender}");
        }
    }

    #[test]
    fn a_row_that_is_probably_wrong_is_suspicious() {
        let topic = "@TGS#_a@TOPIC#_b";
        for (group, sender, topic, what) in [
            (
                "leckie",
                "@TGS#2C5SZEAEF",
                "",
                "the sender is a group's ID (are the columns swapped?): `@TGS#2C5SZEAEF`",
            ),
            (
                topic,
                "u",
                "",
                "the group is a topic's ID: `@TGS#_a@TOPIC#_b`",
            ),
            (
                "@TGS#_b",
                "u",
                topic,
                "the topic does not belong to the group: `@TGS#_a@TOPIC#_b`",
            ),
            (
                "@TGS#_a",
                "u",
                "@TGS#_a",
                "the topic does not belong to the group: `@TGS#_a`",
            ),
            (
                "g",
                "u ",
                "",
                "the sender starts or ends with a space: `u `",
            ),
            (
                "群",
                "u",
                "",
                "the group has characters other than printable ASCII: `群`",
            ),
            (
                "g",
                "1294030472427830000",
                "",
                "the sender ends in zeros, as numbers do that a spreadsheet has rounded: \
                 `1294030472427830000`",
            ),
            (
                "#NAME?",
                "u",
                "",
                "the group is what a spreadsheet shows instead of a formula: `#NAME?`",
            ),
            ("g", "-", "", "the sender is a word for nothing: `-`"),
            ("--", "u", "", "the group is a word for nothing: `--`"),
            ("g", "NULL", "", "the sender is a word for nothing: `NULL`"),
            (
                "g",
                "undefined",
                "",
                "the sender is a word for nothing: `undefined`",
            ),
        ] {
            assert_eq!(suspicion(group, sender, topic).as_deref(), Some(what));
        }
    }

    #[test]
    fn traces_of_a_spreadsheet_are_suspicious() {
        let is_text = "starts with what tells a spreadsheet that it is text";
        let is_float = "has decimals, as numbers in a column with gaps do";
        let is_grouped = "has its digits in groups, as a spreadsheet shows numbers";
        for (id, what) in [
            ("1e18", "looks like a number that has been rounded"),
            ("12345.0", is_float),
            ("1294030472427830000.00", is_float),
            ("1,294,030", is_grouped),
            ("12,345", is_grouped),
            ("'1294030472427835393", is_text),
            ("=\"1294030472427835393\"", is_text),
        ] {
            let expected = format!("the sender {what}: `{id}`");
            assert_eq!(suspicion("g", id, ""), Some(expected));
        }
    }

    #[test]
    fn numbers_that_a_program_has_rounded_are_suspicious() {
        let rounded = "ends in zeros, as long numbers do that jq or JavaScript has rounded";
        for id in [
            "1294030472427835400",
            "144115198577104100",
            "12940304724278354000",
        ] {
            let expected = format!("the sender {rounded}: `{id}`");
            assert_eq!(suspicion("g", id, ""), Some(expected));
        }
    }

    #[test]
    fn another_header_is_suspicious_whatever_its_column_order() {
        for (group, sender, topic) in [
            ("Group_ID", "From Account", ""),
            ("user", "group", "TopicId"),
        ] {
            let expected = format!(
                "group and sender are the names of columns (is this another header?): \
                 `{group},{sender}`"
            );
            assert_eq!(suspicion(group, sender, topic), Some(expected));
        }
    }

    #[test]
    fn an_id_that_is_too_long_is_suspicious() {
        let long = suspicion(&"g".repeat(49), "u", "").unwrap_or_default();
        assert!(
            long.starts_with("the group is longer than 48 bytes: "),
            "{long}"
        );
        let long = suspicion("g", &"u".repeat(33), "").unwrap_or_default();
        assert!(
            long.starts_with("the sender is longer than 32 bytes: "),
            "{long}"
        );
    }
}
