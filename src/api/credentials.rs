//! Credentials: an app, an identifier, and the `UserSig` that proves both.

use std::time::Duration;

use super::secret::Secret;
use super::usersig;

/// How long a minted `UserSig` is valid. Short, as it is in every URL.
const MINTED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Where the `UserSig` comes from.
#[derive(Clone, Debug)]
pub enum Auth {
    /// The operator supplied it; when it expires, the run stops.
    UserSig(Secret),
    /// The app's secret key, from which `UserSig`s are minted and renewed.
    SecretKey(Secret),
}

/// The credentials in every call.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The app, `SDKAppID`.
    pub app: u64,
    /// The calling account, which must be an admin of the app.
    pub identifier: String,
    auth: Auth,
    usersig: Secret,
    /// `None` if the `UserSig` can't be decoded.
    validity: Option<Validity>,
}

/// The period in which a `UserSig` is valid, in Unix seconds.
#[derive(Clone, Copy, Debug)]
struct Validity {
    from: u64,
    until: u64,
}

impl Credentials {
    /// Returns credentials that are ready to use at `now` (Unix seconds).
    pub fn new(app: u64, identifier: impl Into<String>, auth: Auth, now: u64) -> Self {
        let identifier = identifier.into();
        let usersig = match &auth {
            Auth::UserSig(usersig) => usersig.clone(),
            Auth::SecretKey(key) => mint(key, app, &identifier, now),
        };
        let claims = usersig::decode(usersig.expose()).ok();
        Self {
            app,
            identifier,
            auth,
            usersig,
            validity: claims.map(|claims| Validity {
                from: claims.time,
                until: claims.ends(),
            }),
        }
    }

    /// Returns the `UserSig` to call with.
    pub fn usersig(&self) -> &Secret {
        &self.usersig
    }

    /// Returns whether [`renew`](Self::renew) can mint a new `UserSig`.
    pub fn can_renew(&self) -> bool {
        matches!(self.auth, Auth::SecretKey(_))
    }

    /// Mints a new `UserSig` if the secret key is known. `now` is in Unix seconds.
    pub fn renew(&mut self, now: u64) {
        if matches!(self.auth, Auth::SecretKey(_)) {
            *self = Self::new(self.app, self.identifier.clone(), self.auth.clone(), now);
        }
    }

    /// Returns whether to renew the `UserSig` at `now` (wall clock, Unix seconds): half of its time
    /// is over, or the clock was set back to before it was minted. This tolerates a difference of
    /// hours from the service's clock.
    pub(crate) fn should_renew(&self, now: u64) -> bool {
        let over = |Validity { from, until }| now < from || now - from >= (until - from) / 2;
        self.can_renew() && self.validity.is_some_and(over)
    }

    /// Returns how long the `UserSig` is still valid at `now` (Unix seconds), if that is less than
    /// `needed` and it can't be renewed.
    pub(crate) fn falls_short(&self, now: u64, needed: Duration) -> Option<Duration> {
        let validity = self.validity.filter(|_| !self.can_renew())?;
        let left = Duration::from_secs(validity.until.saturating_sub(now));
        (left < needed).then_some(left)
    }
}

fn mint(key: &Secret, app: u64, identifier: &str, now: u64) -> Secret {
    usersig::mint(key, app, identifier, now, MINTED_FOR.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const DAY: u64 = 86_400;

    fn supplied(expire: u64) -> Credentials {
        let usersig = usersig::mint(&Secret::new("key"), 7, "admin", NOW, expire);
        Credentials::new(7, "admin", Auth::UserSig(usersig), NOW)
    }

    #[test]
    fn a_minted_usersig_is_renewed_at_half_of_its_time_by_the_wall_clock() {
        let key = Auth::SecretKey(Secret::new("key"));
        let mut credentials = Credentials::new(7, "admin", key, NOW);
        assert!(!credentials.should_renew(NOW));
        assert!(!credentials.should_renew(NOW + DAY / 2 - 1));
        assert!(credentials.should_renew(NOW + DAY / 2));
        assert!(
            credentials.should_renew(NOW + 100 * DAY),
            "after a long sleep"
        );
        assert!(credentials.should_renew(NOW - 1), "the clock was set back");
        credentials.renew(NOW + DAY);
        assert!(!credentials.should_renew(NOW + DAY));
        let claims = usersig::decode(credentials.usersig().expose()).expect("minted");
        assert_eq!(claims.ends(), NOW + 2 * DAY);
    }

    #[test]
    fn a_supplied_usersig_is_not_renewed_but_falls_short_if_it_expires_too_soon() {
        let mut credentials = supplied(3_600);
        assert!(!credentials.should_renew(NOW + DAY));
        let before = credentials.usersig().clone();
        credentials.renew(NOW + DAY);
        assert_eq!(*credentials.usersig(), before);
        let short = |at, needed| credentials.falls_short(at, Duration::from_secs(needed));
        assert_eq!(short(NOW, 3_600), None);
        assert_eq!(short(NOW, 3_601), Some(Duration::from_secs(3_600)));
        assert_eq!(short(NOW + DAY, 1), Some(Duration::ZERO));
    }

    #[test]
    fn a_usersig_that_can_be_renewed_or_not_decoded_never_falls_short() {
        let unreadable = Credentials::new(7, "admin", Auth::UserSig(Secret::new("x")), NOW);
        let minted = Credentials::new(7, "admin", Auth::SecretKey(Secret::new("key")), NOW);
        for credentials in [unreadable, minted] {
            assert_eq!(credentials.falls_short(NOW, Duration::MAX), None);
        }
    }
}
