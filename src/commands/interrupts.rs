//! Ctrl-C and SIGTERM: messages while somebody listens, and what the system makes of them otherwise.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::one_thread::on_one_thread;
use crate::error::{Error, Result};

/// Signals that come so close together are one wish: GNU timeout sends its own to the process and to
/// its group, and supervisors send two kinds.
const ONE_WISH: Duration = Duration::from_millis(250);

/// Whether a signal ends the process, as it would if nobody had ever listened.
static NOBODY_LISTENS: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// While it lives, Ctrl-C and SIGTERM are messages. Then nobody listens: a question, a disk that
/// takes its time, or a long look into a file can be left by Ctrl-C again.
pub(super) struct Listening {
    heard: Arc<AtomicBool>,
}

/// Each wish to stop, by Ctrl-C or SIGTERM, as a message. SIGHUP is left as it is, so that `nohup` works; the ledger
/// is sound however a run ends.
pub(super) fn interrupts() -> Result<(UnboundedReceiver<()>, Listening)> {
    NOBODY_LISTENS.store(false, Ordering::SeqCst);
    let heard = Arc::<AtomicBool>::default();
    let listening = Listening {
        heard: Arc::clone(&heard),
    };
    let listen = |kind| {
        signal(kind).map_err(|error| Error::service("cannot listen for Ctrl-C").because(error))
    };
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut last: Option<Instant> = None;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if last.is_none_or(|last| last.elapsed() > ONE_WISH) {
                heard.store(true, Ordering::SeqCst);
                last = Some(Instant::now());
                if sender.send(()).is_err() {
                    return;
                }
            }
        }
    });
    Ok((receiver, listening))
}

impl Drop for Listening {
    /// The handlers themselves stay, for tokio never removes them.
    fn drop(&mut self) {
        let nobody_listens = || NOBODY_LISTENS.store(true, Ordering::SeqCst);
        if self.heard.load(Ordering::SeqCst) {
            // The wish that was carried out may have a second signal on its way.
            thread::spawn(move || {
                thread::sleep(ONE_WISH);
                nobody_listens();
            });
        } else {
            nobody_listens();
        }
        for kind in [SIGINT, SIGTERM] {
            register_conditional_default(kind, Arc::clone(&NOBODY_LISTENS))
                .expect("these two may be caught, and let go");
        }
    }
}

/// Tells, once it listens for Ctrl-C, and waits for it.
pub(super) fn wait_for_interrupt(tell: impl FnOnce() -> Result<()>) -> Result<()> {
    on_one_thread(async {
        let (mut interrupts, _listening) = interrupts()?;
        tell()?;
        interrupts.recv().await;
        Ok(())
    })
}
