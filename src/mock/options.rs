//! What a mock is started with.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::cap::Cap;
use super::fault::Fault;
use super::latency::Latency;
use crate::error::{Error, Result};

/// What a mock is started with. The default answers everything at once with success.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Where to listen; port 0 takes a free one, see [`Mock::address`](super::Mock::address).
    pub listen: SocketAddr,
    /// Whether `listen` may be other than loopback.
    pub public: bool,
    /// How long an answer takes.
    pub latency: Latency,
    /// What goes wrong by chance. At most one of them strikes a call, so the chances add up.
    pub faults: Vec<Fault>,
    /// How many calls are let through; none: all.
    pub cap: Option<Cap>,
    /// All chance comes from it: the same calls meet the same faults.
    pub seed: u64,
    /// Whether to count the calls of each row. It costs some 40 bytes a row and its text.
    pub count_rows: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            public: false,
            latency: Latency::default(),
            faults: Vec::new(),
            cap: None,
            seed: 0,
            count_rows: false,
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
        let sum: f64 = self.faults.iter().map(|fault| fault.chance).sum();
        if sum > 1.0 + 1e-9 {
            return Err(Error::usage(format!(
                "the chances of the faults add up to {:.0}%, more than all calls",
                sum * 100.0
            ))
            .hint("at most one fault strikes a call: let them add up to 100% or less"));
        }
        Ok(())
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
    fn chances_above_all_calls_are_refused() {
        let fault = |text: &str| text.parse().expect("a fault");
        let mut options = Options {
            faults: vec![fault("10002=60%"), fault("60008=40%")],
            ..Options::default()
        };
        assert!(options.check().is_ok());
        options.faults.push(fault("10010=1%"));
        assert!(options.check().is_err());
    }
}
