//! Finds the columns, or the keys of a JSON object, for group, sender and topic.

use std::str::FromStr;

use super::aliases::{Field, same_name};
use super::excerpt::excerpt;
use super::header_errors;
use crate::error::{Error, Result};

/// Column names given by the user instead of the built-in ones: `group=room,sender=uid`. Without a
/// header, they are positions counted from 1: `group=2,sender=1`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Indexed by field, in the order of [`Field::ALL`].
    names: [Option<String>; 3],
}

impl FromStr for Columns {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut columns = Self::default();
        for part in text.split(',') {
            let (key, name) = part.split_once('=').unwrap_or((part, ""));
            let field = Field::ALL
                .into_iter()
                .find(|field| key == field.aliases()[0]);
            let problem = match field {
                None => format!("{} is not group, sender or topic", excerpt(key.as_bytes())),
                Some(field) if name.is_empty() => format!("no name for the {field}"),
                Some(field) if columns.name(field).is_some() => {
                    format!("two names for the {field}")
                }
                Some(_) if columns.names.iter().flatten().any(|other| other == name) => {
                    format!("{} is given for two fields", excerpt(name.as_bytes()))
                }
                Some(field) => {
                    columns.names[field as usize] = Some(name.to_owned());
                    continue;
                }
            };
            return Err(Error::usage(format!("--columns: {problem}"))
                .hint("write it like --columns group=room,sender=uid,topic=thread"));
        }
        Ok(columns)
    }
}

/// The columns of the fields of a row, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) group: usize,
    pub(super) sender: usize,
    pub(super) topic: Option<usize>,
}

impl Layout {
    /// Returns the field in a column. If two fields are given the same column, the group or the
    /// sender has none, and so counts as empty.
    pub(super) fn field(self, column: usize) -> Option<Field> {
        if Some(column) == self.topic {
            Some(Field::Topic)
        } else if column == self.group {
            Some(Field::Group)
        } else if column == self.sender {
            Some(Field::Sender)
        } else {
            None
        }
    }
}

impl Columns {
    /// Returns the name that the user gave.
    pub(super) fn name(&self, field: Field) -> Option<&str> {
        self.names[field as usize].as_deref()
    }

    /// Returns the field in a column with this name. A name given by the user takes precedence, and
    /// replaces the built-in names of its field.
    pub(super) fn field(&self, column: &[u8]) -> Option<Field> {
        let given = |field: &Field| {
            self.name(*field)
                .is_some_and(|name| same_name(name.as_bytes(), column))
        };
        let built_in = |field: &Field| self.name(*field).is_none() && field.is_called(column);
        Field::ALL
            .into_iter()
            .find(given)
            .or_else(|| Field::ALL.into_iter().find(built_in))
    }

    /// Finds the fields among the columns of a header.
    pub(super) fn locate(&self, columns: &[String], input: &str) -> Result<Layout> {
        let (group, sender) = self.locate_required(columns, input)?;
        Ok(Layout {
            group,
            sender,
            topic: self.find(Field::Topic, columns, input)?,
        })
    }

    /// Finds the group and the sender among the keys of the first object. The topic is optional:
    /// later objects may have more keys.
    pub(super) fn locate_required(
        &self,
        columns: &[String],
        input: &str,
    ) -> Result<(usize, usize)> {
        let group = self.find(Field::Group, columns, input)?;
        let sender = self.find(Field::Sender, columns, input)?;
        group.zip(sender).ok_or_else(|| {
            header_errors::missing(group.is_none(), sender.is_none(), columns, input)
        })
    }

    fn find(&self, field: Field, columns: &[String], input: &str) -> Result<Option<usize>> {
        let mut found: Vec<usize> = (0..columns.len())
            .filter(|&at| self.field(columns[at].as_bytes()) == Some(field))
            .collect();
        if found.len() > 1
            && let Some(name) = self.name(field)
            && columns.iter().filter(|column| *column == name).count() == 1
        {
            found.retain(|&at| columns[at] == name);
        }
        match (&found[..], self.name(field)) {
            ([], Some(name)) => Err(header_errors::no_such(name, field, columns, input)),
            ([], None) => Ok(None),
            ([only], _) => Ok(Some(*only)),
            ([first, second, ..], _) => {
                let two = [first, second].map(|at| &*columns[*at]);
                Err(header_errors::ambiguous(field, two, input))
            }
        }
    }

    /// Whether the user gave any names.
    pub(super) fn are_given(&self) -> bool {
        self.names.iter().any(Option::is_some)
    }

    /// Returns the positions of the fields in an input without a header.
    pub(super) fn positions(&self) -> Result<Layout> {
        if !self.are_given() {
            return Ok(Layout {
                group: 0,
                sender: 1,
                topic: Some(2),
            });
        }
        let required = |field| {
            self.position(field)?
                .ok_or_else(|| position_error(&format!("must say where the {field} is")))
        };
        Ok(Layout {
            group: required(Field::Group)?,
            sender: required(Field::Sender)?,
            topic: self.position(Field::Topic)?,
        })
    }

