//! Who may call: checks the domain, the app, the `UserSig` and the admin, in this order.
//!
//! A `UserSig` made in the future is accepted: what the service does with one is not listed.

use super::answer::Reply;
use super::request::Query;
use super::world_file::App;
use crate::api::endpoint::REGIONS;
use crate::api::secret::Secret;
use crate::api::usersig;

/// After this many bad `UserSig`s in a row, every call is rejected for a minute. The minute is
/// listed; the number is our guess.
const MAX_BAD: u32 = 10;
const LOCKED_SECONDS: u64 = 60;

/// The only `UserSig` version that is listed.
const VERSION: &str = "2.0";

/// Checks callers against an app.
#[derive(Debug)]
pub(crate) struct Auth {
    app: App,
    key: Option<Secret>,
    /// The last good `UserSig`: nearly every call uses the same one.
    good: Option<Good>,
    bad: u32,
    locked_until: u64,
}

#[derive(Debug)]
struct Good {
    usersig: String,
    identifier: String,
    ends: u64,
}

impl Auth {
    pub(crate) fn new(app: App) -> Self {
        Self {
            key: app.key.as_deref().map(Secret::new),
            app,
            good: None,
            bad: 0,
            locked_until: 0,
        }
    }

    /// Checks whether the call is allowed at `now`, in Unix seconds.
    pub(crate) fn check(&mut self, host: &str, query: &Query<'_>, now: u64) -> Result<(), Reply> {
        if let (Some(home), Some(called)) = (&self.app.region, region(host))
            && home != called
        {
            return Err(Reply::fail(60026));
        }
        if query.sdkappid != self.app.sdkappid {
            return Err(Reply::fail(70020));
        }
        if now < self.locked_until {
            return Err(Reply::fail(70050));
        }
        let result = self.verify(query, now);
        if let Err(70003 | 70009) = result {
            self.bad += 1;
            if self.bad >= MAX_BAD {
                (self.bad, self.locked_until) = (0, now + LOCKED_SECONDS);
            }
        } else {
            self.bad = 0;
        }
        result.map_err(Reply::fail)?;
        if !self
            .app
            .admins
            .iter()
            .any(|admin| **admin == *query.identifier)
        {
            return Err(Reply::fail(60010));
        }
        Ok(())
    }

    fn verify(&mut self, query: &Query<'_>, now: u64) -> Result<(), i64> {
        let Some(key) = &self.key else {
            return Ok(());
        };
        if let Some(good) = &self.good
            && good.usersig == query.usersig
            && good.identifier == query.identifier
        {
            return if now < good.ends { Ok(()) } else { Err(70001) };
        }
        let claims = usersig::decode(&query.usersig).map_err(|_| 70003)?;
        // The service's code for another version is not listed, but it probably rejects it.
        if claims.version != VERSION {
            return Err(70003);
        }
        if claims.identifier != query.identifier {
            return Err(70013);
        }
        if claims.app != query.sdkappid {
            return Err(70014);
        }
        if !claims.signed_with(key) {
            return Err(70009);
        }
        if claims.ends() <= now {
            return Err(70001);
        }
        self.good = Some(Good {
            usersig: query.usersig.to_string(),
            identifier: claims.identifier.clone(),
            ends: claims.ends(),
        });
        Ok(())
    }
}

