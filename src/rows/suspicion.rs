//! Rows that a call could carry, but that are hardly what was meant.
//!
//! None of these is certain, for the service may know IDs that its pages do not tell of. So such
//! a row is sent as it stands, unless the operator is [strict](super::Options::strict); `check`
//! shows it before a run.

use memchr::memchr_iter;

use super::check::{excerpt, is_printable_ascii};
use super::columns::Field;

/// The longest `GroupId`, `Sender_Account` and `TopicId` in bytes, by [`Field`] (listed).
const LONGEST: [usize; 3] = [48, 32, 96];
/// Digits that a spreadsheet keeps of a number; it puts zeros in the place of the others.
const KEPT_DIGITS: usize = 15;
/// How generated group IDs start (listed).
const GROUP: &str = "@TGS#";
/// What stands in a topic's ID behind that of its group (listed).
const TOPIC: &str = "@TOPIC#_";
/// What spreadsheets show in the place of a formula that they can't work out: `@TGS#2ABC` is one
/// to them.
const FORMULA_ERRORS: [&str; 7] = [
    "#NAME?", "#REF!", "#VALUE!", "#N/A", "#NUM!", "#NULL!", "#DIV/0!",
];
/// What programs write where there is nothing.
const NOTHINGS: [&str; 7] = ["null", "nil", "none", "undefined", "nan", "n/a", "\\n"];

/// What is suspicious about a row: the most telling thing, where there are several.
pub(super) fn of([group, sender, topic]: [&str; 3]) -> Option<String> {
    if sender.starts_with(GROUP) {
        return Some(reason(
            "the sender is a group's ID (are the columns swapped?)",
            sender,
        ));
    }
    // What `contains` does, at a fraction of its cost for texts as short as these.
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
    let longest = LONGEST[field as usize];
    let complaint = if id.len() > longest {
        format!("is longer than {longest} bytes")
    } else if id.starts_with(' ') || id.ends_with(' ') {
        "starts or ends with a space".to_owned()
    } else if !is_printable_ascii(id.as_bytes()) {
        "has characters other than printable ASCII".to_owned()
    } else if ends_in_zeros(id) {
        "ends in zeros, as numbers do that a spreadsheet has rounded".to_owned()
    } else if FORMULA_ERRORS.contains(&id) {
        "is what a spreadsheet shows instead of a formula".to_owned()
    } else if NOTHINGS
        .iter()
        .any(|nothing| id.eq_ignore_ascii_case(nothing))
    {
        "is a word for nothing".to_owned()
    } else {
        return None;
    };
    Some(reason(&format!("the {field} {complaint}"), id))
}

fn ends_in_zeros(id: &str) -> bool {
    id.as_bytes()
        .split_at_checked(KEPT_DIGITS)
        .is_some_and(|(kept, lost)| {
            !lost.is_empty()
                && lost.iter().all(|digit| *digit == b'0')
                && kept.iter().all(u8::is_ascii_digit)
        })
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
    fn what_the_service_s_pages_show_is_not_suspicious() {
        let community = "@TGS#_@TGS#cQVLVHIM62CJ";
        let topic = format!("{community}@TOPIC#_@TOPIC#cRTE3HIM62C5");
        for (group, sender, topic) in [
            ("@TGS#2C5SZEAEF", "leckie", ""),
            (community, "user_1", &topic),
            ("a group, \"quoted\"", "0", ""),
            ("g", "1294030472427835393", ""),
            // As long as a number that a spreadsheet keeps whole.
            ("g", "100000000000000", ""),
            ("g", "none of them", ""),
            (&"g".repeat(48), &"u".repeat(32), ""),
        ] {
            assert_eq!(suspicion(group, sender, topic), None, "{group} {sender}");
        }
    }

    #[test]
    fn what_can_hardly_be_meant_is_named() {
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