    fn position(&self, field: Field) -> Result<Option<usize>> {
        let Some(name) = self.name(field) else {
            return Ok(None);
        };
        match name.parse() {
            Ok(position @ 1_usize..) => Ok(Some(position - 1)),
            _ => Err(position_error(&format!(
                "needs a position from 1 for the {field}, not {}",
                excerpt(name.as_bytes())
            ))),
        }
    }

    /// Returns the minimum number of columns without a header. The topic counts only if its
    /// position was given.
    pub(super) fn least_width(&self, layout: Layout) -> usize {
        let topic = layout.topic.filter(|_| self.name(Field::Topic).is_some());
        layout.group.max(layout.sender).max(topic.unwrap_or(0)) + 1
    }
}

fn position_error(problem: &str) -> Error {
    Error::usage(format!("--columns: with --no-header it {problem}"))
        .hint("write it like --columns group=2,sender=1")
}

/// Whether these are the columns of a failed-rows file, which a run writes for another run. An
/// export has them too, but also the outcome.
pub(super) fn are_failed_rows(columns: &[String]) -> bool {
    let has = |name: &str| {
        let mut columns = columns.iter();
        columns.any(|column| same_name(name.as_bytes(), column.as_bytes()))
    };
    ["code", "info", "attempts"].into_iter().all(has) && !has("outcome")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn names(header: &str) -> Vec<String> {
        header.split(',').map(str::to_owned).collect()
    }

    fn locate(columns: &str, header: &str) -> Result<Layout, String> {
        let columns = match columns {
            "" => Columns::default(),
            given => given.parse().unwrap(),
        };
        columns
            .locate(&names(header), "rows.csv")
            .map_err(|error| error.to_string())
    }

    fn layout(group: usize, sender: usize, topic: impl Into<Option<usize>>) -> Layout {
        Layout {
            group,
            sender,
            topic: topic.into(),
        }
    }

    #[test]
    fn every_alias_is_found_regardless_of_case_and_separators() {
        for group in ["group", "group_id", "GroupId", "GROUP ID"] {
            for sender in [
                "sender",
                "Sender_Account",
                "From-Account",
                "user_id",
                "UserID",
                "user",
            ] {
                for topic in ["topic", "TopicId"] {
                    let header = format!("x,{topic},{sender},{group}");
                    assert_eq!(locate("", &header), Ok(layout(3, 2, 1)));
                }
            }
        }
        assert_eq!(locate("", "sender,group"), Ok(layout(1, 0, None)));
    }

    #[test]
    fn a_given_name_replaces_the_built_in_ones() {
        assert_eq!(
            locate("group=room,sender=uid", "uid,group,sender,Room"),
            Ok(layout(3, 0, None))
        );
        assert_eq!(
            locate("sender=user_id", "group,user,user_id"),
            Ok(layout(0, 2, None))
        );
        assert_eq!(locate("group=user", "user,sender"), Ok(layout(0, 1, None)));
        assert_eq!(
            locate("group=GROUP", "group,GROUP,sender"),
            Ok(layout(1, 2, None))
        );
    }

    #[test]
    fn malformed_columns_are_refused() {
        for (text, message) in [
            ("", "--columns: `` is not group, sender or topic"),
            ("grp=x", "--columns: `grp` is not group, sender or topic"),
            ("group=room,sender", "--columns: no name for the sender"),
            ("group=a,group=b", "--columns: two names for the group"),
            ("group=a,sender=a", "--columns: `a` is given for two fields"),
        ] {
            let error = text.parse::<Columns>().unwrap_err().to_string();
            assert_eq!(
                error,
                format!(
                    "{message}\n  hint: write it like --columns group=room,sender=uid,topic=thread"
                )
            );
        }
    }

    #[test]
    fn positions_count_from_one() {
        let positions = |text: &str| text.parse::<Columns>().unwrap().positions();
        assert_eq!(positions("group=2,sender=1").unwrap(), layout(1, 0, None));
        assert_eq!(
            positions("topic=9,group=2,sender=1").unwrap(),
            layout(1, 0, 8)
        );
        for (text, problem) in [
            (
                "group=room,sender=1",
                "needs a position from 1 for the group, not `room`",
            ),
            (
                "group=0,sender=1",
                "needs a position from 1 for the group, not `0`",
            ),
            ("group=2", "must say where the sender is"),
        ] {
            assert_eq!(
                positions(text).unwrap_err().to_string(),
                format!(
                    "--columns: with --no-header it {problem}\n  hint: write it like --columns group=2,sender=1"
                )
            );
        }
    }

    #[test]
    fn a_failed_rows_file_is_recognized_by_its_columns() {
        assert!(are_failed_rows(&names(
            "group,sender,topic,code,info,attempts,sent_at"
        )));
        assert!(!are_failed_rows(&names("group,sender,code,info")));
    }

    #[test]
    fn an_export_is_not_a_failed_rows_file() {
        assert!(!are_failed_rows(&names(
            "row,group,sender,topic,outcome,code,info,attempts,sent_at,ms"
        )));
    }
}
