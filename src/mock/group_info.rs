//! `get_group_info`, which `recall` uses for the preflight. The outer code says nothing about any
//! single group.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::answer::{Reply, json};
use super::ids;
use super::request::object;

/// The maximum number of groups per call.
const MAX_GROUPS: usize = 50;

/// A description of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct About<'a> {
    /// Its type, such as `Public`.
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
    pub(crate) members: usize,
    /// The sequence number of the last message in the group itself.
    pub(crate) last_seq: u64,
}

/// The body of a lookup.
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
    /// Parses the body. If it is wrong, returns the answer that says so.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Reply> {
        let lookup: Self = object(body)?;
        if (1..=MAX_GROUPS).contains(&lookup.groups.len()) {
            Ok(lookup)
        } else {
            Err(Reply::say(10004, "GroupIdList must contain 1 to 50 groups"))
        }
    }

    /// Returns the answer, group by group. `look` describes a group or returns its error code.
    pub(crate) fn answer<'a>(&'a self, look: impl Fn(&'a str) -> Result<About<'a>, i64>) -> Bytes {
        let infos = self.groups.iter().map(|id| {
            let about = if ids::is_group(id) {
                look(id)
            } else {
                Err(10015)
            };
            let mut info = GroupEntry::new(id, about);
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
    code: i64,
    #[serde(rename = "GroupInfo")]
    groups: Vec<GroupEntry<'a>>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct GroupEntry<'a> {
    #[serde(rename = "GroupId")]
    id: &'a str,
    #[serde(rename = "ErrorCode")]
    code: i64,
    #[serde(rename = "ErrorInfo")]
    info: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_num: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_msg_seq: Option<u64>,
}

impl<'a> GroupEntry<'a> {
    fn new(id: &'a str, about: Result<About<'a>, i64>) -> Self {
        match about {
            Ok(about) => Self {
                id,
                r#type: Some(about.kind),
                name: Some(about.name),
                member_num: Some(about.members),
                next_msg_seq: Some(about.last_seq + 1),
                ..Self::default()
            },
            Err(code) => Self {
                id,
                code,
                info: Reply::fail(code).info,
                ..Self::default()
            },
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
    use super::super::made_up::MadeUp;
    use super::super::world::World;
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

    fn answer(body: &str) -> String {
        let world = World::from_toml(WORLD).expect("a world");
        let lookup = Lookup::parse(body.as_bytes()).expect("a good body");
        let answer = lookup.answer(|id| world.about(id));
        String::from_utf8(answer.to_vec()).expect("UTF-8")
    }

    #[test]
    fn each_group_has_its_own_code_apart_from_the_outer_one() {
        let body = r#"{"GroupIdList":["live","gone","none","群"],"ResponseFilter":{"GroupBaseInfoFilter":["Type","Name"]}}"#;
        let expected = concat!(
            r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"GroupInfo":["#,
            r#"{"GroupId":"live","ErrorCode":0,"ErrorInfo":"","Type":"AVChatRoom","Name":"Show"},"#,
            r#"{"GroupId":"gone","ErrorCode":10010,"ErrorInfo":"group does not exist or has been dismissed"},"#,
            r#"{"GroupId":"none","ErrorCode":10010,"ErrorInfo":"group does not exist or has been dismissed"},"#,
            r#"{"GroupId":"群","ErrorCode":10015,"ErrorInfo":"invalid group id"}]}"#,
        );
        assert_eq!(answer(body), expected);
    }

    #[test]
    fn the_filter_leaves_out_unrequested_fields() {
        let all = answer(r#"{"GroupIdList":["live"]}"#);
        assert!(all.contains(r#""MemberNum":1,"NextMsgSeq":4}"#), "{all}");
        let body = r#"{"GroupIdList":["live"],"ResponseFilter":{"GroupBaseInfoFilter":["Type"]}}"#;
        let one = answer(body);
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
    fn a_made_up_group_is_described_like_any_other() {
        let lookup = Lookup::parse(br#"{"GroupIdList":["@TGS#_a"]}"#).expect("a good body");
        let made_up = MadeUp { seed: 0 };
        let answer = lookup.answer(|id| Ok(made_up.group(id)));
        let answer = String::from_utf8(answer.to_vec()).expect("UTF-8");
        assert!(
            answer.contains(r#""ErrorCode":0,"ErrorInfo":"","Type":"Community","Name":"made up","#),
            "{answer}"
        );
    }
}
