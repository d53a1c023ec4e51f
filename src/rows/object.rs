//! Reads one JSON object as a row. IDs keep the exact text in which they are written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor,
};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::aliases::Field;
use super::check::id;
use super::columns::{Columns, are_failed_rows};
use super::encoding::Encoding;
use super::excerpt::excerpt;

/// Returns the group, the sender and the topic (empty if there is none) of an object, or what is
/// wrong.
pub(super) fn ids<'a>(
    text: &'a [u8],
    columns: &Columns,
    encoding: Encoding,
) -> Result<[Cow<'a, str>; 3], String> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let found = Fields(columns)
        .deserialize(&mut deserializer)
        .and_then(|found| deserializer.end().map(|()| found))
        .map_err(|error| describe(&error, text, encoding))?;
    if let Some((field, key)) = found.again {
        return Err(format!(
            "a second key for the {field}: {}",
            excerpt(key.as_bytes())
        ));
    }
    let value = |field: Field| match found.values[field as usize] {
        Some(value) => value_id(field, value.get(), encoding),
        None if field == Field::Topic => match columns.name(field) {
            None => Ok("".into()),
            // A mistyped name matches no key, and without a topic the call would recall from the
            // whole group.
            Some(name) => Err(format!(
                "no {} for the {field}: {}",
                excerpt(name.as_bytes()),
                excerpt(text)
            )),
        },
        None => Err(format!("no {field}: {}", excerpt(text))),
    };
    Ok([
        value(Field::Group)?,
        value(Field::Sender)?,
        value(Field::Topic)?,
    ])
}

/// Returns an ID from its JSON. A number keeps its exact digits, so it must be a whole one.
fn value_id(field: Field, json: &str, encoding: Encoding) -> Result<Cow<'_, str>, String> {
    let digits = json.strip_prefix('-').unwrap_or(json);
    let complaint = match json.as_bytes() {
        [b'"', plain @ .., b'"'] if !plain.contains(&b'\\') => {
            return id(field, plain, encoding).map(Cow::Borrowed);
        }
        [b'"', ..] => match serde_json::from_str::<String>(json) {
            Ok(text) => {
                id(field, text.as_bytes(), encoding)?;
                return Ok(Cow::Owned(text));
            }
            Err(_) => "is not Unicode",
        },
        b"null" if field == Field::Topic => return Ok("".into()),
        b"null" => return Err(format!("the {field} is null")),
        _ if digits.bytes().all(|byte| byte.is_ascii_digit()) => return Ok(json.into()),
        [b'-' | b'0'..=b'9', ..] => "is not a whole number",
        _ => "is neither a string nor a whole number",
    };
    Err(format!(
        "the {field} {complaint}: {}",
        excerpt(json.as_bytes())
    ))
}

fn describe(error: &serde_json::Error, text: &[u8], encoding: Encoding) -> String {
    let start = excerpt(text);
    if str::from_utf8(text).is_err() {
        format!("the line {}: {start}", encoding.complaint())
    } else if error.classify() == Category::Data {
        format!("not a JSON object: {start}")
    } else {
        let mut what = without_place(error);
        if error.classify() == Category::Eof {
            // Objects over several lines are read too, but not if the first one is on one line.
            what += " (by its first line, this input has an object a line)";
        }
        format!("broken JSON, {what}: {start} (column {})", error.column())
    }
}

/// Returns what is wrong with some JSON, without the position, which counts from the start of the
/// parsed text.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let mut message = error.to_string();
    if let Some(at) = message.find(" at line ") {
        message.truncate(at);
    }
    message
}

/// The raw values of the fields of a row.
#[derive(Default)]
struct RawIds<'de> {
    /// Indexed by field, in the order of [`Field::ALL`].
    values: [Option<&'de RawValue>; 3],
    /// A second key for a field.
    again: Option<(Field, Cow<'de, str>)>,
}

/// Collects the values of the fields by the column names.
struct Fields<'a>(&'a Columns);

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = RawIds<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawIds<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = RawIds<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawIds<'de>, A::Error> {
        let mut found = RawIds::default();
        while let Some(Key(key)) = map.next_key()? {
            let Some(field) = self.0.field(key.as_bytes()) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = &mut found.values[field as usize];
            if value.is_some() {
                found.again = Some((field, key));
            }
            *value = Some(map.next_value()?);
        }
        Ok(found)
    }
}

/// A key; borrowed unless it has escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Checks that the first object has the keys needed; returns whether they are those of a
/// failed-rows file. If the object is broken, it is just one bad row and says nothing about the
/// others.
pub(super) fn check_keys(
    first: &[u8],
    columns: &Columns,
    input: &str,
) -> crate::error::Result<bool> {
    let Ok(Keys(keys)) = serde_json::from_slice(first) else {
        return Ok(false);
    };
    columns.locate_required(&keys, input)?;
    Ok(are_failed_rows(&keys))
}

