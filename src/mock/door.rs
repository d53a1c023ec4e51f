//! The listening socket, closed while the service refuses connections.

use std::future::pending;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::arrival;

/// How long to wait before trying again to accept or listen.
pub(super) const RETRY_DELAY: Duration = Duration::from_millis(10);

/// Accepts connections while it is open.
pub(super) struct Door {
    listener: Option<TcpListener>,
    address: SocketAddr,
    unaccepted: Trouble,
    unbound: Trouble,
}

impl Door {
    /// Creates an open door.
    pub(super) fn new(listener: TcpListener, address: SocketAddr) -> Self {
        Self {
            listener: Some(listener),
            address,
            unaccepted: Trouble::default(),
            unbound: Trouble::default(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.listener.is_some()
    }

    /// Refuses connections from now on. Returns false if it already did.
    pub(super) fn close(&mut self) -> bool {
        self.listener.take().is_some()
    }

    /// Listens again if it is closed and the address is free.
    pub(super) async fn open(&mut self) {
        if self.is_open() {
            return;
        }
        match TcpListener::bind(self.address).await {
            Ok(listener) => {
                arrival::watch(&listener);
                self.listener = Some(listener);
                self.unbound.is_over();
            }
            Err(error) if self.unbound.is_new() => {
                let address = self.address;
                tracing::warn!(%error, %address, "the mock can't listen again yet");
            }
            Err(_) => {}
        }
    }

    /// Waits for a connection; never returns if the door is closed.
    pub(super) async fn accept(&mut self) -> io::Result<TcpStream> {
        let Some(listener) = &self.listener else {
            return pending().await;
        };
        let accepted = listener.accept().await;
        match &accepted {
            Ok(_) => self.unaccepted.is_over(),
            Err(error) if self.unaccepted.is_new() => {
                tracing::warn!(%error, "the mock can't accept connections");
            }
            Err(_) => {}
        }
        accepted.map(|(stream, _)| stream)
    }
}

/// A failure that may repeat; it is logged once until the next success.
#[derive(Default)]
struct Trouble(bool);

impl Trouble {
    fn is_new(&mut self) -> bool {
        !mem::replace(&mut self.0, true)
    }

    fn is_over(&mut self) {
        self.0 = false;
    }
}
