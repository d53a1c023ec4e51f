//! Who calls: app, identifier, and the secret that both are believed for.

use super::settings::{Setting, Settings};
use crate::api::credentials::{Auth, Credentials};
use crate::api::secret::Secret;
use crate::api::usersig;
use crate::error::{Error, Result};

/// An app and an account of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The app, `SDKAppID`.
    pub app: u64,
    /// The account.
    pub identifier: String,
}

impl Caller {
    /// Who is set.
    ///
    /// # Errors
    /// Usage, where the app is missing or no integer.
    pub fn new(settings: &Settings) -> Result<Self> {
        let Some(Setting { value, from }) = settings.get("sdkappid") else {
            return Err(Error::usage("which app?").hint("set RECALL_SDKAPPID, or say --sdkappid N"));
        };
        let app = value.trim().parse();
        let identifier = settings.get("identifier").expect("it is built in");
        Ok(Self {
            app: app.map_err(|_| Error::usage(format!("{from} is not an integer")))?,
            identifier: identifier.value.clone(),
        })
    }
}

impl Settings {
    /// The app's secret key, where it is set.
    pub fn secret_key(&self) -> Option<Secret> {
        self.get("secret_key").map(secret)
    }

    /// The `UserSig` that is set, and who said it.
    pub fn usersig(&self) -> Option<(Secret, &str)> {
        let setting = self.get("usersig")?;
        Some((secret(setting), &setting.from))
    }
}

fn secret(setting: &Setting) -> Secret {
    Secret::new(setting.value.trim())
}

/// What calls carry, at `now` in Unix seconds.
pub(super) fn credentials(settings: &Settings, now: u64) -> Result<Credentials> {
    let caller = Caller::new(settings)?;
    let auth = match settings.either(["secret_key", "usersig"]) {
        [Some(key), _] => Auth::SecretKey(secret(key)),
        [None, Some(usersig)] => {
            check_usersig(usersig, &caller, now)?;
            Auth::UserSig(secret(usersig))
        }
        [None, None] => {
            return Err(Error::usage("who calls? There is neither a secret key nor a UserSig").hint(
                "set RECALL_SECRET_KEY, and UserSigs are made and renewed from it, or set RECALL_USERSIG",
            ));
        }
    };
    Ok(Credentials::new(caller.app, caller.identifier, auth, now))
}

/// Refuses a `UserSig` that the service would refuse. One that can't be read may still be right.
fn check_usersig(setting: &Setting, caller: &Caller, now: u64) -> Result<()> {
    let claims = match usersig::decode(secret(setting).expose()) {
        Ok(claims) => claims,
        Err(malformed) => {
            tracing::warn!(
                "{} is none that can be read here: {malformed}",
                setting.from
            );
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
        "has run out".to_owned()
    } else {
        return Ok(());
    };
    Err(
        Error::usage(format!("the UserSig of {} {wrong}", setting.from)).hint(
            "make a new one, or set RECALL_SECRET_KEY, and they are made and renewed from it",
        ),
    )
}
