//! The file format of a world.
//!
//! In TOML, an `[app]` table and a `[[group]]` for each group:
//!
//! ```toml
//! [app]
//! sdkappid = 1400000000
//! key = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
//! admins = ["administrator"]
//!
//! [[group]]
//! id = "@TGS#2C5SZEAEF"
//! type = "Public"
//! members = ["leckie"]
//! messages = [{ senders = ["leckie", "spam-1"], count = 40 }]
//! ```
//!
//! In JSON lines, each line is `{"app":{…}}`, `{"group":{…}}` with the same fields, or a message
//! `{"message":{"group":"…","topic":"…","sender":"…","seq":7}}`, after its group.

use std::collections::{HashMap, VecDeque};
use std::path::Path;

use serde::Deserialize;

use super::ids;
use super::key::Key;
use super::world::{GroupState, Room, TYPES, World};
use crate::api::endpoint::REGIONS;
use crate::error::{Error, Kind, Result};

/// The app that the groups belong to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct App {
    pub(crate) sdkappid: u64,
    /// The key that verifies `UserSig`s. Without it, any `UserSig` is accepted.
    pub(crate) key: Option<String>,
    pub(crate) admins: Vec<String>,
    /// The region whose domain must be called. Without it, any domain is accepted.
    pub(crate) region: Option<String>,
    /// Imported accounts that appear nowhere else in the file.
    #[serde(default)]
    pub(crate) accounts: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) id: String,
    /// `Private` or `Work`, `Public`, `ChatRoom` or `Meeting`, `AVChatRoom`, `Community`; or
    /// `BChatRoom`, where recalls are not permitted.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) name: String,
    /// Whether the group existed but was dismissed.
    #[serde(default)]
    pub(crate) dismissed: bool,
    /// Identifiers that may not recall here even if they are admins.
    #[serde(default)]
    pub(crate) denied: Vec<String>,
    /// The accounts that write here if there is traffic.
    #[serde(default)]
    pub(crate) members: Vec<String>,
    /// The group's share of the traffic, relative to other groups.
    #[serde(default = "one")]
    pub(crate) busy: u32,
    #[serde(default)]
    pub(crate) messages: Vec<Messages>,
    #[serde(default)]
    pub(crate) topics: Vec<Topic>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Topic {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) messages: Vec<Messages>,
}

/// `count` messages, with the senders taking turns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Messages {
    pub(crate) senders: Vec<String>,
    #[serde(default = "one")]
    pub(crate) count: u32,
    /// The sequence number of the first message, above all earlier ones. Default: the next number.
    pub(crate) seq: Option<u64>,
}

fn one() -> u32 {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    app: App,
    #[serde(default)]
    group: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    App(App),
    Group(Group),
    Message(Message),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    group: String,
    #[serde(default)]
    topic: String,
    sender: String,
    seq: Option<u64>,
}

const SAMPLE: &str = "samples/world.toml shows one that works";

