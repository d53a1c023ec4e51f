//! The event loop of a command that calls the service.

use crate::error::{Error, Result};

/// Runs on this thread alone, which is also what the cap relies on: whoever hears that a request
/// was handed over hears it after it was written.
pub(super) fn on_one_thread<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::service("cannot start the event loop").because(error))?;
    let done = runtime.block_on(future);
    // Whoever leaves at once does not wait for names that are still being looked up.
    runtime.shutdown_background();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_leaves_does_not_wait_for_what_only_a_thread_can_wait_for() {
        let (go_on, held) = std::sync::mpsc::channel::<()>();
        on_one_thread(async move {
            tokio::task::spawn_blocking(move || held.recv());
            Ok(())
        })
        .expect("it leaves");
        // Until here nothing could have let it go.
        drop(go_on);
    }
}
