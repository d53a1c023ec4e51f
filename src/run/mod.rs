//! 2. The run.
mod guard;
mod outage;
mod pace;
mod retry;
mod seen;
mod window;
