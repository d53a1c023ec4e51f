//! The query and body of a call, checked as the service checks them.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::answer::Reply;
use super::key::Key;

/// A request as received, head and body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// When its last byte arrived at the machine, as time since the mock's start.
    pub(crate) arrived: Duration,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// The `Host` header.
    pub(crate) host: &'a str,
    pub(crate) body: &'a [u8],
}

/// The query that every command has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query<'a> {
    pub(crate) sdkappid: u64,
    pub(crate) identifier: Cow<'a, str>,
    pub(crate) usersig: Cow<'a, str>,
    pub(crate) random: u32,
}

impl<'a> Query<'a> {
    /// Parses the query. If it is wrong, returns the answer that says so.
    pub(crate) fn parse(query: &'a str) -> Result<Self, Reply> {
        let mut sdkappid = None;
        let (mut identifier, mut usersig) = (Cow::Borrowed(""), Cow::Borrowed(""));
        let (mut random, mut json) = (None, false);
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "sdkappid" => sdkappid = number(value),
                "identifier" => identifier = decode(value).ok_or_else(|| bad(name))?,
                "usersig" => usersig = decode(value).ok_or_else(|| bad(name))?,
                "random" => random = number(value),
                "contenttype" => json = value == "json",
                _ => {}
            }
        }
        let sdkappid = sdkappid
            .filter(|&app| app > 0)
            .ok_or_else(|| Reply::fail(60012))?;
        if identifier.is_empty() {
            return Err(bad("identifier"));
        }
        if usersig.is_empty() {
            return Err(bad("usersig"));
        }
        let random = random.and_then(|random| u32::try_from(random).ok());
        let random = random.ok_or_else(|| bad("random"))?;
        if !json {
            return Err(bad("contenttype"));
        }
        Ok(Self {
            sdkappid,
            identifier,
            usersig,
            random,
        })
    }
}

fn bad(name: &str) -> Reply {
    Reply::say(60025, format!("bad url parameter: {name}"))
}

/// Parses digits only: no sign, no space.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Decodes percent-encoding. Returns `None` if it is malformed or not UTF-8.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

/// The body of a recall.
#[derive(Debug, Deserialize)]
pub(crate) struct Recall<'a> {
    #[serde(rename = "GroupId", borrow, default, deserialize_with = "text")]
    group: Cow<'a, str>,
    #[serde(rename = "Sender_Account", borrow, default, deserialize_with = "text")]
    sender: Cow<'a, str>,
    #[serde(rename = "TopicId", borrow, default, deserialize_with = "present")]
    topic: Option<Cow<'a, str>>,
}

impl<'a> Recall<'a> {
    /// Parses the body. If it is wrong, returns the answer that says so.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Reply> {
        let recall: Self = object(body)?;
        for (name, missing) in [
            ("GroupId", recall.group.is_empty()),
            ("Sender_Account", recall.sender.is_empty()),
            ("TopicId", recall.topic.as_deref() == Some("")),
        ] {
            if missing {
                return Err(Reply::say(10004, format!("{name} is missing or empty")));
            }
        }
        Ok(recall)
    }

    pub(crate) fn key(&self) -> Key<'_> {
        Key {
            group: &self.group,
            sender: &self.sender,
            topic: self.topic.as_deref().unwrap_or(""),
        }
    }
}

/// Parses a JSON object. Invalid JSON gets a different code than JSON with a wrong field.
pub(crate) fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Reply> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Reply::fail(60003));
    }
    serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            Reply::say(10004, format!("invalid parameter: {error}"))
        } else {
            Reply::fail(60003)
        }
    })
}

/// A string, borrowed if it has no escapes. (Without this, serde does not borrow a `Cow` in an
/// `Option`.)
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn text<'de: 'a, 'a, D: Deserializer<'de>>(input: D) -> Result<Cow<'a, str>, D::Error> {
    Text::deserialize(input).map(|text| text.0)
}

