//! A scripted service: the mock, which remembers every request and answers as it is told.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use recall_worker::mock::{Hook, Mock, Options};

use super::{Answer, Gate, Request, until};

/// A scripted service on loopback.
pub(crate) struct Service {
    mock: Mock,
    record: Arc<Mutex<Record>>,
    is_well: Arc<AtomicBool>,
}

#[derive(Default)]
struct Record {
    requests: Vec<Request>,
    of_row: HashMap<String, usize>,
}

impl Service {
    /// Answers each request as the script says. The script must not wait, for all connections share
    /// a thread; its answers may.
    pub(crate) fn start(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), script)
    }

    /// The same at a given address.
    pub(crate) fn start_at(
        listen: SocketAddr,
        script: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let record = Arc::new(Mutex::new(Record::default()));
        let remembered = Arc::clone(&record);
        let hook = Hook::new(move |call| {
            let request = Request::new(call, |body| remembered.lock().unwrap().again(body));
            remembered.lock().unwrap().requests.push(request.clone());
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
            is_well: Arc::default(),
        }
    }

    /// Answers every request as the mock does.
    pub(crate) fn good() -> Self {
        Self::start(|_| Answer::ok())
    }

    /// Answers every request with success, also where no ID can look like that.
    pub(crate) fn lenient() -> Self {
        Self::start(|_| Answer::ok_anyway())
    }

    /// Answers every request as the mock does, once the gate is open.
    pub(crate) fn gated() -> (Self, Gate) {
        let gate = Gate::default();
        let held = gate.clone();
        (Self::start(move |_| Answer::ok().behind(&held)), gate)
    }

    /// Answers every request like this until it recovers, and then as the mock does.
    pub(crate) fn sick(sick: Answer) -> Self {
        Self::recovering(move |_| sick.clone(), |_| Answer::ok())
    }

    /// Answers by the one script until it recovers, and then by the other.
    pub(crate) fn recovering(
        sick: impl Fn(&Request) -> Answer + Send + Sync + 'static,
        well: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let is_well = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&is_well);
        let service = Self::start(move |request| {
            if asked.load(Ordering::SeqCst) {
                well(request)
            } else {
                sick(request)
            }
        });
        Self { is_well, ..service }
    }

    pub(crate) fn recovers(&self) {
        self.is_well.store(true, Ordering::SeqCst);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.mock.address()
    }

    /// What it has been asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.record.lock().unwrap().requests.clone()
    }

    /// How often it has been called so far.
    pub(crate) fn calls(&self) -> usize {
        self.record.lock().unwrap().requests.len()
    }

    /// Who has been called so far, sorted; as often as they were.
    pub(crate) fn called(&self) -> Vec<String> {
        let mut senders: Vec<_> = self.requests().iter().map(Request::sender).collect();
        senders.sort();
        senders
    }

    /// When calls arrived.
    pub(crate) fn arrivals(&self) -> Vec<Instant> {
        self.requests().iter().map(|call| call.arrived).collect()
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        self.mock.seen().most_in_flight.try_into().unwrap()
    }

    /// Waits until it has been called so often.
    #[track_caller]
    pub(crate) fn until_called(&self, times: usize) {
        until(&format!("{times} calls"), || self.calls() >= times);
    }
}

impl Record {
    /// One more call for the row of this body; how many there were before.
    fn again(&mut self, body: &str) -> usize {
        let times = self.of_row.entry(body.to_owned()).or_default();
        *times += 1;
        *times - 1
    }
}

/// An address where nothing listens. On a loopback address of its own, so that nobody else takes
/// the port meanwhile.
pub(crate) fn nobody_s_address() -> SocketAddr {
    let host = Ipv4Addr::from_bits(std::process::id() | 0x7f10_0000);
    let listener = TcpListener::bind((host, 0)).unwrap();
    listener.local_addr().unwrap()
}
