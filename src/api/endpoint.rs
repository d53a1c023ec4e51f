//! Where the service is: a region by name, or any address.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

use crate::error::Error;

/// The regions: name, other names, host.
///
/// Source: the official page of the call (the first six) and of the REST API (Tokyo, Riyadh).
pub const REGIONS: [(&str, &[&str], &str); 8] = [
    ("china", &["cn"], "console.tim.qq.com"),
    ("singapore", &["sgp", "sg"], "adminapisgp.im.qcloud.com"),
    ("seoul", &["korea", "kr"], "adminapikr.im.qcloud.com"),
    (
        "frankfurt",
        &["germany", "ger", "de"],
        "adminapiger.im.qcloud.com",
    ),
    (
        "silicon-valley",
        &["usa", "us"],
        "adminapiusa.im.qcloud.com",
    ),
    (
        "jakarta",
        &["indonesia", "idn", "id"],
        "adminapiidn.im.qcloud.com",
    ),
    (
        "tokyo",
        &["japan", "jpn", "jp"],
        "adminapijpn.im.qcloud.com",
    ),
    (
        "riyadh",
        &["saudi-arabia", "ksa", "sa"],
        "adminapiksa.im.qcloud.com",
    ),
];

/// The address that calls go to: `https`, or plain `http` on loopback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// Returns the endpoint of a region. `from` is where the name was set: a flag, a variable, or
    /// file and key.
    ///
    /// # Errors
    /// Usage, if no region has that name; the error lists the regions.
    pub(crate) fn of_region(from: &str, name: &str) -> Result<Self, Error> {
        let wanted = name.to_ascii_lowercase().replace(['_', ' '], "-");
        REGIONS
            .iter()
            .find(|(region, others, _)| *region == wanted || others.contains(&wanted.as_str()))
            .map(|(_, _, host)| format!("https://{host}"))
            .ok_or_else(|| {
                let names: Vec<_> = REGIONS.iter().map(|(region, ..)| *region).collect();
                Error::usage(format!("{from} {name:?} is not a region"))
                    .hint(format!("the regions are {}", names.join(", ")))
            })?
            .parse()
    }

    /// Parses an address. `from` is where it was set, for errors.
    ///
    /// # Errors
    /// Usage, if it is not a URL, or not one that may be called. The error leaves out the text,
    /// which may contain a secret.
    pub fn read(from: &str, text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            Error::usage(format!("{from} {why}"))
                .hint("an endpoint looks like https://adminapisgp.im.qcloud.com")
        };
        let url = Url::parse(text).map_err(|error| refuse("is not a URL").because(error))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(refuse("must start with https://"));
        }
        if url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(refuse("must be a bare address: no query, no user"));
        }
        let endpoint = Self(url);
        if endpoint.0.scheme() == "http" && !endpoint.is_loopback() {
            return Err(refuse(
                "would send the UserSig unencrypted: http:// is for loopback only",
            ));
        }
        Ok(endpoint)
    }

    /// Returns whether calls stay on this machine.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
            Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
            None => false,
        }
    }

    /// Returns the port if calls stay on this machine.
    pub(crate) fn loopback_port(&self) -> Option<u16> {
        self.0
            .port_or_known_default()
            .filter(|_| self.is_loopback())
    }

    /// Returns the address for display, and the region's name if it is one's.
    pub(crate) fn for_people(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        match REGIONS.iter().find(|(.., known)| *known == host) {
            Some((region, ..)) => format!("{self} ({region})"),
            None => self.to_string(),
        }
    }

    /// Returns the URL of a path below this address, without a query.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{path}"));
        url
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::read("the endpoint", text)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_found_by_any_of_its_names() {
        for name in ["singapore", "SGP", "sg"] {
            let endpoint = Endpoint::of_region("--region", name).expect(name);
            assert_eq!(endpoint.to_string(), "https://adminapisgp.im.qcloud.com");
        }
        assert_eq!(
            Endpoint::of_region("--region", "Silicon Valley")
                .expect("a space works too")
                .to_string(),
            "https://adminapiusa.im.qcloud.com"
        );
    }

    #[test]
    fn the_error_for_an_unknown_region_lists_the_known_ones() {
        let error = Endpoint::of_region("--region", "mars").expect_err("no such region");
        assert_eq!(
            error.to_string(),
            "--region \"mars\" is not a region\n  hint: the regions are china, singapore, seoul, \
             frankfurt, silicon-valley, jakarta, tokyo, riyadh"
        );
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for good in [
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost",
            "https://example.com/im/",
        ] {
            good.parse::<Endpoint>().expect(good);
        }
        for bad in [
            "http://example.com",
            "http://10.0.0.1",
            "ftp://x",
            "x",
            "https://u:p@x",
            "https://x/?usersig=1",
            "http://127.0.0.1.example.com",
        ] {
            bad.parse::<Endpoint>().expect_err(bad);
        }
    }

    #[test]
    fn the_path_of_an_endpoint_is_kept() {
        let endpoint: Endpoint = "https://example.com/im/".parse().expect("a URL");
        assert_eq!(endpoint.url("v4/x").as_str(), "https://example.com/im/v4/x");
    }
}
