//! 3. The service: the calls, what their answers mean, and who may make them.

mod body;
pub mod client;
pub mod codes;
pub mod credentials;
pub mod endpoint;
pub mod groups;
pub mod reply;
pub mod secret;
pub mod usersig;
