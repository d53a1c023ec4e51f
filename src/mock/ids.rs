//! Checks the format of IDs.

use super::answer::Reply;
use super::key::Key;

/// Checks the format of a row's IDs. The lengths and characters are listed; which code a wrong
/// topic of a valid group gets is our reading.
pub(crate) fn check(row: Key<'_>) -> Result<(), Reply> {
    if !is_id(row.group, 48) {
        return Err(Reply::fail(10015));
    }
    if !is_id(row.sender, 32) {
        return Err(Reply::say(10004, "Sender_Account is not a UserID"));
    }
    if !row.topic.is_empty() && !is_topic_of(row.topic, row.group) {
        return Err(Reply::fail(110_013));
    }
    Ok(())
}

/// Returns whether this can be a `GroupId`.
pub(crate) fn is_group(id: &str) -> bool {
    is_id(id, 48)
}

/// The prefix of community IDs (listed). By our reading, no other group's ID starts with it.
pub(crate) const COMMUNITY: &str = "@TGS#_";

/// Returns whether this can be the `GroupId` of a community. Only communities have topics.
pub(crate) fn is_community(id: &str) -> bool {
    id.starts_with(COMMUNITY)
}

fn is_topic_of(topic: &str, group: &str) -> bool {
    let rest = topic
        .strip_prefix(group)
        .and_then(|rest| rest.strip_prefix("@TOPIC#_"));
    is_id(topic, 96) && rest.is_some_and(|rest| !rest.is_empty())
}

/// Returns whether this is printable ASCII, spaces included, of 1 to `max` bytes.
fn is_id(id: &str, max: usize) -> bool {
    (1..=max).contains(&id.len()) && id.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(group: &str, sender: &str, topic: &str) -> i64 {
        let row = Key {
            group,
            sender,
            topic,
        };
        check(row).err().map_or(0, |reply| reply.code)
    }

    #[test]
    fn real_ids_are_accepted() {
        let group = "@TGS#_@TGS#cQVLVHIM62CJ";
        let topic = "@TGS#_@TGS#cQVLVHIM62CJ@TOPIC#_@TOPIC#cRTE3HIM62C5";
        assert_eq!(code(group, "leckie", topic), 0);
        assert_eq!(code("a \"group\", with all", "user 1", ""), 0);
        assert_eq!(code(&"g".repeat(48), &"s".repeat(32), ""), 0);
    }

    #[test]
    fn each_kind_of_wrong_id_gets_its_code() {
        assert_eq!(code(&"g".repeat(49), "s", ""), 10015);
        assert_eq!(code("群", "s", ""), 10015);
        assert_eq!(code("a\tb", "s", ""), 10015);
        assert_eq!(code("g", &"s".repeat(33), ""), 10004);
        assert_eq!(code("g", "用户", ""), 10004);
        assert_eq!(code("g", "s", "topic"), 110_013);
        assert_eq!(code("g", "s", "h@TOPIC#_1"), 110_013);
        assert_eq!(code("g", "s", "g@TOPIC#_"), 110_013);
        let long = format!("g@TOPIC#_{}", "t".repeat(96));
        assert_eq!(code("g", "s", &long), 110_013);
    }
}
