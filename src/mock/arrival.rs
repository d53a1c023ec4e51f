//! When bytes arrived at the machine.
//!
//! A cap is kept or broken on the wire. A thread that reads a request a moment late sees it closer
//! to the next ones than it was, and calls a caller wrong who was right by microseconds. So where
//! the system says when bytes arrived (Linux), that counts; elsewhere, when they were read.

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

/// Both clocks are read within this, unless the thread loses its turn between the two.
const MAX_GAP: Duration = Duration::from_micros(10);
/// So often it may lose it.
const MAX_TRIES: usize = 100;

/// One moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// As time since the start of the mock.
    pub(crate) now: Duration,
    /// As time since the Unix epoch.
    epoch: Option<Duration>,
}

impl Moment {
    /// The present one. A clock that was read milliseconds before the other would make a call
    /// earlier or later than it was.
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

/// When the bytes that were read last arrived.
#[derive(Debug, Default)]
pub(crate) struct Arrival {
    /// As time since the Unix epoch.
    last: Cell<Option<Duration>>,
}

impl Arrival {
    /// The arrival as time since the start of the mock.
    pub(crate) fn before(&self, Moment { now, epoch }: Moment) -> Duration {
        let ago = self.last.get().zip(epoch);
        let ago = ago.map(|(last, now)| now.saturating_sub(last));
        // Where the clock was set meanwhile, what it says is of no use.
        let ago = ago.filter(|ago| *ago < LATE);
        now.saturating_sub(ago.unwrap_or_default())
    }
}

fn since_epoch() -> Option<Duration> {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).ok()
}

/// Asks for the times of a listener's connections, or of one connection. Where there are none,
/// those of reading will do.
#[cfg(target_os = "linux")]
pub(crate) fn watch(socket: &impl AsFd) {
    if let Err(error) = setsockopt(socket, ReceiveTimestampns, &true) {
        tracing::debug!(%error, "the system does not say when bytes arrive");
    }
}

/// There is nothing to ask for.
#[cfg(not(target_os = "linux"))]
pub(crate) fn watch<T>(_: &T) {}

/// Room for what the system says beside the bytes, laid out as it expects.
#[cfg(target_os = "linux")]
#[repr(align(8))]
struct ControlBuffer([u8; 64]);

#[cfg(target_os = "linux")]
impl Arrival {
    /// Reads what is there, and remembers when it arrived.
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
    /// Reads what is there.
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
    async fn bytes_arrive_when_they_are_sent_and_not_when_they_are_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        watch(&listener);
        let address = listener.local_addr().expect("an address");
        let mut peer = std::net::TcpStream::connect(address).expect("a connection");
        let (stream, _) = listener.accept().await.expect("its other end");
        let arrival = Arrival::default();
        // The system takes a moment to start with it; until then the time of reading has to do.
        for _ in 0..100_000 {
            peer.write_all(b"a").expect("sent");
            receive(&arrival, &stream).await;
            if arrival.last.get().is_some() {
                break;
            }
        }
        if arrival.last.get().is_none() {
            // Past what the harness swallows of tests that pass.
            let why = "SKIPPED: the system does not say when bytes arrive";
            writeln!(io::stderr(), "{why}").expect("said");
            return;
        }
        let earliest = since_epoch();
        peer.write_all(b"ab").expect("sent");
        let latest = since_epoch();
        // The first byte is read later, and the second later still.
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
    fn a_thread_that_waited_long_for_its_turn_does_not_make_a_call_later() {
        let arrival = Arrival::default();
        let [now, epoch] = [9, 1_000].map(Duration::from_secs);
        let ago = Duration::from_millis(900);
        arrival.last.set(Some(epoch.saturating_sub(ago)));
        let epoch = Some(epoch);
        let arrived = arrival.before(Moment { now, epoch });
        assert_eq!(arrived, Duration::from_millis(8_100));
    }

    #[test]
    fn what_the_system_does_not_say_or_can_not_be_is_taken_as_now() {
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
