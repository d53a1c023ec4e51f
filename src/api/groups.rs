//! What the service tells about groups: the body and the answer of `get_group_info`.
//!
//! Source: the official page of the command. The answer's own `ErrorCode` says nothing about a
//! group; each has an entry with a code.

use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};

use super::codes::Verdict;
use super::reply::{self, Reply};

/// The most groups in a call (listed).
pub const MOST: usize = 50;

/// What is known of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// It is there, and of this type.
    Is(GroupType),
    /// It is not, by this code: 10010, does not exist or was dismissed, or 10015, an invalid ID or,
    /// on newer pages, does not exist either.
    Missing(i64),
    /// The service has not said, for this code; 0 where it gave none.
    Unknown(i64),
}

/// A type of group. Where the service has an older and a newer name for it, both are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupType {
    /// `Public`.
    Public,
    /// `Private`, now `Work`.
    Private,
    /// `ChatRoom`, now `Meeting`.
    ChatRoom,
    /// `Community`.
    Community,
    /// `AVChatRoom`: a recall is answered with success and does nothing (documented).
    AvChatRoom,
    /// One that this tool has not heard of.
    Other,
}

impl GroupType {
    fn named(name: &str) -> Self {
        match name {
            "Public" => Self::Public,
            "Private" | "Work" => Self::Private,
            "ChatRoom" | "Meeting" => Self::ChatRoom,
            "Community" => Self::Community,
            "AVChatRoom" => Self::AvChatRoom,
            _ => Self::Other,
        }
    }
}

impl Serialize for GroupType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for GroupType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "Public",
            Self::Private => "Private/Work",
            Self::ChatRoom => "ChatRoom/Meeting",
            Self::Community => "Community",
            Self::AvChatRoom => "AVChatRoom",
            Self::Other => "other",
        })
    }
}

/// What came of a call, and the groups that its answer tells about.
#[derive(Debug)]
pub(crate) struct GroupInfo {
    pub(crate) reply: Reply,
    /// By `GroupId`, in whatever order the service has them.
    pub(crate) states: Vec<(String, GroupState)>,
}

/// The JSON of a call that asks for these groups.
pub(super) fn body(groups: &[String]) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Call<'a> {
        group_id_list: &'a [String],
        response_filter: Filter,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Filter {
        group_base_info_filter: [&'static str; 1],
    }
    let call = Call {
        group_id_list: groups,
        response_filter: Filter {
            group_base_info_filter: ["Type"],
        },
    };
    serde_json::to_vec(&call)
        .expect("a list of strings is JSON")
        .into()
}

/// Reads an answer whose outer code has been judged. A success that tells about no groups is none.
pub(super) fn read(reply: Reply, text: &[u8]) -> GroupInfo {
    #[derive(Deserialize)]
    struct Told {
        #[serde(rename = "GroupInfo")]
        groups: Vec<Info>,
    }
    if reply.verdict != Verdict::Done {
        let states = Vec::new();
        return GroupInfo { reply, states };
    }
    match serde_json::from_slice::<Told>(text) {
        Ok(told) => GroupInfo {
            reply,
            states: told.groups.into_iter().map(Info::state).collect(),
        },
        Err(_) => GroupInfo {
            reply: reply::bad_answer("no GroupInfo, as an answer about groups has"),
            states: Vec::new(),
        },
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    group_id: String,
    #[serde(default)]
    error_code: i64,
    r#type: Option<String>,
}

impl Info {
    fn state(self) -> (String, GroupState) {
        let state = match (self.error_code, self.r#type) {
            (0, Some(name)) => GroupState::Is(GroupType::named(&name)),
            (code @ (10010 | 10015), _) => GroupState::Missing(code),
            (code, _) => GroupState::Unknown(code),
        };
        (self.group_id, state)
    }
}

/// The state of each group that was asked for: by its ID, for the order of an answer is the
/// service's. What it leaves out is not known.
pub(crate) fn of_each(
    groups: Vec<String>,
    states: Vec<(String, GroupState)>,
) -> Vec<(String, GroupState)> {
    let told: HashMap<_, _> = states.into_iter().collect();
    let with_state = |group| {
        let state = told.get(&group).copied();
        (group, state.unwrap_or(GroupState::Unknown(0)))
    };
    groups.into_iter().map(with_state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::codes;

    fn done() -> Reply {
        Reply {
            code: 0,
            verdict: Verdict::Done,
            info: String::new(),
        }
    }

    #[test]
    fn the_body_asks_for_nothing_but_the_types() {
        let body = body(&["@TGS#1".to_owned(), "a \"b\"".to_owned()]);
        assert_eq!(
            body,
            r#"{"GroupIdList":["@TGS#1","a \"b\""],"ResponseFilter":{"GroupBaseInfoFilter":["Type"]}}"#
        );
    }

    #[test]
    fn every_group_has_a_state_of_its_own() {
        let entries = [
            (
                r#""ErrorCode":0,"Type":"Public""#,
                GroupState::Is(GroupType::Public),
            ),
            (
                r#""ErrorCode":0,"Type":"Work""#,
                GroupState::Is(GroupType::Private),
            ),
            (
                r#""ErrorCode":0,"Type":"Meeting""#,
                GroupState::Is(GroupType::ChatRoom),
            ),
            (
                r#""ErrorCode":0,"Type":"AVChatRoom""#,
                GroupState::Is(GroupType::AvChatRoom),
            ),
            (
                r#""ErrorCode":0,"Type":"avchatroom""#,
                GroupState::Is(GroupType::Other),
            ),
            (r#""ErrorCode":0"#, GroupState::Unknown(0)),
            (
                r#""ErrorCode":10010,"ErrorInfo":"x""#,
                GroupState::Missing(10010),
            ),
            (
                r#""ErrorCode":10015,"Type":"Public""#,
                GroupState::Missing(10015),
            ),
            (r#""ErrorCode":10007"#, GroupState::Unknown(10007)),
        ];
        let list: Vec<_> = entries
            .iter()
            .map(|(entry, _)| format!(r#"{{"GroupId":"g",{entry}}}"#))
            .collect();
        let text = format!(
            r#"{{"ActionStatus":"OK","ErrorCode":0,"GroupInfo":[{}]}}"#,
            list.join(",")
        );
        let answer = read(done(), text.as_bytes());
        let states: Vec<_> = answer.states.into_iter().map(|(_, state)| state).collect();
        assert_eq!(states, entries.map(|(_, state)| state));
    }

    #[test]
    fn a_success_without_groups_is_no_answer_of_the_service_s() {
        for text in [
            r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#,
            r#"{"ActionStatus":"OK","ErrorCode":0,"GroupInfo":{}}"#,
            r#"{"ActionStatus":"OK","ErrorCode":0,"GroupInfo":[{"GroupId":7,"ErrorCode":0}]}"#,
        ] {
            let reply = read(done(), text.as_bytes()).reply;
            assert_eq!(
                (reply.code, reply.verdict),
                (codes::BAD_ANSWER, Verdict::Retry),
                "{text}"
            );
        }
    }
}
