//! What is said of a header in which the columns needed are not to be found: what it has instead,
//! and the way out.

use super::aliases::{Field, is_usual_name};
use super::excerpt::excerpt;
use crate::error::Error;
use crate::shell::quoted;

/// The most columns that a message lists.
const LISTED: usize = 12;

/// No column has any of the names that the group or the sender (or both) usually have.
pub(super) fn missing(group: bool, sender: bool, columns: &[String], input: &str) -> Error {
    let what = match (group, sender) {
        (true, true) => "no columns for the group and the sender",
        (true, false) => "no column for the group",
        _ => "no column for the sender",
    };
    let error = Error::input(format!("{input}: {what}; {}", list(columns)));
    let by_name = "say which they are: --columns group=NAME,sender=NAME";
    error.hint(way_out(columns).unwrap_or(by_name))
}

/// No column has the name that the user gave for a field.
pub(super) fn no_such(name: &str, field: Field, columns: &[String], input: &str) -> Error {
    let name = excerpt(name.as_bytes());
    let error = Error::input(format!(
        "{input}: no column {name} for the {field}; {}",
        list(columns)
    ));
    error.hint(way_out(columns).unwrap_or("give --columns a name from the header"))
}

/// Two columns have names that fit a field.
pub(super) fn ambiguous(field: Field, [first, second]: [&str; 2], input: &str) -> Error {
    let error = Error::input(format!(
        "{input}: two columns could be the {field}: {} and {}",
        excerpt(first.as_bytes()),
        excerpt(second.as_bytes())
    ));
    if first == second {
        error.hint("give one of them another name in the file")
    } else {
        let which = quoted(format!("{field}={first}"));
        error.hint(format!("say which: --columns {which}"))
    }
}

/// What to do where no name would help, for the columns are none.
fn way_out(columns: &[String]) -> Option<&'static str> {
    if seem_a_comment(columns) {
        return Some(
            "if the first line is a comment, begin at the header: tail -n +2 FILE | recall run -",
        );
    }
    other_delimiter(columns).or_else(|| {
        let seem_a_row = columns.iter().any(|column| looks_like_an_id(column));
        seem_a_row.then_some("if the first line is a row already, add --no-header")
    })
}

/// What to do where the columns are separated by something else than was thought.
pub(super) fn other_delimiter(columns: &[String]) -> Option<&'static str> {
    // A name may well have a delimiter of another kind in it.
    let are_separated_by = |delimiter: char| {
        let found: usize = columns
            .iter()
            .map(|name| name.matches(delimiter).count())
            .sum();
        let with_it = columns.iter().filter(|name| name.contains(delimiter));
        let mut pieces = with_it.flat_map(|name| name.split(delimiter));
        (found > 0 && found >= columns.len()) || pieces.any(is_usual_name)
    };
    match columns {
        _ if are_separated_by(';') => Some(
            "its columns are separated by semicolons; say so in a first line: \
             (echo 'sep=;'; cat FILE) | recall check -",
        ),
        _ if are_separated_by('|') => Some(
            "its columns are separated by bars; say so in a first line: \
             (echo 'sep=|'; cat FILE) | recall check -",
        ),
        [only] if only.contains('\t') => Some("its columns are separated by tabs: name it .tsv"),
        [only] if only.contains(',') => Some("its columns are separated by commas: name it .csv"),
        _ => None,
    }
}

fn list(columns: &[String]) -> String {
    if columns.is_empty() {
        return "its first object has no keys".to_owned();
    }
    let mut shown: Vec<String> = columns
        .iter()
        .take(LISTED)
        .map(|column| excerpt(column.as_bytes()))
        .collect();
    if columns.len() > LISTED {
        shown.push(format!("and {} more", columns.len() - LISTED));
    }
    format!("its columns are {}", shown.join(", "))
}

/// `# exported by ann`: no column's name has a space there, and a name alone makes no header.
fn seem_a_comment(columns: &[String]) -> bool {
    let Some(first) = columns.first() else {
        return false;
    };
    let is_alone = columns.len() == 1 && !first.contains([';', '|', '\t', ',']);
    first.starts_with("# ") || (first.starts_with('#') && is_alone)
}

