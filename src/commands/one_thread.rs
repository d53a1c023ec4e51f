//! The event loop of a command that calls the service.

use crate::error::{Error, Result};

/// Runs a future on this thread alone. The cap relies on that: the notice that a request has been
/// handed over then arrives after the request has been written.
pub(super) fn on_one_thread<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::service("cannot start the event loop").because(error))?;
    let done = runtime.block_on(future);
    // Don't wait for pending name lookups.
    runtime.shutdown_background();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returning_does_not_wait_for_blocking_tasks() {
        let (go_on, held) = std::sync::mpsc::channel::<()>();
        on_one_thread(async move {
            tokio::task::spawn_blocking(move || held.recv());
            Ok(())
        })
        .expect("it returns");
        // Until here, the blocking task could not have ended.
        drop(go_on);
    }
}
