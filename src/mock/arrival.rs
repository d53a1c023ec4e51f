//! When bytes arrived at the machine.
//!
//! A cap is kept or broken on the wire. If a thread reads a request a moment late, the request
//! seems closer to the next ones than it was, and a caller that kept the cap by microseconds seems
//! to have broken it. So the mock uses the kernel's arrival times on Linux, and the time of reading
//! elsewhere.

use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use nix::sys::socket::sockopt::ReceiveTimestampns;
#[cfg(target_os = "linux")]
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
#[cfg(target_os = "linux")]
use std::os::fd::{AsFd, AsRawFd as _};
use tokio::net::TcpStream;

use super::cap::LATE;

/// The longest gap accepted between reading the two clocks. It is longer only if the thread was
/// preempted in between.
const MAX_GAP: Duration = Duration::from_micros(10);
/// How often to read both clocks before accepting a longer gap.
const MAX_TRIES: usize = 100;

/// One moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Time since the start of the mock.
    pub(crate) now: Duration,
    /// Time since the Unix epoch.
    epoch: Option<Duration>,
}

impl Moment {
    /// Returns the current moment. If the clocks were read milliseconds apart, a call would seem to
    /// have arrived earlier or later than it did.
    pub(crate) fn since(start: Instant) -> Self {
        let read = || {
            let now = start.elapsed();
            let epoch = since_epoch();
            (Self { now, epoch }, start.elapsed().saturating_sub(now))
        };
        let (mut moment, mut took) = read();
        for _ in 1..MAX_TRIES {
            if took <= MAX_GAP {
                break;
            }
            (moment, took) = read();
        }
        moment
    }
}

/// When the bytes last read had arrived.
#[derive(Debug, Default)]
pub(crate) struct Arrival {
    /// Time since the Unix epoch.
    last: Cell<Option<Duration>>,
}

impl Arrival {
    /// Returns the arrival as time since the start of the mock.
    pub(crate) fn before(&self, Moment { now, epoch }: Moment) -> Duration {
        let ago = self.last.get().zip(epoch);
        let ago = ago.map(|(last, now)| now.saturating_sub(last));
        // If the clock was set in the meantime, the arrival time is useless.
        let ago = ago.filter(|ago| *ago < LATE);
        now.saturating_sub(ago.unwrap_or_default())
    }
}

fn since_epoch() -> Option<Duration> {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).ok()
}

/// Turns on arrival times for a connection or for all connections of a listener. If the system has
/// none, the times of reading are used.
#[cfg(target_os = "linux")]
pub(crate) fn watch(socket: &impl AsFd) {
    if let Err(error) = setsockopt(socket, ReceiveTimestampns, &true) {
        tracing::debug!(%error, "the system reports no arrival times");
    }
}

/// Does nothing: only Linux reports arrival times.
#[cfg(not(target_os = "linux"))]
pub(crate) fn watch<T>(_: &T) {}

/// A buffer for the control messages that come with the bytes, aligned as the system expects.
#[cfg(target_os = "linux")]
#[repr(align(8))]
struct ControlBuffer([u8; 64]);

#[cfg(target_os = "linux")]
impl Arrival {
    /// Reads the available bytes and remembers when they arrived.
    pub(crate) fn receive(&self, stream: &TcpStream, block: &mut [u8]) -> io::Result<usize> {
        let mut control = ControlBuffer([0; 64]);
        let mut blocks = [io::IoSliceMut::new(block)];
        let received = recvmsg::<()>(
            stream.as_raw_fd(),
            &mut blocks,
            Some(&mut control.0),
            MsgFlags::empty(),
        )?;
        self.last
            .set(received.cmsgs()?.find_map(|message| match message {
                ControlMessageOwned::ScmTimestampns(time) => Some(time.into()),
                _ => None,
            }));
        Ok(received.bytes)
    }
}

#[cfg(not(target_os = "linux"))]
impl Arrival {
    /// Reads the available bytes.
    pub(crate) fn receive(&self, stream: &TcpStream, block: &mut [u8]) -> io::Result<usize> {
        stream.try_read(block)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write as _;

    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn arrival_is_when_bytes_are_sent_not_when_they_are_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        watch(&listener);
        let address = listener.local_addr().expect("an address");
        let mut peer = std::net::TcpStream::connect(address).expect("a connection");
        let (stream, _) = listener.accept().await.expect("its other end");
        let arrival = Arrival::default();
        // The system reports arrival times only after a moment.
        for _ in 0..100_000 {
            peer.write_all(b"a").expect("sent");
            receive(&arrival, &stream).await;
            if arrival.last.get().is_some() {
                break;
            }
        }
        if arrival.last.get().is_none() {
            // Not `eprintln!`: the harness hides its output if a test passes.
            let why = "SKIPPED: the system reports no arrival times";
            writeln!(io::stderr(), "{why}").expect("written");
            return;
        }
        let earliest = since_epoch();
        peer.write_all(b"ab").expect("sent");
        let latest = since_epoch();
        // Both bytes are read later than they arrived.
        for _ in 0..2 {
            receive(&arrival, &stream).await;
            let arrived = arrival.last.get();
            assert!(
                earliest <= arrived && arrived <= latest,
                "{earliest:?} {arrived:?} {latest:?}"
            );
        }
    }

    async fn receive(arrival: &Arrival, stream: &TcpStream) {
        stream.readable().await.expect("readable");
        let read = arrival.receive(stream, &mut [0]).expect("a byte");
        assert_eq!(read, 1);
    }

    #[test]
    fn a_late_read_does_not_make_a_call_arrive_later() {
        let arrival = Arrival::default();
        let [now, epoch] = [9, 1_000].map(Duration::from_secs);
        let ago = Duration::from_millis(900);
        arrival.last.set(Some(epoch.saturating_sub(ago)));
        let epoch = Some(epoch);
        let arrived = arrival.before(Moment { now, epoch });
        assert_eq!(arrived, Duration::from_millis(8_100));
    }

    #[test]
    fn a_missing_or_impossible_arrival_time_counts_as_now() {
        let arrival = Arrival::default();
        let [now, epoch] = [9, 1_000].map(Duration::from_secs);
        for (last, epoch) in [
            (None, Some(epoch)),
            (Some(Duration::from_secs(1)), Some(epoch)),
            (Some(epoch), None),
        ] {
            arrival.last.set(last);
            assert_eq!(arrival.before(Moment { now, epoch }), now);
        }
    }
}