impl World {
    /// Reads a world from a file: TOML if the name ends in `.toml`, otherwise JSON lines.
    ///
    /// # Errors
    /// Of kind `Input`, naming the file and the line or group.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::input(format!("can't read the world {}", path.display())).because(error)
        })?;
        let toml = path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("toml"));
        let world = if toml {
            Self::from_toml(&text)
        } else {
            Self::from_jsonl(&text)
        };
        let what = format_args!("can't use the world {}", path.display());
        world.map_err(|error| error.within(Kind::Input, what).or_hint(SAMPLE))
    }

    /// Parses a world in TOML.
    ///
    /// # Errors
    /// Of kind `Input`, naming the line or the group.
    pub fn from_toml(text: &str) -> Result<Self> {
        let whole: Whole = toml::from_str(text).map_err(|error| Error::input(error.to_string()))?;
        let mut world = Self::new(whole.app)?;
        for group in whole.group {
            world.add_group(group)?;
        }
        Ok(world)
    }

    /// Parses a world in JSON lines.
    ///
    /// # Errors
    /// Of kind `Input`, naming the line.
    pub fn from_jsonl(text: &str) -> Result<Self> {
        let mut world = None;
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let at = |error: Error| error.within(Kind::Input, format_args!("line {number}"));
            let line: Line = serde_json::from_str(line).map_err(|error| {
                at(Error::input("not a valid app, group or message").because(error))
            })?;
            match (line, &mut world) {
                (Line::App(app), None) => world = Some(Self::new(app).map_err(at)?),
                (Line::App(_), Some(_)) => return Err(at(Error::input("there is already an app"))),
                (_, None) => return Err(at(Error::input("the app must come first"))),
                (Line::Group(group), Some(world)) => world.add_group(group).map_err(at)?,
                (Line::Message(message), Some(world)) => {
                    let Message {
                        group,
                        topic,
                        sender,
                        seq,
                    } = message;
                    world
                        .add_message(&group, &topic, &sender, seq)
                        .map_err(at)?;
                }
            }
        }
        world.ok_or_else(|| Error::input("there is no app"))
    }

    fn new(app: App) -> Result<Self> {
        if let Some(region) = &app.region
            && !REGIONS.iter().any(|(name, ..)| name == region)
        {
            let names: Vec<&str> = REGIONS.iter().map(|(name, ..)| *name).collect();
            let names = names.join(", ");
            return Err(Error::input(format!(
                "region {region:?} is not one of {names}"
            )));
        }
        let mut world = Self {
            app,
            ..Self::default()
        };
        let known = world.app.admins.iter().chain(&world.app.accounts);
        for account in known.cloned().collect::<Vec<_>>() {
            world.account(&account);
        }
        Ok(world)
    }

    fn add_group(&mut self, group: Group) -> Result<()> {
        let index = self.groups.len();
        let id = group.id;
        if !ids::is_group(&id) {
            return Err(Error::input(format!("group {id:?} is not a valid GroupId")));
        }
        if !TYPES.contains(&group.kind.as_str()) {
            return Err(Error::input(format!(
                "group {id:?} is of type {:?}, which is not one of {}",
                group.kind,
                TYPES.join(", ")
            )));
        }
        let community = group.kind == "Community";
        if community && !ids::is_community(&id) {
            return Err(Error::input(format!(
                "group {id:?} is a Community, so its ID must start with {}",
                ids::COMMUNITY
            )));
        }
        if !community && !group.topics.is_empty() {
            return Err(Error::input(format!(
                "group {id:?} has topics, which only a Community may have"
            )));
        }
        if self.group_of.insert(id.clone(), index).is_some() {
            return Err(Error::input(format!("group {id:?} appears twice")));
        }
        let members = group.members.iter().map(|member| self.account(member));
        let members = members.collect();
        self.groups.push(GroupState {
            id: id.clone(),
            kind: group.kind,
            name: group.name,
            members,
            busy: group.busy,
            dismissed: group.dismissed,
            denied: group.denied,
            rooms: HashMap::new(),
        });
        self.add_room(index, String::new(), &group.messages)?;
        for topic in group.topics {
            let key = Key {
                group: &id,
                sender: "-",
                topic: &topic.id,
            };
            if ids::check(key).is_err() {
                return Err(Error::input(format!(
                    "topic {:?} is not a valid TopicId for {id:?}",
                    topic.id
                )));
            }
            self.add_room(index, topic.id, &topic.messages)?;
        }
        Ok(())
    }

    fn add_room(&mut self, group: usize, topic: String, messages: &[Messages]) -> Result<()> {
        let room = self.rooms.len();
        if self.groups[group]
            .rooms
            .insert(topic.clone(), room)
            .is_some()
        {
            return Err(Error::input(format!("topic {topic:?} appears twice")));
        }
        self.rooms.push(Room {
            group,
            topic,
            last: VecDeque::new(),
            seq: 0,
        });
        for batch in messages {
            let mut seq = batch.seq;
            let senders: Vec<usize> = batch.senders.iter().map(|id| self.account(id)).collect();
            for &sender in senders.iter().cycle().take(batch.count as usize) {
                self.send(room, sender, seq.take())?;
            }
        }
        Ok(())
    }

    pub(crate) fn add_message(
        &mut self,
        group: &str,
        topic: &str,
        sender: &str,
        seq: Option<u64>,
    ) -> Result<()> {
        let room = self.room(group, topic).ok_or_else(|| {
            Error::input(format!(
                "a message for group {group:?}, topic {topic:?}, which does not exist"
            ))
        })?;
        let sender = self.account(sender);
        self.send(room, sender, seq)
    }
}
