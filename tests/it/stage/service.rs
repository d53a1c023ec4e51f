//! A scripted service on loopback. It remembers every request and answers as it is told.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use super::{Answer, Request, until};

/// A scripted service on loopback.
pub(crate) struct Service {
    address: SocketAddr,
    shared: Arc<Shared>,
}

type Script = dyn Fn(&Request) -> Answer + Send + Sync;

struct Shared {
    script: Box<Script>,
    record: Mutex<Record>,
    ended: AtomicBool,
}

#[derive(Default)]
struct Record {
    requests: Vec<Request>,
    of_row: HashMap<String, usize>,
    /// Those that are open, by their number.
    connections: HashMap<usize, TcpStream>,
    in_flight: usize,
    most_in_flight: usize,
}

impl Service {
    /// Answers each request as the script says. The script may take its time: every connection
    /// has a thread of its own.
    pub(crate) fn start(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), script)
    }

    /// The same at a given address.
    pub(crate) fn start_at(
        address: SocketAddr,
        script: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            record: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || serving.serve(&listener));
        Self { address, shared }
    }

    /// Answers every request with success.
    pub(crate) fn good() -> Self {
        Self::start(|_| Answer::ok())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has been asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.record.lock().unwrap().requests.clone()
    }

    /// How often it has been called so far.
    pub(crate) fn calls(&self) -> usize {
        self.shared.record.lock().unwrap().requests.len()
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
        self.shared.record.lock().unwrap().most_in_flight
    }

    /// Waits until it has been called so often.
    #[track_caller]
    pub(crate) fn until_called(&self, times: usize) {
        until(&format!("{times} calls"), || self.calls() >= times);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // So that the listener sees it.
        drop(TcpStream::connect(self.address));
        for connection in self.shared.record.lock().unwrap().connections.values() {
            // It may be over already.
            drop(connection.shutdown(Shutdown::Both));
        }
    }
}

impl Shared {
    fn serve(self: &Arc<Self>, listener: &TcpListener) {
        for (number, stream) in listener.incoming().enumerate() {
            if self.ended.load(Ordering::SeqCst) {
                return;
            }
            let (Ok(stream), shared) = (stream, Arc::clone(self)) else {
                continue;
            };
            // A connection that breaks is part of many a test.
            thread::spawn(move || drop(shared.connection(stream, number)));
        }
    }

    fn connection(&self, stream: TcpStream, number: usize) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let again = stream.try_clone()?;
        self.record
            .lock()
            .unwrap()
            .connections
            .insert(number, again);
        let served = self.serve_connection(stream, number);
        // It is closed only when nobody holds it any more.
        self.record.lock().unwrap().connections.remove(&number);
        served
    }

    fn serve_connection(&self, stream: TcpStream, number: usize) -> io::Result<()> {
        let mut writer = stream.try_clone()?;
        let mut reader = io::BufReader::new(stream);
        while let Some(request) = Request::read(&mut reader, number)? {
            let request = self.remember(request);
            let answer = (self.script)(&request);
            self.record.lock().unwrap().in_flight -= 1;
            if !answer.give(&mut writer)? {
                break;
            }
        }
        Ok(())
    }

    fn remember(&self, mut request: Request) -> Request {
        let mut record = self.record.lock().unwrap();
        request.nth = record.requests.len();
        let nth = record.of_row.entry(request.body.clone()).or_default();
        request.nth_of_row = *nth;
        *nth += 1;
        record.requests.push(request.clone());
        record.in_flight += 1;
        record.most_in_flight = record.most_in_flight.max(record.in_flight);
        request
    }
}

/// Holds scripts up until it is opened.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn wait(&self) {
        let (open, changed) = &*self.0;
        let guard = open.lock().unwrap();
        drop(changed.wait_while(guard, |open| !*open).unwrap());
    }

    pub(crate) fn open(&self) {
        let (open, changed) = &*self.0;
        *open.lock().unwrap() = true;
        changed.notify_all();
    }
}
