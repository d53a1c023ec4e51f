//! Accepts connections, and cuts them all while the service is away.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::chances::Outage;
use super::connection::connection;
use super::door::{Door, RETRY_DELAY};
use super::hook::Hook;
use super::seen::Seen;
use super::service::Service;
use super::tell::List;

/// A question to a running mock, which stops when the sender is dropped.
pub(crate) enum Ask {
    Seen(mpsc::Sender<Seen>),
    List(List, mpsc::Sender<String>),
}

/// The error that breaks a connection on purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

/// What all connections share. They run on one thread, so the service needs no lock.
pub(crate) struct Shared {
    pub(crate) service: RefCell<Service>,
    pub(crate) start: Instant,
    /// How long a connection may be idle.
    pub(crate) idle: Duration,
    /// Wakes the accept loop when the first call starts the script.
    pub(crate) first_call: Notify,
    pub(crate) hook: Option<Hook>,
    /// How many requests the hook has been asked about.
    pub(crate) hooked: Cell<u64>,
}

/// Serves until the sender of `asks` is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    idle: Duration,
    hook: Option<Hook>,
    service: Service,
    mut asks: UnboundedReceiver<Ask>,
) -> Seen {
    let shared = Rc::new(Shared {
        service: RefCell::new(service),
        start: Instant::now(),
        idle,
        first_call: Notify::new(),
        hook,
        hooked: Cell::new(0),
    });
    let mut door = Door::new(listener, address);
    let mut connections = JoinSet::new();
    let away = Rc::new(Cell::new(false));
    loop {
        let outage = shared.outage();
        if outage.refuses && door.close() && !outage.away {
            shared.service.borrow_mut().refused();
        }
        let was_away = away.replace(outage.away);
        if outage.away && !was_away {
            connections.shutdown().await;
        }
        if !outage.refuses {
            door.open().await;
        }
        // A moment that an `Instant` can't represent never comes.
        let change = outage
            .until
            .and_then(|until| shared.start.checked_add(until));
        let again = !door.is_open() && !outage.refuses;
        tokio::select! {
            accepted = door.accept() => match accepted {
                Ok(stream) => {
                    let number = shared.service.borrow_mut().connections.open();
                    let (shared, away) = (Rc::clone(&shared), Rc::clone(&away));
                    connections.spawn_local(connection(stream, number, shared, away));
                }
                // Most likely out of file descriptors: let connections end before trying again.
                Err(_) => tokio::time::sleep(RETRY_DELAY).await,
            },
            Some(_) = connections.join_next() => {}
            () = shared.first_call.notified() => {}
            () = until(change, again) => {}
            ask = asks.recv() => match ask {
                Some(ask) => shared.answer(ask),
                None => return shared.seen(),
            },
        }
    }
}

impl Shared {
    fn outage(&self) -> Outage {
        self.service.borrow().chances.outage(self.start.elapsed())
    }

    fn seen(&self) -> Seen {
        self.service.borrow_mut().seen(self.start.elapsed())
    }

    /// Answers a question. The asker may have gone away meanwhile.
    fn answer(&self, ask: Ask) {
        match ask {
            Ask::Seen(reply) => drop(reply.send(self.seen())),
            Ask::List(list, reply) => {
                let lines =
                    list.to_json_lines(&mut self.service.borrow_mut(), self.start.elapsed());
                drop(reply.send(String::from_utf8(lines).unwrap_or_default()));
            }
        }
    }
}

/// Waits for a moment, forever if there is none; or only [`RETRY_DELAY`] if `again` is set.
async fn until(moment: Option<Instant>, again: bool) {
    match moment {
        _ if again => tokio::time::sleep(RETRY_DELAY).await,
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