/// A group that the service named, or a number: no name for a column.
fn looks_like_an_id(column: &str) -> bool {
    column.starts_with("@TGS#")
        || (!column.is_empty() && column.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use crate::rows::Columns;

    /// What is said of a header, with these names given for the columns.
    fn error(columns: &str, header: &str) -> String {
        let names: Vec<_> = header.split(',').map(str::to_owned).collect();
        let columns = match columns {
            "" => Columns::default(),
            given => given.parse().expect("columns"),
        };
        let error = columns.locate(&names, "rows.csv").expect_err("an error");
        error.to_string()
    }

    #[test]
    fn an_object_without_keys_gets_no_hint_about_delimiters() {
        let error = Columns::default().locate_required(&[], "rows.jsonl");
        assert_eq!(
            error.expect_err("no keys").to_string(),
            "rows.jsonl: no columns for the group and the sender; its first object has no keys\n  hint: say which they are: --columns group=NAME,sender=NAME"
        );
    }

    #[test]
    fn a_header_that_will_not_do_names_its_columns_and_the_way_out() {
        for (columns, header, message) in [
            (
                "",
                "room,uid",
                "rows.csv: no columns for the group and the sender; its columns are `room`, `uid`\n  hint: say which they are: --columns group=NAME,sender=NAME",
            ),
            (
                "",
                "group,uid",
                "rows.csv: no column for the sender; its columns are `group`, `uid`\n  hint: say which they are: --columns group=NAME,sender=NAME",
            ),
            (
                "",
                "@TGS#2ABC,user_1",
                "rows.csv: no columns for the group and the sender; its columns are `@TGS#2ABC`, `user_1`\n  hint: if the first line is a row already, add --no-header",
            ),
            (
                "",
                "group;sender",
                "rows.csv: no columns for the group and the sender; its columns are `group;sender`\n  hint: its columns are separated by semicolons; say so in a first line: (echo 'sep=;'; cat FILE) | recall check -",
            ),
            (
                "",
                "sender;group;date,time",
                "rows.csv: no columns for the group and the sender; its columns are `sender;group;date`, `time`\n  hint: its columns are separated by semicolons; say so in a first line: (echo 'sep=;'; cat FILE) | recall check -",
            ),
            (
                "",
                "group,who;what,when",
                "rows.csv: no column for the sender; its columns are `group`, `who;what`, `when`\n  hint: say which they are: --columns group=NAME,sender=NAME",
            ),
            (
                "",
                "group,user,user_id",
                "rows.csv: two columns could be the sender: `user` and `user_id`\n  hint: say which: --columns sender=user",
            ),
            (
                "",
                "Group ID,group,user",
                "rows.csv: two columns could be the group: `Group ID` and `group`\n  hint: say which: --columns 'group=Group ID'",
            ),
            (
                "",
                "group|sender",
                "rows.csv: no columns for the group and the sender; its columns are `group|sender`\n  hint: its columns are separated by bars; say so in a first line: (echo 'sep=|'; cat FILE) | recall check -",
            ),
            (
                "sender=uid",
                "group|uid",
                "rows.csv: no column `uid` for the sender; its columns are `group|uid`\n  hint: its columns are separated by bars; say so in a first line: (echo 'sep=|'; cat FILE) | recall check -",
            ),
            (
                "",
                "# exported by ann, on Monday",
                "rows.csv: no columns for the group and the sender; its columns are `# exported by ann`, ` on Monday`\n  hint: if the first line is a comment, begin at the header: tail -n +2 FILE | recall run -",
            ),
            (
                "group=room,sender=uid",
                "#exported",
                "rows.csv: no column `room` for the group; its columns are `#exported`\n  hint: if the first line is a comment, begin at the header: tail -n +2 FILE | recall run -",
            ),
            (
                "",
                "#group,user",
                "rows.csv: no column for the group; its columns are `#group`, `user`\n  hint: say which they are: --columns group=NAME,sender=NAME",
            ),
            (
                "group=group",
                "group,group,user",
                "rows.csv: two columns could be the group: `group` and `group`\n  hint: give one of them another name in the file",
            ),
            (
                "topic=thread",
                "group,sender",
                "rows.csv: no column `thread` for the topic; its columns are `group`, `sender`\n  hint: give --columns a name from the header",
            ),
        ] {
            assert_eq!(error(columns, header), message);
        }
        let many = vec!["x"; 1000].join(",");
        assert!(error("", &many).contains("`x`, and 988 more\n"));
    }
}
