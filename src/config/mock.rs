//! The built-in mock: options from flags, and credentials.

use std::str::FromStr;

use crate::api::credentials::{Auth, Credentials};
use crate::api::secret::Secret;
use crate::cli::MockInsideArgs;
use crate::error::{Error, Kind, Result};
use crate::mock::{Cap, Latency, Options};

/// Returns the options of the built-in mock. `latency` is the value of the flag, or a default.
///
/// # Errors
/// Usage, naming the flag.
pub(crate) fn mock_options(args: &MockInsideArgs, latency: Option<&str>) -> Result<Options> {
    let faults = args.mock_fail.iter();
    Ok(Options {
        latency: latency.map_or(Ok(Latency::default()), |text| flag("--mock-latency", text))?,
        faults: faults
            .map(|fault| flag("--mock-fail", fault))
            .collect::<Result<_>>()?,
        cap: args.mock_cap.map(Cap::Sliding),
        seed: args.mock_seed,
        ..Options::default()
    })
}

/// Returns credentials for the built-in mock, which accepts any app and any key.
pub(crate) fn mock_credentials(now: u64) -> Credentials {
    let key = Auth::SecretKey(Secret::new("the mock takes any key"));
    Credentials::new(1_400_000_000, "administrator", key, now)
}

/// Parses the value of a flag; the parser itself does not know the flag's name.
///
/// # Errors
/// Usage, naming the flag.
pub(crate) fn flag<T: FromStr<Err = Error>>(name: &str, text: &str) -> Result<T> {
    text.parse()
        .map_err(|error: Error| error.within(Kind::Usage, name))
}
