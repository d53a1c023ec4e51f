//! Flags, environment and configuration file, checked once. No type of the argument parser goes
//! further than this.

mod caller;
mod file;
mod mock;
mod plan;
mod settings;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

pub use caller::Caller;
pub(crate) use mock::{flag, mock_credentials, mock_options};
pub use plan::plan;
pub(crate) use plan::{rate, time};
pub use settings::{Env, Settings, process_env};

use crate::api::CAP;
use crate::api::client::Transport;
use crate::api::credentials::Credentials;
use crate::api::endpoint::Endpoint;
use crate::api::usersig;
use crate::cli::ServiceArgs;
use crate::error::{Error, Result};
use crate::ledger::MOCK;
use crate::mock::Mock;
use crate::run::Plan;

/// The service and the caller.
#[derive(Debug)]
pub struct Service {
    /// The built-in mock, in a rehearsal; it runs as long as this value lives.
    pub mock: Option<Mock>,
    /// The address.
    pub endpoint: Endpoint,
    /// The name of the service in a ledger.
    pub name: String,
    /// The caller.
    pub credentials: Credentials,
    /// How to reach the service.
    pub transport: Transport,
}

impl Service {
    /// Resolves the service and the caller. `ledger` is the endpoint in a replayed ledger: the
    /// default for its rows.
    ///
    /// # Errors
    /// Usage, if something is missing or wrong, naming the flag and the variable.
    pub fn new(
        args: &ServiceArgs,
        settings: &Settings,
        plan: &Plan,
        ledger: Option<&str>,
    ) -> Result<Self> {
        let now = usersig::now();
        let mock = if args.mock {
            let latency = args.mock_inside.mock_latency.as_deref();
            Some(Mock::start(mock_options(&args.mock_inside, latency)?)?)
        } else {
            None
        };
        let (endpoint, name, credentials) = if let Some(mock) = &mock {
            let endpoint: Endpoint = format!("http://{}", mock.address()).parse()?;
            (endpoint, MOCK.to_owned(), mock_credentials(now))
        } else {
            let endpoint = endpoint(settings, ledger)?;
            let name = endpoint.to_string();
            (endpoint, name, caller::credentials(settings, now)?)
        };
        let cacert = args.cacert.as_deref().map(read_cacert).transpose()?;
        let transport = Transport {
            endpoint: endpoint.clone(),
            timeout: plan::timeout(settings)?,
            connections: plan.concurrency.get(),
            cacert,
        };
        if !endpoint.is_loopback() && plan.rate.is_none_or(|rate| rate.get() > CAP) {
            let rate = settings.get("rate").expect("it has a default");
            return Err(Error::usage(format!(
                "{} {} is above the service's cap of {CAP} calls a second",
                rate.from, rate.value
            ))
            .hint("a higher rate is allowed only for a loopback service, such as --mock"));
        }
        Ok(Self {
            mock,
            endpoint,
            name,
            credentials,
            transport,
        })
    }
}

fn endpoint(settings: &Settings, ledger: Option<&str>) -> Result<Endpoint> {
    match (settings.either(["endpoint", "region"]), ledger) {
        ([Some(endpoint), Some(region)], _) => Err(Error::usage(format!(
            "{} and {} are both set, but a run has one service",
            endpoint.from, region.from
        ))
        .hint("unset one of them, or pass --endpoint or --region")),
        ([Some(endpoint), None], _) => Endpoint::read(&endpoint.from, &endpoint.value),
        ([None, Some(region)], _) => Endpoint::of_region(&region.from, &region.value),
        ([None, None], Some(MOCK)) => Err(Error::usage("this is the ledger of a rehearsal")
            .hint("add --mock to replay it against the mock")),
        ([None, None], Some(ledger)) => Endpoint::read("the endpoint in the ledger", ledger),
        ([None, None], None) => Err(Error::usage("no service is set").hint(
            "set RECALL_REGION or pass --region NAME; use --endpoint URL for another address, --mock to rehearse",
        )),
    }
}

fn read_cacert(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| {
        Error::usage(format!("cannot read --cacert {}", path.display())).because(error)
    })
}
