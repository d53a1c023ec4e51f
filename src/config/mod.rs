//! Flags, environment and file, checked once. No type of the argument parser goes further than here.

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

/// Where the service is and who calls.
#[derive(Debug)]
pub struct Service {
    /// The mock inside, in a rehearsal; it runs as long as this lives.
    pub mock: Option<Mock>,
    /// The address.
    pub endpoint: Endpoint,
    /// What a ledger calls it.
    pub name: String,
    /// Who calls.
    pub credentials: Credentials,
    /// How to reach it.
    pub transport: Transport,
}

impl Service {
    /// Where and who, from all that is set. `ledger` is the endpoint that a replayed ledger
    /// names: where else should its rows go?
    ///
    /// # Errors
    /// Usage, where something is missing or wrong, naming the flag and the variable.
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
            let said = settings.get("rate").expect("it is built in");
            return Err(Error::usage(format!(
                "{} {} is above the service's cap of {CAP} calls a second",
                said.from, said.value
            ))
            .hint("more is for a loopback service only, such as --mock"));
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
        .hint("unset one of them, or say --endpoint or --region")),
        ([Some(endpoint), None], _) => Endpoint::read(&endpoint.from, &endpoint.value),
        ([None, Some(region)], _) => Endpoint::of_region(&region.from, &region.value),
        ([None, None], Some(MOCK)) => Err(Error::usage("this is the ledger of a rehearsal")
            .hint("add --mock to replay it as one")),
        ([None, None], Some(ledger)) => Endpoint::read("the endpoint in the ledger", ledger),
        ([None, None], None) => Err(Error::usage("no service is set").hint(
            "set RECALL_REGION or say --region NAME; --endpoint URL is for any other address, --mock to rehearse",
        )),
    }
}

fn read_cacert(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| {
        Error::usage(format!("cannot read --cacert {}", path.display())).because(error)
    })
}
