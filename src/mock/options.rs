//! The options of a mock.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::cap::Cap;
use super::fault::{self, Fault};
use super::hook::Hook;
use super::latency::Latency;
use super::script::Script;
use super::world::World;
use crate::error::{Error, Result};

/// The options of a mock. By default it answers every valid call immediately with success.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on. With port 0, [`Mock::address`](super::Mock::address) has the
    /// actual port.
    pub listen: SocketAddr,
    /// Whether `listen` may be an address other than loopback.
    pub public: bool,
    /// How long an answer takes.
    pub latency: Latency,
    /// Faults that strike by chance. At most one strikes a call, so their chances add up.
    pub faults: Vec<Fault>,
    /// What happens at which time. It takes precedence over `latency` and `faults`.
    pub script: Script,
    /// How many calls of each app and command pass; `None` for no cap.
    pub cap: Option<Cap>,
    /// How long a connection may be idle before it is closed. For a sibling service, about 90 s is
    /// listed.
    pub idle: Duration,
    /// The seed of all randomness. The same calls meet the same faults, in any order if rows are
    /// counted, otherwise only in the same order.
    pub seed: u64,
    /// Whether to remember each row that was called. This takes about 40 bytes per row plus its
    /// IDs.
    pub count_rows: bool,
    /// The app and its groups. If `None`, they are made up from the seed: every app, group and
    /// sender exists.
    pub world: Option<World>,
    /// How many messages arrive in the world per second.
    pub traffic: f64,
    /// Handles each request before the service sees it.
    pub hook: Option<Hook>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            public: false,
            latency: Latency::default(),
            faults: Vec::new(),
            script: Script::default(),
            cap: None,
            idle: Duration::from_secs(90),
            seed: 0,
            count_rows: false,
            world: None,
            traffic: 0.0,
            hook: None,
        }
    }
}

impl Options {
    /// Checks what the types can't express.
    pub(crate) fn check(&self) -> Result<()> {
        if !self.listen.ip().is_loopback() && !self.public {
            return Err(Error::usage(format!(
                "{} can be reached from other machines",
                self.listen
            ))
            .hint("listen on 127.0.0.1, or add --public if that is what you want"));
        }
        if self.idle.is_zero() {
            let why = "idle must be above 0: connections would be closed before they get an answer";
            return Err(Error::usage(why)
                .hint("write for example 90s, about as long as the service allows"));
        }
        if !(0.0..=1e6).contains(&self.traffic) {
            return Err(Error::usage(
                "traffic must be 0 to 1,000,000 messages a second",
            ));
        }
        if self.traffic > 0.0 && self.world.is_none() {
            return Err(Error::usage("traffic needs a world to arrive in")
                .hint("give one with --world, such as samples/world.toml"));
        }
        fault::check(&self.faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_beyond_loopback_needs_public() {
        let mut options = Options {
            listen: "0.0.0.0:0".parse().expect("an address"),
            ..Options::default()
        };
        assert!(options.check().is_err());
        options.public = true;
        assert!(options.check().is_ok());
    }

    #[test]
    fn every_loopback_address_is_accepted() {
        for listen in ["127.0.0.1:0", "127.8.8.8:80", "[::1]:0"] {
            let options = Options {
                listen: listen.parse().expect("an address"),
                ..Options::default()
            };
            assert!(options.check().is_ok(), "{listen}");
        }
    }

    #[test]
    fn traffic_needs_a_world() {
        let mut options = Options {
            traffic: 5.0,
            ..Options::default()
        };
        assert!(options.check().is_err());
        options.world = World::from_toml("app = { sdkappid = 1, admins = [] }").ok();
        assert!(options.check().is_ok());
        options.traffic = f64::NAN;
        assert!(options.check().is_err());
    }
}
