//! `get_group_info`: a look at groups before a run. The outer code says nothing about a group.

use std::borrow::Cow;
use std::hash::Hasher as _;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use super::answer::{Reply, json};
use super::ids;
use super::request::object;
use super::world::World;

/// The most groups in a call.
const MOST: usize = 50;

/// What a look asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct Lookup {
    #[serde(rename = "GroupIdList", default)]
    groups: Vec<String>,
    #[serde(rename = "ResponseFilter", default)]
    filter: Filter,
}

#[derive(Debug, Default, Deserialize)]
struct Filter {
    #[serde(rename = "GroupBaseInfoFilter")]
    fields: Option<Vec<String>>,
}

impl Lookup {
    /// Reads the body; what is wrong with it becomes the answer.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Reply> {
        let lookup: Self = object(body)?;
        if (1..=MOST).contains(&lookup.groups.len()) {
            Ok(lookup)
        } else {
            Err(Reply::say(10004, "GroupIdList must hold 1 to 50 groups"))
        }
    }

    /// The answer, group by group; without a world, about groups made up from the seed.
    pub(crate) fn answer(&self, world: Option<&World>, seed: u64) -> Bytes {
        let infos = self.groups.iter().map(|id| {
            let mut info = match world {
                _ if !ids::is_group(id) => Info::missing(id, 10015),
                Some(world) => Info::of(id, world),
                None => Info::made_up(id, seed),
            };
            if let Some(fields) = &self.filter.fields {
                info.keep(fields);
            }
            info
        });
        json(&Wire {
            status: "OK",
            info: "",
            code: 0,
            groups: infos.collect(),
        })
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(rename = "ActionStatus")]
    status: &'a str,
    #[serde(rename = "ErrorInfo")]
    info: &'a str,
    #[serde(rename = "ErrorCode")]
    code: i32,
    #[serde(rename = "GroupInfo")]
    groups: Vec<Info<'a>>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Info<'a> {
    #[serde(rename = "GroupId")]
    id: &'a str,
    #[serde(rename = "ErrorCode")]
    code: i32,
    #[serde(rename = "ErrorInfo")]
    words: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_num: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_msg_seq: Option<u64>,
}

impl<'a> Info<'a> {
    fn missing(id: &'a str, code: i32) -> Self {
        Self {
            id,
            code,
            words: Reply::fail(code).info,
            ..Self::default()
        }
    }

    fn of(id: &'a str, world: &'a World) -> Self {
        let Some(group) = world.group(id) else {
            return Self::missing(id, 10010);
        };
        Self {
            id,
            r#type: Some(&group.kind),
            name: Some(&group.name),
            member_num: Some(group.members.len()),
            next_msg_seq: Some(world.last_seq(group) + 1),
            ..Self::default()
        }
    }

    /// Any group there may be; one in fifty is of the type in which a recall does nothing.
    fn made_up(id: &'a str, seed: u64) -> Self {
        let mut hasher = SipHasher13::new_with_keys(seed, 1);
        hasher.write(id.as_bytes());
        let hash = hasher.finish();
        let kind = match hash % 50 {
            _ if id.starts_with("@TGS#_") => "Community",
            0 => "AVChatRoom",
            1..15 => "ChatRoom",
            15..25 => "Private",
            _ => "Public",
        };
        Self {
            id,
            r#type: Some(kind),
            name: Some("made up"),
            member_num: Some(usize::try_from(hash >> 32).unwrap_or(0) % 2000),
            next_msg_seq: Some(1 + (hash >> 16) % 50_000),
            ..Self::default()
        }
    }

    fn keep(&mut self, fields: &[String]) {
        let wanted = |name: &str| fields.iter().any(|field| field == name);
        self.r#type = self.r#type.filter(|_| wanted("Type"));
        self.name = self.name.filter(|_| wanted("Name"));
        self.member_num = self.member_num.filter(|_| wanted("MemberNum"));
        self.next_msg_seq = self.next_msg_seq.filter(|_| wanted("NextMsgSeq"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORLD: &str = r#"
        app = { sdkappid = 1, admins = [] }
        [[group]]
        id = "live"
        type = "AVChatRoom"
        name = "Show"
        members = ["a"]
        messages = [{ senders = ["a"], count = 3 }]
        [[group]]
        id = "gone"
        type = "Public"
        dismissed = true
    "#;

    fn answer(world: Option<&World>, body: &str) -> String {
        let lookup = Lookup::parse(body.as_bytes()).expect("a good body");
        String::from_utf8(lookup.answer(world, 0).to_vec()).expect("UTF-8")
    }

    #[test]
    fn groups_are_answered_one_by_one_whatever_the_outer_code() {
        let world = World::from_toml(WORLD).expect("a world");
        let body = r#"{"GroupIdList":["live","gone","none","群"],"ResponseFilter":{"GroupBaseInfoFilter":["Type","Name"]}}"#;
        let expected = concat!(
            r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"GroupInfo":["#,
            r#"{"GroupId":"live","ErrorCode":0,"ErrorInfo":"","Type":"AVChatRoom","Name":"Show"},"#,
            r#"{"GroupId":"gone","ErrorCode":10010,"ErrorInfo":"group does not exist or has been dismissed"},"#,
            r#"{"GroupId":"none","ErrorCode":10010,"ErrorInfo":"group does not exist or has been dismissed"},"#,
            r#"{"GroupId":"群","ErrorCode":10015,"ErrorInfo":"invalid group id"}]}"#,
        );
        assert_eq!(answer(Some(&world), body), expected);
    }

    #[test]
    fn the_filter_leaves_out_what_was_not_asked_for() {
        let world = World::from_toml(WORLD).expect("a world");
        let all = answer(Some(&world), r#"{"GroupIdList":["live"]}"#);
        assert!(all.contains(r#""MemberNum":1,"NextMsgSeq":4}"#), "{all}");
        let body = r#"{"GroupIdList":["live"],"ResponseFilter":{"GroupBaseInfoFilter":["Type"]}}"#;
        let one = answer(Some(&world), body);
        assert!(one.contains(r#""Type":"AVChatRoom"}"#), "{one}");
    }

    #[test]
    fn one_to_fifty_groups_can_be_asked_for() {
        let code = |groups: usize| {
            let list = vec!["\"g\""; groups].join(",");
            let body = format!(r#"{{"GroupIdList":[{list}]}}"#);
            Lookup::parse(body.as_bytes()).err().map(|reply| reply.code)
        };
        assert_eq!([code(1), code(50)], [None, None]);
        assert_eq!([code(0), code(51)], [Some(10004), Some(10004)]);
        let code = |body: &str| Lookup::parse(body.as_bytes()).err().map(|reply| reply.code);
        assert_eq!([code("x"), code("{}")], [Some(60003), Some(10004)]);
        assert_eq!(code(r#"{"GroupIdList":"g"}"#), Some(10004));
    }

    #[test]
    fn without_a_world_groups_are_made_up_and_stay_as_they_are() {
        let list: Vec<String> = (0..50).map(|n| format!("\"g{n}\"")).collect();
        let body = format!(r#"{{"GroupIdList":["@TGS#_a",{}]}}"#, list[1..].join(","));
        let first = answer(None, &body);
        assert_eq!(first, answer(None, &body));
        for kind in ["Community", "Public", "ChatRoom", "Private"] {
            assert!(first.contains(&format!(r#""Type":"{kind}""#)), "{kind}");
        }
    }
}
