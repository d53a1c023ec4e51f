//! Questions about the mock itself: what is asked for below `/mock/`, and why some have no answer.

use url::form_urlencoded;

use super::key::KeyFilter;
use super::tell::List;
use super::world::World;

/// What is asked for.
#[derive(Debug)]
pub(crate) enum Question {
    /// The figures.
    Seen,
    /// A list.
    List(List),
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct NoAnswer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// A line for whoever asked.
    pub(crate) why: String,
}

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
    /// What is asked for with this name and query. A filter that is not known would otherwise give
    /// all there is, as if that were the answer.
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
            _ => return Err(NoAnswer::not_found("the mock tells nothing of this name")),
        };
        let unknown = filters.iter().find(|(name, _)| !known.contains(&&**name));
        if let Some((filter, _)) = unknown {
            let but = match known {
                [] => String::new(),
                known => format!(", but {}", known.join(", ")),
            };
            let why = format!("/mock/{name} has no filter {filter:?}{but}");
            return Err(NoAnswer::bad(&why));
        }
        if name == "messages" && value("group").is_none() {
            let why = "/mock/messages needs a group, as in ?group=%40TGS%232C5SZEAEF";
            return Err(NoAnswer::bad(why));
        }
        Ok(question)
    }

    /// Checks that there is what is asked about. In a world that is made up, everything is.
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
        let why = format!("the world has no {what} {id:?} (a # has to be written %23)");
        Err(NoAnswer::not_found(&why))
    }
}
