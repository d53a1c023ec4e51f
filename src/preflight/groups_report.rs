//! The findings of a preflight.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::api::codes;
use crate::api::groups::{GroupState, GroupType};
use crate::display::{count, thousands};
use crate::run::{Groups, Skip};

/// The reason to skip the rows of an `AVChatRoom`.
const SILENT: Skip = Skip {
    code: 0,
    reason: "AVChatRoom: a recall does nothing there and is answered with success",
};
/// The number of groups that the text names.
const NAMED_IN_TEXT: usize = 3;
/// The number of groups that the JSON names.
const NAMED_IN_JSON: usize = 100;
/// The maximum length of an ID that is shown, in characters; the service's IDs have up to 48.
const MAX_SHOWN: usize = 60;

/// The findings of a preflight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GroupsReport {
    /// Distinct groups among the rows to call.
    pub groups: u64,
    /// Groups in which a recall works, by type.
    pub types: BTreeMap<GroupType, u64>,
    /// Groups in which a recall does nothing and is answered with success.
    pub avchatroom: ToSkip,
    /// Groups that do not exist (any more).
    pub missing: ToSkip,
    /// Groups whose type is unknown, by the code of the answer; 0 if it had none. Their rows are
    /// called.
    pub unknown: BTreeMap<i64, u64>,
}

/// Groups whose rows are not worth a call, those with the most rows first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToSkip(Vec<GroupToSkip>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct GroupToSkip {
    id: String,
    rows: u64,
    skip: Skip,
}

impl GroupsReport {
    pub(super) fn add(&mut self, id: String, state: GroupState) {
        self.groups += 1;
        match state {
            GroupState::Is(GroupType::AvChatRoom) => self.avchatroom.add(id, SILENT),
            GroupState::Is(kind) => *self.types.entry(kind).or_default() += 1,
            GroupState::Missing(code) => {
                let reason = codes::look_up(code).meaning;
                self.missing.add(id, Skip { code, reason });
            }
            GroupState::Unknown(code) => *self.unknown.entry(code).or_default() += 1,
        }
    }

    /// Counts the rows of each group, once all rows have been read.
    pub(super) fn count_rows(&mut self, groups: &Groups) {
        self.avchatroom.count_rows(groups);
        self.missing.count_rows(groups);
    }

    /// Returns the groups whose rows a run should skip.
    pub(super) fn skips(&self) -> HashMap<String, Skip> {
        let all = self.avchatroom.0.iter().chain(&self.missing.0);
        all.map(|group| (group.id.clone(), group.skip)).collect()
    }

    /// Returns the number of rows that a run should skip.
    pub fn rows_to_skip(&self) -> u64 {
        self.avchatroom.rows() + self.missing.rows()
    }

    /// Returns the findings for display, in several lines.
    pub fn text(&self) -> String {
        let types = self.types.iter();
        let types = types.map(|(kind, groups)| format!("{} {kind}", thousands(*groups)));
        let types = types.collect::<Vec<_>>().join(", ");
        let colon = if types.is_empty() { "" } else { ": " };
        let looked_up = count(self.groups, "group");
        let mut lines = vec![format!("{looked_up} looked up{colon}{types}")];
        let mut line = |groups, what| lines.push(format!("  {:>9} {what}", thousands(groups)));
        for (to_skip, what) in [
            (&self.avchatroom, "AVChatRoom, where a recall does nothing"),
            (&self.missing, "not there (any more)"),
        ] {
            if !to_skip.is_empty() {
                line(to_skip.len(), format!("{what}: {}", to_skip.text()));
            }
        }
        for (code, groups) in &self.unknown {
            let why = match code {
                0 => "the answer does not include its type".to_owned(),
                _ => format!("{code}, {}", codes::look_up(*code).meaning),
            };
            line(*groups, format!("unknown, so their rows are called: {why}"));
        }
        lines.join("\n")
    }
}

impl ToSkip {
    fn add(&mut self, id: String, skip: Skip) {
        let rows = 0;
        self.0.push(GroupToSkip { id, rows, skip });
    }

