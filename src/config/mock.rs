//! The mock inside: what its flags come to, and who calls it.

use std::str::FromStr;

use crate::api::credentials::{Auth, Credentials};
use crate::api::secret::Secret;
use crate::cli::MockInsideArgs;
use crate::error::{Error, Kind, Result};
use crate::mock::{Cap, Latency, Options};

/// What the mock inside is started with. `latency` is what counts for it: the flag, or a default.
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

/// Who calls the mock inside: it takes any app, and any key for it.
pub(crate) fn mock_credentials(now: u64) -> Credentials {
    let key = Auth::SecretKey(Secret::new("the mock takes any key"));
    Credentials::new(1_400_000_000, "administrator", key, now)
}

/// The value of a flag whose reader does not know by which flag it came.
///
/// # Errors
/// Usage, naming the flag.
pub(crate) fn flag<T: FromStr<Err = Error>>(name: &str, text: &str) -> Result<T> {
    text.parse()
        .map_err(|error: Error| error.within(Kind::Usage, name))
}
