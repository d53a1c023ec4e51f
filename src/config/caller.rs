//! The caller: app, identifier, and the secret that authenticates them.

use std::num::NonZeroU64;

use super::settings::{Setting, Settings};
use crate::api::credentials::{Auth, Credentials};
use crate::api::secret::Secret;
use crate::api::usersig;
use crate::error::{Error, Result};

/// An app and one of its accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The app, `SDKAppID`.
    pub app: u64,
    /// The account.
    pub identifier: String,
}

impl Caller {
    /// Returns the caller from the settings.
    ///
    /// # Errors
    /// Usage, if the app is missing or not a positive integer, or if the identifier is empty.
    pub fn new(settings: &Settings) -> Result<Self> {
        let Some(Setting { value, from }) = settings.get("sdkappid") else {
            return Err(
                Error::usage("no SDKAppID is set").hint("set RECALL_SDKAPPID or pass --sdkappid N")
            );
        };
        let app: NonZeroU64 = value.trim().parse().map_err(|_| {
            Error::usage(format!("{from} is not a positive integer"))
                .hint("the console shows the SDKAppID of each app, such as 1400000000")
        })?;
        let Setting { value, from } = settings.get("identifier").expect("it has a default");
        let identifier = value.trim();
        if identifier.is_empty() {
            return Err(Error::usage(format!("{from} is empty"))
                .hint("name an admin account of the app, such as administrator"));
        }
        Ok(Self {
            app: app.get(),
            identifier: identifier.to_owned(),
        })
    }
}

impl Settings {
    /// Returns the app's secret key, if set.
    ///
    /// # Errors
    /// Usage, if it is empty.
    pub fn secret_key(&self) -> Result<Option<Secret>> {
        self.get("secret_key").map(secret).transpose()
    }

    /// Returns the `UserSig`, if set, and where it was set.
    ///
    /// # Errors
    /// Usage, if it is empty.
    pub fn usersig(&self) -> Result<Option<(Secret, &str)>> {
        let Some(setting) = self.get("usersig") else {
            return Ok(None);
        };
        Ok(Some((secret(setting)?, &setting.from)))
    }
}

fn secret(setting: &Setting) -> Result<Secret> {
    match setting.value.trim() {
        "" => Err(Error::usage(format!("{} is empty", setting.from))),
        value => Ok(Secret::new(value)),
    }
}

/// Returns the credentials for calls; `now` is in Unix seconds.
///
/// Of key and `UserSig`, the one set with higher precedence counts. In the same place the key does:
/// it can do all that a `UserSig` can, and renew it. The operator is warned if a setting has no
/// effect, unless a key overrides a `UserSig` of lower precedence.
pub(super) fn credentials(settings: &Settings, now: u64) -> Result<Credentials> {
    let caller = Caller::new(settings)?;
    let auth = match settings.either(["secret_key", "usersig"]) {
        [Some(key), usersig] => {
            if let Some(usersig) = usersig {
                let (key, usersig) = (&key.from, &usersig.from);
                tracing::warn!("{key} and {usersig} are both set: the key is used");
            }
            Auth::SecretKey(secret(key)?)
        }
        [None, Some(usersig)] => {
            let hidden = settings.get("secret_key").map(|key| &*key.from);
            check_usersig(usersig, hidden, &caller, now)?;
            if let Some(key) = hidden {
                let usersig = &usersig.from;
                tracing::warn!("{usersig} is used, not {key}; it can't be renewed");
            }
            Auth::UserSig(secret(usersig)?)
        }
        [None, None] => {
            return Err(
                Error::usage("no credentials: neither a secret key nor a UserSig is set").hint(
                    "set RECALL_SECRET_KEY, from which UserSigs are made and renewed, or RECALL_USERSIG",
                ),
            );
        }
    };
    Ok(Credentials::new(caller.app, caller.identifier, auth, now))
}

/// Refuses a `UserSig` that the service would refuse. One that can't be decoded may still be valid.
/// `hidden` names the secret key that would be used without it.
fn check_usersig(setting: &Setting, hidden: Option<&str>, caller: &Caller, now: u64) -> Result<()> {
    let from = &setting.from;
    let claims = match usersig::decode(secret(setting)?.expose()) {
        Ok(claims) => claims,
        Err(malformed) => {
            tracing::warn!("cannot decode the UserSig in {from}: {malformed}");
            return Ok(());
        }
    };
    let wrong = if claims.app != caller.app {
        format!(
            "is for app {}, and this run is for app {}",
            claims.app, caller.app
        )
    } else if claims.identifier != caller.identifier {
        format!(
            "is for {:?}, and this run calls as {:?}",
            claims.identifier, caller.identifier
        )
    } else if claims.ends() <= now {
        "has expired".to_owned()
    } else {
        return Ok(());
    };
    let hint = match hidden {
        Some(key) => format!("unset {from}, so that UserSigs are made and renewed from {key}"),
        None => {
            "make a new one, or set RECALL_SECRET_KEY instead, from which they are made and renewed"
                .to_owned()
        }
    };
    Err(Error::usage(format!("the UserSig in {from} {wrong}")).hint(hint))
}
