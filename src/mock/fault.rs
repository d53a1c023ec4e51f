//! Faults that strike calls by chance.

use std::fmt;
use std::str::FromStr;

use super::key::Key;
use crate::display::typed_percent;
use crate::error::{Error, Result};

/// A fault that strikes a share of the calls, or every call of a share of the rows, groups or
/// senders.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// The share it strikes, 0 to 1.
    pub chance: f64,
    /// What the share is of.
    pub scope: Scope,
}

/// What a fault strikes a share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Calls: the next call for the same row may succeed.
    Calls,
    /// Rows: a struck row fails every time.
    Rows,
    /// Groups, likewise. If the fault is an error code, `get_group_info` reports it for them too.
    Groups,
    /// Senders, likewise.
    Senders,
}

impl Scope {
    /// Hashes the part of the row that this scope is about. It is the same every time.
    pub(crate) fn hash(self, row: Key<'_>, seed: u64) -> u64 {
        let part = match self {
            Self::Calls | Self::Rows => row,
            Self::Groups => Key {
                group: row.group,
                ..Key::default()
            },
            Self::Senders => Key {
                sender: row.sender,
                ..Key::default()
            },
        };
        !part.hash(seed)
    }
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// The answer is this error code.
    Code(i64),
    /// The answer is this HTTP status and an HTML page.
    Status(u16),
    /// New connections are refused for a share of the time, a tenth of a second at a time. Open
    /// connections stay open.
    Refuse,
    /// The connection is reset instead of an answer.
    Reset,
    /// The connection breaks in the middle of the answer.
    Half,
    /// The answer never ends.
    Endless,
    /// The answer comes one byte at a time: late, but correct.
    Slow,
    /// The answer is status 200 with an HTML page, as from a captive portal.
    Html,
    /// The answer is status 200 with JSON that is not the API's, or with an empty body.
    Wrong,
    /// There is no answer, and the connection stays open.
    Hang,
}

/// Faults that have a name.
const NAMES: [(&str, FaultKind); 8] = [
    ("refuse", FaultKind::Refuse),
    ("reset", FaultKind::Reset),
    ("half", FaultKind::Half),
    ("endless", FaultKind::Endless),
    ("slow", FaultKind::Slow),
    ("html", FaultKind::Html),
    ("wrong", FaultKind::Wrong),
    ("hang", FaultKind::Hang),
];

/// The suffixes of scopes other than calls.
const SHARES: [(&str, Scope); 3] = [
    ("/row", Scope::Rows),
    ("/group", Scope::Groups),
    ("/sender", Scope::Senders),
];

const EXAMPLE: &str = "write a code, an HTTP status, or one of refuse, reset, half, endless, slow, \
                       html, wrong and hang, and its chance, as in 10002=5%, 502=1% or \
                       10010=2%/group";

impl FromStr for Fault {
    type Err = Error;

    /// Parses a fault. `10002=5%` is the code 10002 for one in twenty calls, `10004=1%/row` the
    /// code 10004 for every call of one in a hundred rows; `10010=1%/group` and `70107=1%/sender`
    /// likewise.
    fn from_str(text: &str) -> Result<Self> {
        let (kind, chance) = text
            .split_once('=')
            .ok_or_else(|| Error::usage(format!("fault {text:?} has no =")).hint(EXAMPLE))?;
        let (chance, scope) = SHARES
            .iter()
            .find_map(|(end, scope)| Some((chance.strip_suffix(end)?, *scope)))
            .unwrap_or((chance, Scope::Calls));
        let kind = kind.parse()?;
        if scope != Scope::Calls && kind == FaultKind::Refuse {
            return Err(
                Error::usage("a connection is refused before its rows are known").hint(
                    "write refuse=5% without a suffix, or another fault such as reset=5%/row",
                ),
            );
        }
        Ok(Self {
            kind,
            chance: share(chance)?,
            scope,
        })
    }
}

impl FromStr for FaultKind {
    type Err = Error;

