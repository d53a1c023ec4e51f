//! Who calls: an app, an identifier, and the `UserSig` that both are believed for.

use std::time::Duration;

use super::secret::Secret;
use super::usersig;

/// How long a minted `UserSig` holds. Short, for it stands in every URL.
const MINTED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

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
    /// Where the `UserSig` can be read.
    validity: Option<Validity>,
}

/// From when and until when a `UserSig` holds, in Unix seconds.
#[derive(Clone, Copy, Debug)]
struct Validity {
    from: u64,
    until: u64,
}

impl Credentials {
    /// Credentials that are ready to use at `now` (Unix seconds).
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
        if matches!(self.auth, Auth::SecretKey(_)) {
            *self = Self::new(self.app, self.identifier.clone(), self.auth.clone(), now);
        }
    }

    /// Whether it is time to renew, at `now` by the clock on the wall (Unix seconds): half of its
    /// time is over, or that clock has been set back to before it was minted. So the service's
    /// clock may differ from ours by hours.
    pub(crate) fn should_renew(&self, now: u64) -> bool {
        let over = |Validity { from, until }| now < from || now - from >= (until - from) / 2;
        self.can_renew() && self.validity.is_some_and(over)
    }

    /// How long the `UserSig` still holds at `now` (Unix seconds), where that is less than what is
    /// needed and no other can be minted.
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

    fn brought(expire: u64) -> Credentials {
        let usersig = usersig::mint(&Secret::new("key"), 7, "admin", NOW, expire);
        Credentials::new(7, "admin", Auth::UserSig(usersig), NOW)
    }

    #[test]
    fn a_minted_usersig_is_renewed_when_half_of_its_time_is_over_by_the_clock_on_the_wall() {
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
    fn one_that_was_brought_is_not_renewed_but_told_of_when_it_ends_too_soon() {
        let mut credentials = brought(3_600);
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
    fn nothing_is_said_of_one_that_can_not_be_read_or_can_be_renewed() {
        let unreadable = Credentials::new(7, "admin", Auth::UserSig(Secret::new("x")), NOW);
        let minted = Credentials::new(7, "admin", Auth::SecretKey(Secret::new("key")), NOW);
        for credentials in [unreadable, minted] {
            assert_eq!(credentials.falls_short(NOW, Duration::MAX), None);
        }
    }
}