/// The keys of an object, in order.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysVisitor;
        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(KeysVisitor)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn read(text: &str) -> Result<[Cow<'_, str>; 3], String> {
        ids(text.as_bytes(), &Columns::default(), Encoding::default())
    }

    #[test]
    fn ids_are_strings_or_whole_numbers_with_their_exact_digits() {
        for (value, id) in [
            (r#""@TGS#2ABC""#, "@TGS#2ABC"),
            (r#"" a\"\u00e9\\ ""#, " a\"é\\ "),
            ("1294030472427835393", "1294030472427835393"),
            ("-7", "-7"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
        ] {
            let text =
                format!(r#"{{"x":[{{"group":1}}],"Sender_Account":{value},"group":{value}}}"#);
            assert_eq!(read(&text).unwrap(), [id, id, ""]);
        }
    }

    #[test]
    fn a_topic_may_be_absent_null_or_empty() {
        for topic in ["", r#","topic":null"#, r#","topic_id":"""#] {
            let text = format!(r#"{{"group":"g","sender":"u"{topic}}}"#);
            assert_eq!(read(&text).unwrap(), ["g", "u", ""]);
        }
    }

    #[test]
    fn a_topic_by_a_given_name_may_be_null_or_empty_but_not_absent() {
        let columns: Columns = "topic=thread".parse().unwrap();
        let read = |topic: &str| {
            let text = format!(r#"{{"group":"g","sender":"u"{topic}}}"#);
            let ids = ids(text.as_bytes(), &columns, Encoding::default());
            ids.map(|ids| ids[2].to_string())
        };
        assert_eq!(read(r#","thread":"t""#), Ok("t".to_owned()));
        assert_eq!(read(r#","thread":null"#), Ok(String::new()));
        assert_eq!(read(r#","Thread":"""#), Ok(String::new()));
        let reason = r#"no `thread` for the topic: `{"group":"g","sender":"u","topic":"t"}`"#;
        assert_eq!(read(r#","topic":"t""#), Err(reason.to_owned()));
    }

    #[test]
    fn any_other_value_is_a_bad_row_with_a_reason() {
        for (value, reason) in [
            ("1.29E+18", "the group is not a whole number: `1.29E+18`"),
            ("1e3", "the group is not a whole number: `1e3`"),
            (
                "true",
                "the group is neither a string nor a whole number: `true`",
            ),
            (
                "[1]",
                "the group is neither a string nor a whole number: `[1]`",
            ),
            ("null", "the group is null"),
            (r#""""#, "the group is empty"),
            (
                r#""a\nb""#,
                r"the group contains a control character: `a\nb`",
            ),
            (r#""\ud800""#, r#"the group is not Unicode: `"\\ud800"`"#),
        ] {
            let text = format!(r#"{{"group":{value},"sender":"u"}}"#);
            assert_eq!(read(&text).unwrap_err(), reason);
        }
    }

    #[test]
    fn a_value_that_is_not_an_object_or_has_a_key_missing_or_twice_is_a_bad_row() {
        for (text, reason) in [
            ("[1]", "not a JSON object: `[1]`"),
            ("7", "not a JSON object: `7`"),
            (r#"{"sender":"u"}"#, r#"no group: `{"sender":"u"}`"#),
            (
                r#"{"group":"g","GroupId":"h","sender":"u"}"#,
                "a second key for the group: `GroupId`",
            ),
            (
                r#"{"group":"g","sender":"u"} {}"#,
                r#"broken JSON, trailing characters: `{"group":"g","sender":"u"} {}` (column 28)"#,
            ),
            (
                r#"{"group":"g""#,
                r#"broken JSON, EOF while parsing an object (by its first line, this input has an object a line): `{"group":"g"` (column 12)"#,
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), reason);
        }
        assert_eq!(
            ids(
                b"{\"group\":\"g\xff\",\"sender\":\"u\"}",
                &Columns::default(),
                Encoding::default()
            )
            .unwrap_err(),
            "the line is not UTF-8 (is it in another --encoding?): `{\"group\":\"g\u{fffd}\",\"sender\":\"u\"}`"
        );
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_ignored_in_unused_values() {
        let text = b"{\"group\":\"g\",\"note\":\"\xff\",\"sender\":\"u\"}";
        assert_eq!(
            ids(text, &Columns::default(), Encoding::default()).unwrap(),
            ["g", "u", ""]
        );
    }

    #[test]
    fn deep_nesting_is_a_bad_row_not_a_crash() {
        let text = format!(r#"{{"x":{},"group":"g"}}"#, "[".repeat(60_000));
        assert!(read(&text).unwrap_err().starts_with("broken JSON"));
    }
}
