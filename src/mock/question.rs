//! Questions about the mock itself: parses requests below `/mock/` and explains those without an
//! answer.

use url::form_urlencoded;

use super::key::KeyFilter;
use super::tell::List;
use super::world::World;

/// A question about the mock.
#[derive(Debug)]
pub(crate) enum Question {
    /// The figures.
    Seen,
    /// One of the lists.
    List(List),
}

/// Why a question has no answer.
#[derive(Debug)]
pub(crate) struct NoAnswer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The reason, as a line of text.
    pub(crate) why: String,
}

const NO_SUCH_PATH: &str =
    "below /mock/ there are only seen, apps, rows, connections, world and messages";

impl NoAnswer {
    fn bad(why: &str) -> Self {
        Self {
            status: 400,
            why: format!("{why}\n"),
        }
    }

    fn not_found(why: &str) -> Self {
        Self {
            status: 404,
            why: format!("{why}\n"),
        }
    }
}

impl Question {
    /// Parses the name and query. An unknown filter is an error: ignoring it would return
    /// everything as if that were the answer.
    pub(crate) fn read(name: &str, query: &str) -> Result<Self, NoAnswer> {
        let known: &[&str] = match name {
            "world" => &["group", "sender", "topic"],
            "messages" => &["group", "topic"],
            _ => &[],
        };
        let filters: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let value = |name| {
            let named = filters.iter().find(|(filter, _)| filter == name);
            named.map(|(_, value)| value.to_string())
        };
        let question = match name {
            "seen" => Self::Seen,
            "rows" => Self::List(List::Rows),
            "apps" => Self::List(List::Apps),
            "connections" => Self::List(List::Connections),
            "world" => Self::List(List::World(KeyFilter {
                group: value("group"),
                sender: value("sender"),
                topic: value("topic"),
            })),
            "messages" => Self::List(List::Messages {
                group: value("group").unwrap_or_default(),
                topic: value("topic").unwrap_or_default(),
            }),
            _ => return Err(NoAnswer::not_found(NO_SUCH_PATH)),
        };
        let unknown = filters.iter().find(|(name, _)| !known.contains(&&**name));
        if let Some((filter, _)) = unknown {
            let others = match known {
                [] => String::new(),
                known => format!("; it has {}", known.join(", ")),
            };
            let why = format!("/mock/{name} has no filter {filter:?}{others}");
            return Err(NoAnswer::bad(&why));
        }
        if name == "messages" && value("group").is_none() {
            let why = "/mock/messages needs a group, as in ?group=%40TGS%232C5SZEAEF";
            return Err(NoAnswer::bad(why));
        }
        Ok(question)
    }

    /// Checks that everything the question names exists. In a made-up world, everything does.
    pub(crate) fn check(&self, world: Option<&World>) -> Result<(), NoAnswer> {
        let (group, sender, topic) = match self {
            Self::List(List::World(KeyFilter {
                group,
                sender,
                topic,
            })) => (group.as_deref(), sender.as_deref(), topic.as_deref()),
            Self::List(List::Messages { group, topic }) => (Some(&**group), None, Some(&**topic)),
            Self::Seen | Self::List(_) => return Ok(()),
        };
        let Some(world) = world else { return Ok(()) };
        let missing = if let Some(group) = group
            && !world.has_group(group)
        {
            ("group", group)
        } else if let Some(topic) = topic
            && !world.has_topic(group, topic)
        {
            ("topic", topic)
        } else if let Some(sender) = sender
            && !world.has_account(sender)
        {
            ("sender", sender)
        } else {
            return Ok(());
        };
        let (what, id) = missing;
        let why = format!("the world has no {what} {id:?} (in a URL, # must be written as %23)");
        Err(NoAnswer::not_found(&why))
    }
}
