//! `recall replay`: sends the failed rows of a ledger again, into the same ledger.

use super::session::{self, Session};
use super::{again, ask, files, lock, not_started, open_files};
use crate::app_lock::Calls;
use crate::cli::ReplayArgs;
use crate::config::{self, Service, Settings, process_env};
use crate::display::thousands;
use crate::error::Result;
use crate::harmless::harmless;
use crate::ledger::{self, LastWords, Reader, Start, failed_rows};
use crate::monitor::Screen;
use crate::rows::Format;
use crate::run::Feed;

/// Sends the failed rows of a ledger again.
///
/// # Errors
/// If a flag is invalid, or the ledger can't be read or written.
pub fn run(args: &ReplayArgs, screen: &Screen) -> Result<u8> {
    let header = Reader::open(&args.ledger)?.header().clone();
    let settings = Settings::of_run(&args.service, &args.pace, &process_env()?)?;
    let mut plan = config::plan(&settings, None, true)?;
    plan.concurrency = open_files::calls_that_fit(plan.concurrency, args.service.mock, screen)?;
    let service = Service::new(&args.service, &settings, &plan, Some(&header.endpoint))?;
    // Before the operator is asked.
    let app = service.credentials.app;
    ledger::check(&args.ledger, Start::Resume, app, &service.name)?;
    let of_input = Format::by_name(header.first_input()).unwrap_or(Format::Csv);
    let (to, failed_format) =
        files::failed_rows(args.output.failed.as_ref(), &args.ledger, &[], of_input)?;
    // Before the ledger is read: a previous run may still be writing it.
    let if_held = lock::if_held(&args.pace);
    let ledger = Some(&*args.ledger);
    let lock = lock::take_lock(Calls::Recall, &service, ledger, if_held, screen)?;
    let last_words = LastWords::open(&args.ledger)?;
    let failed = last_words.failed();
    if failed > 0
        && let Some(somebody) = ask::somebody(args.service.mock, &args.output)?
    {
        let what = vec![
            ("ledger", harmless(&args.ledger)),
            ("rows", format!("the {} that failed", thousands(failed))),
        ];
        if !somebody.agrees(&service, &plan, what, Some(failed))? {
            return not_started::declined(&args.output, &args.ledger, screen);
        }
    }
    let start = Start::Replay {
        read_to: last_words.end(),
    };
    let session = Session {
        lock,
        service,
        plan,
        feed: Feed::of_rows(failed_rows(last_words), failed),
        output: &args.output,
        input: header.input,
        ledger: args.ledger.clone(),
        start,
        failed_rows: to,
        failed_format,
        go_on: again::this_command(None),
        replay: again::this_command(None),
    };
    session::run(session, screen)
}
