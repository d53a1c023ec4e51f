//! What can go wrong with a call, by chance.

use std::fmt;
use std::str::FromStr;

use super::key::Key;
use crate::display::typed_percent;
use crate::error::{Error, Result};

/// Something that goes wrong with a share of the calls, or with every call of a share of the rows,
/// groups or senders.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// The share that it strikes, 0 to 1.
    pub chance: f64,
    /// Of what it is a share.
    pub scope: Scope,
}

/// Of what a fault strikes a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of the calls: the next call for the same row may go well.
    Calls,
    /// Of the rows: what it strikes, it strikes each time.
    Rows,
    /// Of the groups, likewise; where it is an error code, `get_group_info` tells it of them too.
    Groups,
    /// Of the senders, likewise.
    Senders,
}

impl Scope {
    /// The chance of what the row has of this kind, the same each time.
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
    /// It is answered with this error code.
    Code(i64),
    /// It is answered with this HTTP status and a page for people.
    Status(u16),
    /// New connections are refused for a share of the time, a tenth of a second at a time; those
    /// that are open go on.
    Refuse,
    /// Its connection is reset in place of an answer.
    Reset,
    /// The connection breaks in the middle of the answer.
    Half,
    /// The answer does not end.
    Endless,
    /// The answer comes byte by byte: late, and true.
    Slow,
    /// Status 200 with a page for people, as from a captive portal.
    Html,
    /// Status 200 with JSON that is not the API's, or nothing.
    Wrong,
    /// No answer at all, on a connection that stays open.
    Hang,
}

/// Faults by name.
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

/// Shares that are not of the calls.
const SHARES: [(&str, Scope); 3] = [
    ("/row", Scope::Rows),
    ("/group", Scope::Groups),
    ("/sender", Scope::Senders),
];

const EXAMPLE: &str = "write what and its chance, as in 10002=5%, 502=1%, 10010=2%/group, or one of \
                       refuse, reset, half, endless, slow, html, wrong, hang";

impl FromStr for Fault {
    type Err = Error;

    /// `10002=5%`: the code 10002 for every twentieth call. `10004=1%/row`: for every call of
    /// every hundredth row; `10010=1%/group` and `70107=1%/sender` likewise.
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
                Error::usage("a connection is refused before its rows are known")
                    .hint("write refuse=5% alone, or for example reset=5%/row"),
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

    /// A name, an HTTP status (100 to 599), or an error code (600 and above).
    fn from_str(text: &str) -> Result<Self> {
        if let Some((_, kind)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(*kind);
        }
        match (text.parse(), text.parse()) {
            // 1xx is no answer yet, and 204 and 304 have no body: no service would send them.
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

/// `5%` as 0.05.
pub(crate) fn share(text: &str) -> Result<f64> {
    typed_percent(text)
        .map(|percent| percent / 100.0)
        .ok_or_else(|| {
            Error::usage(format!("{text:?} is not a chance from 0% to 100%"))
                .hint("write a number and a percent sign, as in 5% or 0.1%")
        })
}

/// Checks that the chances leave no call struck twice.
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
            .hint("at most one fault strikes a call: let them add up to 100% or less"));
        }
    }
    Ok(())
}

/// The one of these faults that strikes, if one does. `chance`, from 0 to below 1, is drawn only
/// where there are any.
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
    fn a_fault_is_read_as_what_and_its_chance() {
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
    fn every_fault_is_written_as_it_is_read() {
        for text in "10002 502 refuse reset half endless slow html wrong hang".split(' ') {
            let kind: FaultKind = text.parse().expect("a fault");
            assert_eq!(kind.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_fault_is_refused() {
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
    fn faults_strike_as_often_as_they_should() {
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
    fn chances_above_all_calls_are_refused() {
        assert!(check(&faults(["10002=60%", "60008=40%", "10010=50%/row"])).is_ok());
        assert!(check(&faults(["10002=60%", "60008=41%"])).is_err());
    }
}
