//! Ctrl-C and SIGTERM: messages while somebody listens, and what the system makes of them otherwise.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::job::on_one_thread;
use crate::error::{Error, Result};

/// Whether a signal ends the process, as it would if nobody had ever listened.
static NOBODY_LISTENS: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// While it lives, Ctrl-C and SIGTERM are messages. Then nobody listens: a question, a disk that
/// takes its time, or a long look into a file can be left by Ctrl-C again.
pub(super) struct Listening;

/// Each Ctrl-C and SIGTERM as a message. SIGHUP is left as it is, so that `nohup` works; the ledger
/// is sound however a run ends.
pub(super) fn interrupts() -> Result<(UnboundedReceiver<()>, Listening)> {
    NOBODY_LISTENS.store(false, Ordering::SeqCst);
    let listening = Listening;
    let (sender, receiver) = mpsc::unbounded_channel();
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut signals = signal(kind)
            .map_err(|error| Error::service("cannot listen for Ctrl-C").because(error))?;
        let sender = sender.clone();
        tokio::spawn(
            async move { while signals.recv().await.is_some() && sender.send(()).is_ok() {} },
        );
    }
    Ok((receiver, listening))
}

impl Drop for Listening {
    /// The handlers themselves stay, for tokio never removes them.
    fn drop(&mut self) {
        NOBODY_LISTENS.store(true, Ordering::SeqCst);
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
