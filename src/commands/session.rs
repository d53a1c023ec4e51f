//! The part that `run` and `replay` share: from checked flags to the summary and the exit code.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::interrupts;
use super::one_thread::on_one_thread;
use super::progress::monitor;
use super::stdout::print_json;
use crate::api::client::Client;
use crate::app_lock::AppLock;
use crate::cli::OutputArgs;
use crate::config::Service;
use crate::error::Result;
use crate::exit;
use crate::harmless::harmless;
use crate::ledger::{Header, LastWords, Start, remove_failed_rows, write_failed_rows};
use crate::monitor::Screen;
use crate::report::Summary;
use crate::rows::Format;
use crate::run::{End, Feed, LedgerFile, Plan};

/// Everything a run needs, once flags and environment are checked.
pub(super) struct Session<'a> {
    pub(super) service: Service,
    pub(super) plan: Plan,
    pub(super) feed: Feed,
    /// The lock for calls; `None` for the built-in mock.
    pub(super) lock: Option<AppLock>,
    pub(super) output: &'a OutputArgs,
    /// The name of the input, for display.
    pub(super) input: String,
    pub(super) ledger: PathBuf,
    pub(super) start: Start,
    pub(super) failed_rows: PathBuf,
    pub(super) failed_format: Format,
    /// The command that resumes the run if it is stopped.
    pub(super) go_on: String,
    /// The command that sends the failed rows again.
    pub(super) replay: String,
}

/// Runs a session, reports the result, and returns the exit code.
pub(super) fn run(mut session: Session<'_>, screen: &Screen) -> Result<u8> {
    session.plan.before = session
        .lock
        .as_ref()
        .map(AppLock::calls_before)
        .unwrap_or_default();
    let cap = session.plan.cap();
    let mut monitor = monitor(session.output.progress, screen, cap);
    let client = Client::new(&session.service.transport, session.service.credentials)?;
    let header = Header {
        version: crate::ledger::VERSION,
        app: client.credentials().app,
        endpoint: session.service.name,
        input: session.input.clone(),
        created: Timestamp::now(),
    };
    let file = LedgerFile {
        path: session.ledger.clone(),
        header,
        start: session.start,
    };
    let ledger = harmless(&session.ledger);
    let mut patience = Some(screen.patience(format!("Reading the ledger {ledger}…")));
    let finished = on_one_thread(async {
        crate::run::run(
            session.plan,
            session.feed,
            client,
            file,
            monitor.as_mut(),
            || {
                patience.take();
                if let Some(lock) = &mut session.lock {
                    lock.mark_calling();
                }
                interrupts::interrupts()
            },
        )
        .await
    })?;
    // A ledger that this run created contains only its rows, so it need not be read again.
    let is_new = matches!(session.start, Start::New | Start::Afresh);
    let failed = if is_new && finished.tally.failed == 0 {
        remove_failed_rows(&session.failed_rows).map(|()| 0)
    } else {
        update_failed_rows(&session.ledger, &session.failed_rows, session.failed_format)
    };
    // From here on, other runs may make calls and write the same files.
    if let Some(lock) = session.lock {
        lock.release(finished.last_second);
    }
    let known = *failed.as_ref().unwrap_or(&0);
    // A replay has just sent the failed rows of earlier runs again.
    let earlier = known.saturating_sub(finished.tally.failed);
    let skips_settled = session.start.skips_settled();
    let before = if skips_settled { earlier } else { 0 };
    let failed_rows = (known > 0).then_some(session.failed_rows);
    let summary = Summary::new(&finished, cap, session.ledger, failed_rows, before);
    match summary.nothing_to_do(skips_settled.then_some(&session.input)) {
        Some(nothing) => screen.line(&nothing),
        None => screen.line(summary.text(screen.width()).trim_end()),
    }
    if !matches!(finished.end, End::Done) {
        screen.line(&format!("To go on: {}", session.go_on));
    } else if known > 0 {
        screen.line(&format!(
            "To send the failed rows again: {}",
            session.replay
        ));
    }
    if session.output.json {
        print_json(&summary)?;
    }
    exit_code(finished.end, failed, finished.tally.invalid, screen)
}

/// Returns the exit code, or the error that ended the run. `failed` is the number of failed rows,
/// or the error of writing their file.
fn exit_code(end: End, failed: Result<u64>, invalid: u64, screen: &Screen) -> Result<u8> {
    if let (End::Ledger(_) | End::Input(_), Err(error)) = (&end, &failed) {
        // Only one error can be returned: the one that ended the run.
        screen.line(&format!("error: {error}"));
    }
    match end {
        End::Ledger(error) => Err(error),
        End::Input(error) => Err(error.or_hint("rows before the error have been called; rows after it and in later inputs have not. Fix the input, then go on")),
        End::Stopped(stop) => failed.map(|_| exit::of_stop(&stop)),
        End::Done => failed.map(|failed| exit::of_rows(failed + invalid)),
    }
}

/// Updates the failed-rows file from the ledger, including entries of earlier runs. Returns the
/// number of failed rows.
fn update_failed_rows(ledger: &Path, to: &Path, format: Format) -> Result<u64> {
    let last_words = LastWords::open(ledger)?;
    let failed = last_words.failed();
    write_failed_rows(last_words, to, format)?;
    Ok(failed)
}