    fn count_rows(&mut self, groups: &Groups) {
        for group in &mut self.0 {
            group.rows = groups.rows(&group.id);
        }
        self.0
            .sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.id.cmp(&b.id)));
    }

    /// Returns the number of groups.
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of rows of all groups.
    pub fn rows(&self) -> u64 {
        self.0.iter().map(|group| group.rows).sum()
    }

    fn text(&self) -> String {
        let mut text = format!("{} to skip, in ", count(self.rows(), "row"));
        for (at, group) in self.0.iter().take(NAMED_IN_TEXT).enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            let id: String = group.id.chars().take(MAX_SHOWN).collect();
            // Escaped, because an ID may contain bidirectional controls.
            write!(text, "{comma}{id:?}").expect("writing to a String can't fail");
        }
        if self.0.len() > NAMED_IN_TEXT {
            text += ", …";
        }
        text
    }
}

impl Serialize for ToSkip {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let first = self.0.iter().take(NAMED_IN_JSON);
        let first: Vec<_> = first.map(|group| &group.id).collect();
        let mut object = serializer.serialize_struct("ToSkip", 3)?;
        object.serialize_field("groups", &self.len())?;
        object.serialize_field("rows", &self.rows())?;
        object.serialize_field("first", &first)?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a report on these groups, each with its number of rows.
    fn report_of(groups: &[(&str, GroupState, u64)]) -> GroupsReport {
        let (mut report, mut met) = (GroupsReport::default(), Groups::default());
        for (id, state, rows) in groups {
            report.add((*id).to_owned(), *state);
            for _ in 0..*rows {
                met.meet(id);
            }
        }
        report.count_rows(&met);
        report
    }

    const LIVE: GroupState = GroupState::Is(GroupType::AvChatRoom);

    #[test]
    fn the_text_counts_every_group_and_names_those_to_skip_with_the_most_rows_first() {
        let report = report_of(&[
            ("p1", GroupState::Is(GroupType::Public), 5),
            ("w1", GroupState::Is(GroupType::Private), 1),
            ("p2", GroupState::Is(GroupType::Public), 1),
            ("l1", LIVE, 1),
            ("l2\u{202e}", LIVE, 1_234),
            ("l3", LIVE, 2),
            ("l4", LIVE, 1),
            ("Old \"Harbour\"", GroupState::Missing(10010), 1),
            ("x1", GroupState::Unknown(10007), 1),
            ("x2", GroupState::Unknown(0), 1),
        ]);
        let lines = [
            "10 groups looked up: 2 Public, 1 Private/Work",
            r#"          4 AVChatRoom, where a recall does nothing: 1,238 rows to skip, in "l2\u{202e}", "l3", "l1", …"#,
            r#"          1 not there (any more): 1 row to skip, in "Old \"Harbour\"""#,
            "          1 unknown, so their rows are called: the answer does not include its type",
            "          1 unknown, so their rows are called: 10007, no permission: the group's type does not allow it, or the identifier is not an app admin",
        ];
        assert_eq!(report.text(), lines.join("\n"));
        assert_eq!(report.rows_to_skip(), 1_239);
    }

    #[test]
    fn the_json_has_the_same_findings() {
        let report = report_of(&[
            ("p", GroupState::Is(GroupType::Public), 5),
            ("c", GroupState::Is(GroupType::Other), 5),
            ("l", LIVE, 3),
            ("x", GroupState::Unknown(10007), 1),
        ]);
        assert_eq!(
            serde_json::to_value(&report).expect("a report serializes"),
            serde_json::json!({
                "groups": 4,
                "types": { "Public": 1, "other": 1 },
                "avchatroom": { "groups": 1, "rows": 3, "first": ["l"] },
                "missing": { "groups": 0, "rows": 0, "first": [] },
                "unknown": { "10007": 1 },
            })
        );
    }

    #[test]
    fn a_run_learns_which_groups_to_skip_and_why() {
        let report = report_of(&[
            ("l", LIVE, 3),
            ("p", GroupState::Is(GroupType::Public), 5),
            ("m", GroupState::Missing(10015), 1),
            ("x", GroupState::Unknown(10007), 1),
        ]);
        let mut skips: Vec<_> = report.skips().into_iter().collect();
        skips.sort_by(|a, b| a.0.cmp(&b.0));
        let missing = Skip {
            code: 10015,
            reason: "invalid group ID, or the group does not exist",
        };
        assert_eq!(skips, [("l".to_owned(), SILENT), ("m".to_owned(), missing)]);
    }
}
