//! A TCP proxy in front of a service that can stall.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Forwards bytes in both directions, except while it is stalled.
pub(crate) struct Link {
    address: SocketAddr,
    traffic: Arc<Traffic>,
}

#[derive(Default)]
struct Traffic {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    holds_requests: bool,
    holds_answers: bool,
    requests_held: usize,
}

impl Link {
    /// Starts a proxy to the service. It runs for the rest of the test.
    pub(crate) fn to(service: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let traffic = Arc::new(Traffic::default());
        let shared = Arc::clone(&traffic);
        thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                let far = TcpStream::connect(service).unwrap();
                near.set_nodelay(true).unwrap();
                far.set_nodelay(true).unwrap();
                let ends = (near.try_clone().unwrap(), far.try_clone().unwrap());
                let requests = Arc::clone(&shared);
                thread::spawn(move || {
                    pass(ends.0, ends.1, |to, bytes| requests.request(to, bytes));
                });
                let answers = Arc::clone(&shared);
                thread::spawn(move || pass(far, near, |to, bytes| answers.answer(to, bytes)));
            }
        });
        Self { address, traffic }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Holds everything back, in both directions.
    pub(crate) fn stall(&self) {
        let mut state = self.traffic.state.lock().unwrap();
        state.holds_requests = true;
        state.holds_answers = true;
    }

    /// Delivers everything that was held back: first the requests, then the answers.
    pub(crate) fn resume(&self) {
        let mut state = self.traffic.state.lock().unwrap();
        state.holds_requests = false;
        self.traffic.changed.notify_all();
        while state.requests_held > 0 {
            state = self.traffic.changed.wait(state).unwrap();
        }
        state.holds_answers = false;
        self.traffic.changed.notify_all();
    }
}

impl Traffic {
    fn request(&self, to: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.requests_held += 1;
        while state.holds_requests {
            state = self.changed.wait(state).unwrap();
        }
        let written = to.write_all(bytes);
        state.requests_held -= 1;
        self.changed.notify_all();
        written
    }

    fn answer(&self, to: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
        let mut state = self.state.lock().unwrap();
        while state.holds_answers {
            state = self.changed.wait(state).unwrap();
        }
        to.write_all(bytes)
    }
}

/// Forwards bytes until one side closes.
fn pass(
    mut from: TcpStream,
    mut to: TcpStream,
    write: impl Fn(&mut TcpStream, &[u8]) -> std::io::Result<()>,
) {
    let mut bytes = [0; 4_096];
    while let Ok(count @ 1..) = from.read(&mut bytes)
        && write(&mut to, &bytes[..count]).is_ok()
    {}
    // Either end may already be closed.
    let _ = to.shutdown(std::net::Shutdown::Both);
}
