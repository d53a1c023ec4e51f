//! Who calls: an app, an identifier, and the `UserSig` that both are believed for.

use super::secret::Secret;
use super::usersig;

/// How long a minted `UserSig` holds, in seconds. Short, for it stands in every URL.
const MINTED_FOR: u64 = 24 * 60 * 60;

/// Where the `UserSig` comes from.
#[derive(Clone, Debug)]
pub enum Auth {
    /// The operator brought one; when it has run out, the run stops.
    UserSig(Secret),
    /// The app's secret key: `UserSig`s are minted and renewed.
    SecretKey(Secret),
}

/// What every call carries to be let in.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The app, `SDKAppID`.
    pub app: u64,
    /// The account that calls; it must be an admin of the app.
    pub identifier: String,
    auth: Auth,
    usersig: Secret,
}

impl Credentials {
    /// Credentials that are ready to use at `now` (Unix seconds).
    pub fn new(app: u64, identifier: impl Into<String>, auth: Auth, now: u64) -> Self {
        let mut credentials = Self {
            app,
            identifier: identifier.into(),
            usersig: Secret::new(""),
            auth,
        };
        if let Auth::UserSig(usersig) = &credentials.auth {
            credentials.usersig = usersig.clone();
        } else {
            credentials.renew(now);
        }
        credentials
    }

    /// The `UserSig` to call with.
    pub fn usersig(&self) -> &Secret {
        &self.usersig
    }

    /// Whether [`renew`](Self::renew) can help.
    pub fn can_renew(&self) -> bool {
        matches!(self.auth, Auth::SecretKey(_))
    }

    /// Mints a `UserSig` anew, where the secret key is at hand. `now` is in Unix seconds.
    pub fn renew(&mut self, now: u64) {
        if let Auth::SecretKey(key) = &self.auth {
            self.usersig = usersig::mint(key, self.app, &self.identifier, now, MINTED_FOR);
        }
    }
}
