//! Groups: the body and the answer of `get_group_info`.
//!
//! Source: the official page of the command. The answer's outer `ErrorCode` says nothing about the
//! groups; each group has an entry with its own code.

use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};

use super::codes::Verdict;
use super::reply::{self, Reply};

/// The maximum number of groups in a call (listed).
pub const MOST: usize = 50;

/// What is known of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// It exists and has this type.
    Is(GroupType),
    /// It does not exist, by this code: 10010, does not exist or was dismissed; or 10015, an
    /// invalid ID, which newer pages also describe as a group that does not exist.
    Missing(i64),
    /// The service did not say, with this code; 0 if it gave none.
    Unknown(i64),
}

/// A type of group. If the service has an older and a newer name for a type, both mean the same.
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
    /// `AVChatRoom`: a recall reports success but does nothing (documented).
    AvChatRoom,
    /// A type that this tool does not know.
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

/// The result of a call, and the groups in its answer.
#[derive(Debug)]
pub(crate) struct GroupInfo {
    pub(crate) reply: Reply,
    /// By `GroupId`, in the service's order.
    pub(crate) states: Vec<(String, GroupState)>,
}

/// Returns the JSON of a call that asks for these groups.
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
    serde_json::to_vec(&call).expect("strings serialize").into()
}

/// Reads the groups in an answer whose outer code has been judged. A success without a list of
/// groups counts as a bad answer.
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
            reply: reply::bad_answer("the answer has no GroupInfo"),
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

/// Returns the state of each requested group. Matches them by ID, as an answer may have any order.
/// Groups that it leaves out are `Unknown`.
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
    fn the_body_asks_only_for_types() {
        let body = body(&["@TGS#1".to_owned(), "a \"b\"".to_owned()]);
        assert_eq!(
            body,
            r#"{"GroupIdList":["@TGS#1","a \"b\""],"ResponseFilter":{"GroupBaseInfoFilter":["Type"]}}"#
        );
    }

    #[test]
    fn every_group_has_its_own_state() {
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
    fn a_success_without_groups_is_a_bad_answer() {
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
