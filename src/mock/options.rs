//! What a mock is started with.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::cap::Cap;
use super::fault::{self, Fault};
use super::hook::Hook;
use super::latency::Latency;
use super::script::Script;
use super::world::World;
use crate::error::{Error, Result};

/// What a mock is started with. The default answers every proper call at once with success.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one, see [`Mock::address`](super::Mock::address).
    pub listen: SocketAddr,
    /// Whether `listen` may be other than loopback.
    pub public: bool,
    /// How long an answer takes.
    pub latency: Latency,
    /// What goes wrong by chance. At most one of them strikes a call, so the chances add up.
    pub faults: Vec<Fault>,
    /// What happens when; it comes before `latency` and `faults`.
    pub script: Script,
    /// How many calls of each app and command are let through; none: all.
    pub cap: Option<Cap>,
    /// For how long a connection may be idle before it is closed. That of a sibling service is
    /// listed as about 90 s.
    pub idle: Duration,
    /// All chance comes from it. The same calls meet the same faults: in whatever order where rows
    /// are counted, else in the same.
    pub seed: u64,
    /// Whether to remember each row that was called. It costs some 40 bytes a row and its text.
    pub count_rows: bool,
    /// The app and its groups. Without one they are made up from the seed: every app, group and
    /// sender is there.
    pub world: Option<World>,
    /// Messages that arrive in the world, in a second.
    pub traffic: f64,
    /// What to do with a request before the service sees it.
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
    /// Checks what the types can't say.
    pub(crate) fn check(&self) -> Result<()> {
        if !self.listen.ip().is_loopback() && !self.public {
            return Err(Error::usage(format!(
                "{} can be reached from other machines",
                self.listen
            ))
            .hint("listen on 127.0.0.1, or say --public if that is what you want"));
        }
        if self.idle.is_zero() {
            let why = "idle must be above 0: connections would be closed before they are answered";
            return Err(
                Error::usage(why).hint("write for example 90s, which is about the service's")
            );
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
    fn listening_beyond_loopback_needs_to_be_said() {
        let mut options = Options {
            listen: "0.0.0.0:0".parse().expect("an address"),
            ..Options::default()
        };
        assert!(options.check().is_err());
        options.public = true;
        assert!(options.check().is_ok());
    }

    #[test]
    fn every_loopback_address_will_do() {
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
