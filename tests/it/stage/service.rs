//! A scripted service: a mock that records every request and answers as the test's script says.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use recall_worker::mock::{Hook, Mock, Options};

use super::{Answer, Gate, Request, wait_until};

/// A scripted service on loopback.
pub(crate) struct Service {
    mock: Mock,
    record: Arc<Mutex<Record>>,
    has_recovered: Arc<AtomicBool>,
}

#[derive(Default)]
struct Record {
    requests: Vec<Request>,
    calls_by_row: HashMap<String, usize>,
}

impl Service {
    /// Answers each request as the script says. The script must not block, because all connections
    /// share a thread; its answers may be delayed.
    pub(crate) fn start(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), script)
    }

    /// Like [`start`](Self::start), at a given address.
    pub(crate) fn start_at(
        listen: SocketAddr,
        script: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let record = Arc::new(Mutex::new(Record::default()));
        let recorded = Arc::clone(&record);
        let hook = Hook::new(move |call| {
            let request = Request::new(call, |body| recorded.lock().unwrap().count(body));
            recorded.lock().unwrap().requests.push(request.clone());
            script(&request).into()
        });
        let mock = Mock::start(Options {
            listen,
            hook: Some(hook),
            ..Options::default()
        });
        let mock = mock.unwrap();
        Self {
            mock,
            record,
            has_recovered: Arc::default(),
        }
    }

    /// Answers every request as the mock would.
    pub(crate) fn good() -> Self {
        Self::start(|_| Answer::ok())
    }

    /// Answers every request with success, even if its IDs are invalid.
    pub(crate) fn lenient() -> Self {
        Self::start(|_| Answer::always_ok())
    }

    /// Answers every request as the mock would, once the gate is open.
    pub(crate) fn gated() -> (Self, Gate) {
        let gate = Gate::default();
        let held = gate.clone();
        (Self::start(move |_| Answer::ok().held_by(&held)), gate)
    }

    /// Gives this answer to every request until it recovers, then answers as the mock would.
    pub(crate) fn failing(answer: Answer) -> Self {
        Self::recovering(move |_| answer.clone(), |_| Answer::ok())
    }

    /// Follows the first script until it recovers, then the second.
    pub(crate) fn recovering(
        failing: impl Fn(&Request) -> Answer + Send + Sync + 'static,
        recovered: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let has_recovered = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&has_recovered);
        let service = Self::start(move |request| {
            if flag.load(Ordering::SeqCst) {
                recovered(request)
            } else {
                failing(request)
            }
        });
        Self {
            has_recovered,
            ..service
        }
    }

    pub(crate) fn recovers(&self) {
        self.has_recovered.store(true, Ordering::SeqCst);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.mock.address()
    }

    /// The requests received so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.record.lock().unwrap().requests.clone()
    }

    /// The number of calls received so far.
    pub(crate) fn calls(&self) -> usize {
        self.record.lock().unwrap().requests.len()
    }

    /// The sender of each call so far, sorted. A sender appears once per call.
    pub(crate) fn called_senders(&self) -> Vec<String> {
        let mut senders: Vec<_> = self.requests().iter().map(Request::sender).collect();
        senders.sort();
        senders
    }

    /// The arrival time of each call.
    pub(crate) fn arrivals(&self) -> Vec<Instant> {
        self.requests().iter().map(|call| call.arrived).collect()
    }

    pub(crate) fn max_in_flight(&self) -> usize {
        self.mock.seen().most_in_flight.try_into().unwrap()
    }

    /// Waits until it has received this many calls.
    #[track_caller]
    pub(crate) fn wait_until_called(&self, times: usize) {
        wait_until(&format!("{times} calls"), || self.calls() >= times);
    }
}

impl Record {
    /// Counts a call for the row in this body. Returns the number of earlier calls for that row.
    fn count(&mut self, body: &str) -> usize {
        let times = self.calls_by_row.entry(body.to_owned()).or_default();
        *times += 1;
        *times - 1
    }
}

/// Returns an address where nothing listens. It is on this process's own loopback address, so that
/// no other process takes the port in the meantime.
pub(crate) fn unused_address() -> SocketAddr {
    let host = Ipv4Addr::from_bits(std::process::id() | 0x7f10_0000);
    let listener = TcpListener::bind((host, 0)).unwrap();
    listener.local_addr().unwrap()
}
