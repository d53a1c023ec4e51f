//! The service to run against: a mock on loopback that answers, fails and counts.
//!
//! ```text
//! sockets ── server    reads a request, writes the answer when it is due
//!               │
//!            service   (request, now) → answer: no clock, no socket, so tested without them
//!               ├── request, answer   what a call says, what the API says back
//!               ├── cap, fault, latency   what it does to callers, all chance from one seed
//!               └── seen, rows        what it saw
//! ```
//!
//! `GET /mock/seen` answers with [`Seen`] as JSON, `GET /mock/rows` with a line for each row:
//! `{"group":"…","sender":"…","topic":"…","calls":2,"ok":1}` (where [`Options::count_rows`] is on).

mod answer;
mod cap;
mod fault;
mod latency;
mod options;
mod request;
mod rows;
mod seen;
mod server;
mod service;

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

pub use cap::Cap;
pub use fault::{Fault, What};
pub use latency::Latency;
pub use options::Options;
pub use seen::Seen;

use crate::error::{Error, Result};
use server::Ask;
use service::Service;

/// A running mock, in a thread of its own. It stops when it is dropped.
#[derive(Debug)]
pub struct Mock {
    address: SocketAddr,
    asks: Option<UnboundedSender<Ask>>,
    thread: Option<JoinHandle<Seen>>,
}

impl Mock {
    /// Starts a mock; when this returns, it can be called.
    ///
    /// # Errors
    /// Of kind `Usage` where the options contradict themselves or listen beyond loopback
    /// unasked, of kind `Service` where it can't listen.
    pub fn start(options: Options) -> Result<Self> {
        options.check()?;
        let listen = options.listen;
        let fail = |error: std::io::Error| {
            Error::service(format!("the mock can't listen on {listen}"))
                .hint("give it another address with --listen, or port 0 for any free one")
                .because(error)
        };
        let listener = std::net::TcpListener::bind(listen).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(fail)?;
        let listener = {
            let _guard = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(fail)?
        };
        let (asks, receiver) = unbounded_channel();
        let thread = std::thread::Builder::new()
            .name("mock".to_owned())
            .spawn(move || {
                let service = Service::new(options);
                LocalSet::new().block_on(&runtime, server::serve(listener, service, receiver))
            })
            .map_err(fail)?;
        Ok(Self {
            address,
            asks: Some(asks),
            thread: Some(thread),
        })
    }

    /// Where it listens, its port found.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it saw so far.
    pub fn seen(&self) -> Seen {
        let (reply, seen) = mpsc::channel();
        if let Some(asks) = &self.asks {
            // A mock that is gone answers nothing; the figures are then empty.
            drop(asks.send(Ask(reply)));
        }
        seen.recv().unwrap_or_default()
    }

    /// Stops it: connections are cut, the port is free when this returns.
    pub fn stop(mut self) -> Seen {
        self.end().unwrap_or_default()
    }

    fn end(&mut self) -> Option<Seen> {
        self.asks = None;
        self.thread.take()?.join().ok()
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests;
