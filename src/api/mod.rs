//! 3. The service: the call, what its answers mean, and who may make it.

pub mod codes;
pub mod secret;
pub mod usersig;