/// Returns the region of one of the service's domains; `None` for any other host, such as loopback.
fn region(host: &str) -> Option<&'static str> {
    let name = host.split(':').next().unwrap_or(host);
    let found = REGIONS
        .iter()
        .find(|(.., domain)| name.eq_ignore_ascii_case(domain));
    found.map(|(region, ..)| *region)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    const NOW: u64 = 1_700_000_000;
    const APP: u64 = 1_400_000_000;

    fn auth() -> Auth {
        Auth::new(App {
            sdkappid: APP,
            key: Some("the key".to_owned()),
            admins: vec!["administrator".to_owned(), "second".to_owned()],
            region: Some("singapore".to_owned()),
            accounts: Vec::new(),
        })
    }

    fn mint(key: &str, app: u64, identifier: &str) -> String {
        let usersig = usersig::mint(&Secret::new(key), app, identifier, NOW - 100, 200);
        usersig.expose().to_owned()
    }

    /// The same `UserSig`, labelled with this version.
    fn of_version(version: &str, usersig: &str) -> String {
        let mut claims = usersig::decode(usersig).expect("a UserSig");
        claims.version = version.to_owned();
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
        serde_json::to_writer(&mut packed, &claims).expect("JSON");
        let text = STANDARD.encode(packed.finish().expect("packed"));
        text.replace('+', "*").replace('/', "-").replace('=', "_")
    }

    fn check(auth: &mut Auth, host: &str, app: u64, identifier: &str, sig: &str, now: u64) -> i64 {
        let query = Query {
            sdkappid: app,
            identifier: Cow::Borrowed(identifier),
            usersig: Cow::Borrowed(sig),
            random: 1,
        };
        auth.check(host, &query, now)
            .err()
            .map_or(0, |reply| reply.code)
    }

    #[test]
    fn each_kind_of_wrong_caller_gets_its_code() {
        let good = mint("the key", APP, "administrator");
        let user = mint("the key", APP, "leckie");
        for (expected, host, app, identifier, sig, now) in [
            (
                0,
                "127.0.0.1:8080",
                APP,
                "administrator",
                good.as_str(),
                NOW,
            ),
            (
                0,
                "adminapisgp.im.qcloud.com",
                APP,
                "administrator",
                &good,
                NOW,
            ),
            (
                60026,
                "adminapiger.im.qcloud.com",
                APP,
                "administrator",
                &good,
                NOW,
            ),
            (
                60026,
                "console.tim.qq.com:443",
                APP,
                "administrator",
                &good,
                NOW,
            ),
            (70020, "mock", APP + 1, "administrator", &good, NOW),
            (70013, "mock", APP, "second", &good, NOW),
            (
                70014,
                "mock",
                APP,
                "administrator",
                &mint("the key", 7, "administrator"),
                NOW,
            ),
            (
                70009,
                "mock",
                APP,
                "administrator",
                &mint("other", APP, "administrator"),
                NOW,
            ),
            (
                70003,
                "mock",
                APP,
                "administrator",
                &good[..good.len() / 2],
                NOW,
            ),
            (70003, "mock", APP, "administrator", "xxx", NOW),
            (
                0,
                "mock",
                APP,
                "administrator",
                &of_version("2.0", &good),
                NOW,
            ),
            (
                70003,
                "mock",
                APP,
                "administrator",
                &of_version("9", &good),
                NOW,
            ),
            (0, "mock", APP, "administrator", &good, NOW + 99),
            (70001, "mock", APP, "administrator", &good, NOW + 100),
            (60010, "mock", APP, "leckie", &user, NOW),
        ] {
            let mut auth = auth();
            for again in 0..2 {
                let code = check(&mut auth, host, app, identifier, sig, now);
                assert_eq!(code, expected, "{host} {app} {identifier}, {again}");
            }
        }
    }

    #[test]
    fn a_usersig_expires_even_while_in_use() {
        let mut auth = auth();
        let good = mint("the key", APP, "administrator");
        let mut at = |now| check(&mut auth, "mock", APP, "administrator", &good, now);
        assert_eq!([at(NOW), at(NOW + 99), at(NOW + 100)], [0, 0, 70001]);
    }

    #[test]
    fn too_many_bad_usersigs_lock_callers_out_for_a_minute() {
        let mut auth = auth();
        let good = mint("the key", APP, "administrator");
        let mut at = |sig, now| check(&mut auth, "mock", APP, "administrator", sig, now);
        for _ in 0..MAX_BAD {
            assert_eq!(at("bad", NOW), 70003);
        }
        assert_eq!([at("bad", NOW), at(&good, NOW + 59)], [70050, 70050]);
        assert_eq!(at(&good, NOW + 60), 0);
    }

    #[test]
    fn without_a_key_any_usersig_is_accepted() {
        let mut auth = auth();
        auth.key = None;
        assert_eq!(check(&mut auth, "mock", APP, "administrator", "x", NOW), 0);
        assert_eq!(check(&mut auth, "mock", APP, "leckie", "x", NOW), 60010);
    }
}
