//! 3. The service: the calls, what their answers mean, and the credentials for them.

mod body;
pub mod client;
pub mod codes;
pub mod credentials;
pub mod endpoint;
pub mod groups;
pub mod reply;
pub mod secret;
pub mod usersig;

/// The cap of the service for one app, in calls a second (documented).
pub const CAP: u32 = 200;
