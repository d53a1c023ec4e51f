//! `recall usersig`: makes a `UserSig`, or shows the contents of one.

use std::io::{self, Read as _};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::stdout::{print, print_json};
use crate::api::secret::Secret;
use crate::api::usersig::{self, Claims};
use crate::cli::{MintArgs, ShowArgs, UserSigCommand};
use crate::config::{self, Caller, Settings, process_env};
use crate::display::time;
use crate::error::{Error, Result};
use crate::exit;
use crate::monitor::Screen;

/// Maximum length of a `UserSig` on stdin, in bytes.
const MAX_LENGTH: u64 = 16 * 1024;

/// Makes or shows a `UserSig`.
///
/// # Errors
/// Usage, if the secret key or the `UserSig` is missing or can't be read.
pub fn run(command: &UserSigCommand, screen: &Screen) -> Result<u8> {
    let now = usersig::now();
    match command {
        UserSigCommand::Mint(args) => mint(args, now, screen),
        UserSigCommand::Show(args) => show(args, now),
    }
}

fn mint(args: &MintArgs, now: u64, screen: &Screen) -> Result<u8> {
    let settings = Settings::of_caller(&args.caller, &process_env()?)?;
    let caller = Caller::new(&settings)?;
    let key = settings
        .secret_key()?
        .ok_or_else(|| Error::usage("no secret key is set").hint("set RECALL_SECRET_KEY"))?;
    let expire = config::time("--expire", &args.expire)?;
    if expire.as_secs() == 0 {
        return Err(Error::usage("--expire must be at least one second"));
    }
    let Caller { app, identifier } = caller;
    let usersig = usersig::mint(&key, app, &identifier, now, expire.as_secs());
    screen.line(&format!(
        "A UserSig for app {app} as {identifier:?}, valid for {} until {}. Keep it like a password.",
        time(expire),
        timestamp(now.saturating_add(expire.as_secs()))
    ));
    print(&format!("{}\n", usersig.expose()))?;
    Ok(exit::OK)
}

fn show(args: &ShowArgs, now: u64) -> Result<u8> {
    let settings = Settings::of_file(&args.file, &process_env()?)?;
    let from_stdin = match args.stdin.as_deref() {
        None => false,
        Some("-") => true,
        // The argument may be a UserSig, so the error does not repeat it.
        Some(_) => {
            return Err(Error::usage(
                "a UserSig is not accepted as an argument: other users could read it",
            )
            .hint("set RECALL_USERSIG, or pass it on stdin: recall usersig show -"));
        }
    };
    let (usersig, from) = if from_stdin {
        (read_stdin()?, "stdin")
    } else {
        settings.usersig()?.ok_or_else(|| {
            Error::usage("no UserSig is set")
                .hint("set RECALL_USERSIG, or pass it on stdin: recall usersig show -")
        })?
    };
    let claims = usersig::decode(usersig.expose()).map_err(|malformed| {
        Error::usage(format!("cannot decode the UserSig in {from}: {malformed}"))
    })?;
    let shown = Shown::new(&claims, settings.secret_key()?.as_ref(), now);
    if args.json {
        print_json(&shown)?;
    } else {
        print(&shown.text())?;
    }
    Ok(if shown.expired {
        exit::USERSIG_EXPIRED
    } else {
        exit::OK
    })
}

fn read_stdin() -> Result<Secret> {
    let mut text = String::new();
    io::stdin()
        .take(MAX_LENGTH)
        .read_to_string(&mut text)
        .map_err(|error| Error::input("cannot read stdin").because(error))?;
    Ok(Secret::new(text.trim()))
}

/// The contents of a `UserSig`, for text and JSON.
#[derive(Serialize)]
struct Shown {
    sdkappid: u64,
    identifier: String,
    made: Timestamp,
    ends: Timestamp,
    expired: bool,
    /// The time until it expires, or since.
    #[serde(skip)]
    distance: Duration,
    /// Seconds left; negative if it has expired.
    left_s: i128,
    /// Whether it was signed with the secret key that is set; `None` if none is set.
    signed_with_secret_key: Option<bool>,
}

impl Shown {
    fn new(claims: &Claims, key: Option<&Secret>, now: u64) -> Self {
        Self {
            sdkappid: claims.app,
            identifier: claims.identifier.clone(),
            made: timestamp(claims.time),
            ends: timestamp(claims.ends()),
            expired: claims.ends() <= now,
            distance: Duration::from_secs(claims.ends().abs_diff(now)),
            left_s: i128::from(claims.ends()) - i128::from(now),
            signed_with_secret_key: key.map(|key| claims.signed_with(key)),
        }
    }

    fn text(&self) -> String {
        let ends = if self.expired {
            format!("expired {} ago", time(self.distance))
        } else {
            format!("{} left", time(self.distance))
        };
        let signed = match self.signed_with_secret_key {
            Some(true) => "with the secret key that is set",
            Some(false) => "with another key than the one that is set",
            None => "unknown: no secret key is set",
        };
        format!(
            "app         {}\nidentifier  {}\nmade at     {}\nends at     {}, {ends}\nsigned      {signed}\n",
            self.sdkappid,
            self.identifier.escape_debug(),
            self.made,
            self.ends
        )
    }
}

/// Converts Unix seconds, capped at the last date that can be shown.
fn timestamp(second: u64) -> Timestamp {
    i64::try_from(second)
        .ok()
        .and_then(|second| Timestamp::from_second(second).ok())
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn shown(expire: u64) -> Shown {
        let usersig = usersig::mint(&Secret::new("key"), 7, "a\u{1b}[2J", NOW, expire);
        let claims = usersig::decode(usersig.expose()).expect("minted");
        Shown::new(&claims, Some(&Secret::new("other")), NOW + 60)
    }

    #[test]
    fn it_shows_the_account_and_the_time_left() {
        assert_eq!(
            shown(3_660).text(),
            "app         7\n\
             identifier  a\\u{1b}[2J\n\
             made at     2023-11-14T22:13:20Z\n\
             ends at     2023-11-14T23:14:20Z, 1:00:00 h left\n\
             signed      with another key than the one that is set\n"
        );
    }

    #[test]
    fn it_expires_at_the_second_in_which_it_ends() {
        let left = |expire| (shown(expire).expired, shown(expire).left_s);
        assert_eq!(left(61), (false, 1));
        assert_eq!(left(60), (true, 0));
        assert_eq!(left(30), (true, -30));
    }

    #[test]
    fn a_time_beyond_the_last_date_does_not_panic() {
        let shown = shown(u64::MAX);
        assert_eq!((shown.expired, shown.ends), (false, Timestamp::MAX));
    }
}