    /// Parses a name, an HTTP status (200 to 599, except 204 and 304) or an error code (600 and
    /// above).
    fn from_str(text: &str) -> Result<Self> {
        if let Some((_, kind)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(*kind);
        }
        match (text.parse(), text.parse()) {
            // 1xx is not a final answer, and 204 and 304 have no body: no service would send them.
            (Ok(status @ (200..=203 | 300..=303 | 305..=599)), _) => Ok(Self::Status(status)),
            (_, Ok(code @ 600..)) => Ok(Self::Code(code)),
            _ => Err(Error::usage(format!("{text:?} is not a fault")).hint(EXAMPLE)),
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "{code}"),
            Self::Status(status) => write!(f, "{status}"),
            named => {
                let name = NAMES.iter().find(|(_, kind)| kind == named);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

/// Parses `5%` as 0.05.
pub(crate) fn share(text: &str) -> Result<f64> {
    typed_percent(text)
        .map(|percent| percent / 100.0)
        .ok_or_else(|| {
            Error::usage(format!("{text:?} is not a chance from 0% to 100%"))
                .hint("write a number and a percent sign, as in 5% or 0.1%")
        })
}

/// Checks that the chances of each scope add up to at most 100%, so no call is struck twice.
pub(crate) fn check(faults: &[Fault]) -> Result<()> {
    for scope in [Scope::Calls, Scope::Rows, Scope::Groups, Scope::Senders] {
        let struck = faults
            .iter()
            .filter(|fault| fault.scope == scope && fault.kind != FaultKind::Refuse);
        let sum: f64 = struck.map(|fault| fault.chance).sum();
        if sum > 1.0 + 1e-9 {
            return Err(Error::usage(format!(
                "the chances of the faults add up to {:.0}%",
                sum * 100.0
            ))
            .hint("at most one fault strikes a call, so the chances may add up to at most 100%"));
        }
    }
    Ok(())
}

/// Returns the fault that strikes, if any. `chance`, from 0 to below 1, is drawn only if there are
/// faults.
pub(crate) fn draw<'a>(
    faults: impl Iterator<Item = &'a Fault>,
    chance: impl FnOnce() -> f64,
) -> Option<FaultKind> {
    let mut faults = faults.peekable();
    faults.peek()?;
    let mut left = chance();
    for fault in faults {
        if left < fault.chance {
            return Some(fault.kind);
        }
        left -= fault.chance;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults<const N: usize>(texts: [&str; N]) -> [Fault; N] {
        texts.map(|text| text.parse().expect("a fault"))
    }

    #[test]
    fn a_fault_is_parsed_into_kind_chance_and_scope() {
        for (text, kind, scope) in [
            ("10002=5%", FaultKind::Code(10002), Scope::Calls),
            ("10004=5%/row", FaultKind::Code(10004), Scope::Rows),
            ("10010=5%/group", FaultKind::Code(10010), Scope::Groups),
            ("70107=5%/sender", FaultKind::Code(70107), Scope::Senders),
            ("502=5%", FaultKind::Status(502), Scope::Calls),
            ("302=5%", FaultKind::Status(302), Scope::Calls),
            ("reset=5%", FaultKind::Reset, Scope::Calls),
            ("hang=5%/row", FaultKind::Hang, Scope::Rows),
        ] {
            let fault: Fault = text.parse().expect("a fault");
            assert_eq!((fault.kind, fault.scope), (kind, scope));
            assert!((fault.chance - 0.05).abs() < 1e-12);
        }
    }

    #[test]
    fn every_fault_is_displayed_as_it_is_parsed() {
        for text in "10002 502 refuse reset half endless slow html wrong hang".split(' ') {
            let kind: FaultKind = text.parse().expect("a fault");
            assert_eq!(kind.to_string(), text);
        }
    }

    #[test]
    fn text_that_is_not_a_fault_is_refused() {
        for text in ["", "10002", "10002=5", "=5%", "0=5%", "-1=5%", "x=5%"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
        for text in ["10002=101%", "10002=-1%", "10002=NaN%", "100=5%", "204=5%"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
        for text in ["refuse=5%/row", "reset=5%/topic", "reset=5/row"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }

    #[test]
    fn faults_strike_as_often_as_their_chances_say() {
        let faults = faults(["10002=5%", "reset=1%"]);
        let mut rng = fastrand::Rng::with_seed(7);
        let mut struck = [0, 0, 0];
        for _ in 0..100_000 {
            match draw(faults.iter(), || rng.f64()) {
                Some(FaultKind::Code(10002)) => struck[0] += 1,
                Some(_) => struck[1] += 1,
                None => struck[2] += 1,
            }
        }
        assert!((4_500..5_500).contains(&struck[0]), "{struck:?}");
        assert!((800..1_200).contains(&struck[1]), "{struck:?}");
    }

    #[test]
    fn a_fault_of_100_percent_strikes_every_call() {
        let faults = faults(["10010=100%"]);
        let mut rng = fastrand::Rng::with_seed(0);
        assert!((0..1_000).all(|_| draw(faults.iter(), || rng.f64()).is_some()));
    }

    #[test]
    fn chances_above_100_percent_are_refused() {
        assert!(check(&faults(["10002=60%", "60008=40%", "10010=50%/row"])).is_ok());
        assert!(check(&faults(["10002=60%", "60008=41%"])).is_err());
    }
}
