//! Ctrl-C and SIGTERM: messages while a command listens, the default action otherwise.

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

/// Signals this close together count as one request: GNU timeout signals the process and its group,
/// and supervisors send two kinds of signals.
const ONE_REQUEST: Duration = Duration::from_millis(250);

/// Whether a signal ends the process, as it does without a handler.
static SIGNALS_END_PROCESS: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// While this value lives, Ctrl-C and SIGTERM are messages. Afterwards they end the process again,
/// so that Ctrl-C works at a question, on a slow disk, or while a long file is read.
pub(super) struct Listening {
    heard: Arc<AtomicBool>,
}

/// Returns a channel with a message for each request to stop, by Ctrl-C or SIGTERM. SIGHUP is left
/// alone, so that `nohup` works; the ledger stays intact however a run ends.
pub(super) fn interrupts() -> Result<(UnboundedReceiver<()>, Listening)> {
    SIGNALS_END_PROCESS.store(false, Ordering::SeqCst);
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
            if last.is_none_or(|last| last.elapsed() > ONE_REQUEST) {
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
    /// The handlers stay installed: tokio never removes them.
    fn drop(&mut self) {
        let stop_listening = || SIGNALS_END_PROCESS.store(true, Ordering::SeqCst);
        if self.heard.load(Ordering::SeqCst) {
            // A second signal of the same request may be on its way.
            thread::spawn(move || {
                thread::sleep(ONE_REQUEST);
                stop_listening();
            });
        } else {
            stop_listening();
        }
        for kind in [SIGINT, SIGTERM] {
            register_conditional_default(kind, Arc::clone(&SIGNALS_END_PROCESS))
                .expect("both signals can be caught");
        }
    }
}

/// Listens for Ctrl-C, calls `tell`, and waits for Ctrl-C.
pub(super) fn wait_for_interrupt(tell: impl FnOnce() -> Result<()>) -> Result<()> {
    on_one_thread(async {
        let (mut interrupts, _listening) = interrupts()?;
        tell()?;
        interrupts.recv().await;
        Ok(())
    })
}
