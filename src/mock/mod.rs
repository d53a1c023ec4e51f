//! A mock of the service: listens on loopback, answers, fails on request and counts.
//!
//! ```text
//! sockets   server, door  accept connections; cut them all while the service is away
//!             connection  reads a request, answers when it is due (socket, arrival, body, idle)
//!               ├── hook  lets a program that embeds the mock answer instead of the service
//!               │
//! decisions  service      (request, now) → answer; owns no clock or socket, so tests need none
//!               ├── request, key, auth, ids  what a call asks, for which row, and if it may
//!               ├── lane, cap                how many calls pass
//!               ├── chances                  what fails, and when (script, fault, latency)
//!               ├── world, traffic, made_up  what a recall does; group_info describes groups
//!               └── seen, rows, connections  what the mock saw; question and tell report it
//! ```
//!
//! It reports on itself over HTTP: `GET /mock/seen` returns [`Seen`] as JSON; `/mock/apps`,
//! `/mock/rows`, `/mock/connections`, `/mock/world` (optionally `?group=…&sender=…&topic=…`) and
//! `/mock/messages?group=…&topic=…` return the lines of a [`List`].

mod answer;
mod arrival;
mod auth;
mod body;
mod cap;
mod chances;
mod connection;
mod connections;
mod door;
mod fault;
mod group_info;
mod hook;
mod idle;
mod ids;
mod key;
mod lane;
mod latency;
mod made_up;
mod options;
mod question;
mod request;
mod rows;
mod script;
mod seen;
mod server;
mod service;
mod socket;
mod tell;
mod traffic;
mod world;
mod world_file;
mod world_view;

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

pub use cap::Cap;
pub use fault::{Fault, FaultKind, Scope};
pub use hook::{Call, Gate, Hook, Instead, Otherwise, Then};
pub use key::KeyFilter;
pub use latency::Latency;
pub use options::Options;
pub use script::Script;
pub use seen::{GroupInfoCalls, Seen, WorldSeen};
pub use tell::List;
pub use world::World;

use crate::error::{Error, Result};
use server::Ask;
use service::Service;

/// A running mock, in its own thread. Dropping it stops it.
#[derive(Debug)]
pub struct Mock {
    address: SocketAddr,
    asks: Option<UnboundedSender<Ask>>,
    thread: Option<JoinHandle<Seen>>,
}

impl Mock {
    /// Starts a mock. It accepts calls when this returns.
    ///
    /// # Errors
    /// Of kind `Usage` if the options contradict each other, or `listen` is not loopback and
    /// `public` is not set. Of kind `Service` if the mock can't listen.
    pub fn start(mut options: Options) -> Result<Self> {
        options.check()?;
        let listen = options.listen;
        let fail = |error: std::io::Error| {
            Error::service(format!("the mock can't listen on {listen}"))
                .hint("choose another address with --listen, or port 0 for any free port")
                .because(error)
        };
        let listener = std::net::TcpListener::bind(listen).map_err(fail)?;
        arrival::watch(&listener);
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
                let since = SystemTime::now().duration_since(UNIX_EPOCH);
                let (idle, hook) = (options.idle, options.hook.take());
                let service = Service::new(options, since.map_or(0, |since| since.as_secs()));
                let serving = server::serve(listener, address, idle, hook, service, receiver);
                LocalSet::new().block_on(&runtime, serving)
            })
            .map_err(fail)?;
        Ok(Self {
            address,
            asks: Some(asks),
            thread: Some(thread),
        })
    }

    /// Returns the address it listens on, with the actual port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what it has seen so far.
    pub fn seen(&self) -> Seen {
        self.ask(Ask::Seen)
    }

    /// Returns a list as JSON lines.
    pub fn list(&self, list: List) -> String {
        self.ask(|reply| Ask::List(list, reply))
    }

    /// Returns the default if the mock's thread is gone.
    fn ask<T: Default>(&self, ask: impl FnOnce(mpsc::Sender<T>) -> Ask) -> T {
        let (reply, answer) = mpsc::channel();
        if let Some(asks) = &self.asks {
            drop(asks.send(ask(reply)));
        }
        answer.recv().unwrap_or_default()
    }

    /// Stops the mock, cuts its connections and returns what it saw. The port is free afterwards.
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
