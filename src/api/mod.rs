//! 3. The service: the call, what its answers mean, and who may make it.

pub mod client;
pub mod codes;
pub mod credentials;
pub mod endpoint;
pub mod reply;
pub mod secret;
pub mod usersig;