/// A field that is present must be a string, not null.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(input: D) -> Result<Option<Cow<'a, str>>, D::Error> {
    text(input).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "sdkappid=88888888&identifier=admin&usersig=x*-_&random=99999999&contenttype=json";

    fn code<T>(result: Result<T, Reply>) -> i64 {
        result.err().map_or(0, |reply| reply.code)
    }

    #[test]
    fn a_good_query_is_parsed_without_a_copy() {
        let query = Query::parse(GOOD).expect("a good query");
        assert_eq!((query.sdkappid, query.random), (88_888_888, 99_999_999));
        assert!(matches!(query.identifier, Cow::Borrowed("admin")));
        assert!(matches!(query.usersig, Cow::Borrowed("x*-_")));
    }

    #[test]
    fn percent_encoding_is_decoded() {
        let query = GOOD.replace("admin", "an%20admin%2a%E7%BE%A4");
        let query = Query::parse(&query).expect("a good query");
        assert_eq!(query.identifier, "an admin*群");
    }

    #[test]
    fn each_wrong_parameter_gets_its_code() {
        for (from, to, expected) in [
            ("sdkappid=88888888&", "", 60012),
            ("88888888", "app", 60012),
            ("88888888", "-1", 60012),
            ("88888888", "0", 60012),
            ("88888888", "1e8", 60012),
            ("identifier=admin&", "", 60025),
            ("admin", "", 60025),
            ("admin", "%zz", 60025),
            ("admin", "%E7", 60025),
            ("x*-_", "", 60025),
            ("usersig=x*-_&", "", 60025),
            ("random=99999999&", "", 60025),
            ("99999999", "4294967296", 60025),
            ("99999999", "-1", 60025),
            ("99999999", "+1", 60025),
            ("99999999", "0.5", 60025),
            ("&contenttype=json", "", 60025),
            ("=json", "=JSON", 60025),
            ("sdkappid", "SdkAppId", 60012),
        ] {
            let query = GOOD.replace(from, to);
            assert_eq!(code(Query::parse(&query)), expected, "{query}");
        }
        assert_eq!(code(Query::parse("")), 60012);
    }

    #[test]
    fn the_whole_range_of_random_is_accepted() {
        for random in ["0", "4294967295"] {
            assert!(Query::parse(&GOOD.replace("99999999", random)).is_ok());
        }
    }

    #[test]
    fn a_body_is_parsed_without_a_copy() {
        let body = br#"{"GroupId": "@TGS#2C5SZEAEF", "Sender_Account": "leckie"}"#;
        let recall = Recall::parse(body).expect("a good body");
        assert!(matches!(recall.group, Cow::Borrowed("@TGS#2C5SZEAEF")));
        assert!(matches!(recall.sender, Cow::Borrowed("leckie")));
        assert_eq!(recall.topic, None);
        let body = br#"{"Sender_Account":"a\"b","TopicId":"t","GroupId":"g"}"#;
        let recall = Recall::parse(body).expect("a good body");
        assert_eq!(recall.sender, "a\"b");
        assert!(matches!(recall.topic, Some(Cow::Borrowed("t"))));
    }

    #[test]
    fn each_wrong_body_gets_its_code() {
        for (body, expected) in [
            (r#"{"GroupId":"g","Sender_Account":"s"}"#, 0),
            (r#"{"GroupId":"g","Sender_Account":"s","MsgSeq":1}"#, 0),
            ("", 60003),
            ("group=g", 60003),
            (r#"["g","s"]"#, 60003),
            (r#"{"GroupId":"g","Sender_Account":"s""#, 60003),
            (r#"{"GroupId":"g","Sender_Account":"s"}}"#, 60003),
            ("{}", 10004),
            (r#"{"GroupId":"g"}"#, 10004),
            (r#"{"Sender_Account":"s"}"#, 10004),
            (r#"{"GroupId":"","Sender_Account":"s"}"#, 10004),
            (r#"{"GroupId":"g","Sender_Account":""}"#, 10004),
            (r#"{"GroupId":1,"Sender_Account":"s"}"#, 10004),
            (r#"{"GroupId":"g","Sender_Account":["s"]}"#, 10004),
            (r#"{"GroupId":"g","Sender_Account":null}"#, 10004),
            (
                r#"{"GroupId":"g","Sender_Account":"s","TopicId":""}"#,
                10004,
            ),
            (
                r#"{"GroupId":"g","Sender_Account":"s","TopicId":null}"#,
                10004,
            ),
            (r#"{"groupid":"g","sender_account":"s"}"#, 10004),
        ] {
            assert_eq!(code(Recall::parse(body.as_bytes())), expected, "{body}");
        }
    }
}
