//! The question before the first call.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::termios::{QueueSelector, tcflush};

use crate::api::credentials::Credentials;
use crate::api::usersig;
use crate::cli::OutputArgs;
use crate::config::Service;
use crate::display::{thousands, time};
use crate::error::{Error, Result};
use crate::monitor::status::how_long;
use crate::run::{Plan, least_time};

/// What would go: names, and what they are.
pub(super) type Facts = Vec<(&'static str, String)>;

/// Whoever sits at the terminal.
pub(super) enum Somebody {
    /// Types into stdin and reads stderr.
    AtStdin,
    /// Has redirected one of them, which is no consent: rows come through a pipe, or words go to a
    /// file besides.
    AtTheirTerminal(File),
}

/// Who is asked before the first call, unless `--yes` has said it or it is a rehearsal. Nobody, where
/// neither stdin nor stderr is a terminal: a job of cron or of nohup.
///
/// # Errors
/// When one of them is a terminal that can't be opened.
pub(super) fn somebody(rehearsal: bool, output: &OutputArgs) -> Result<Option<Somebody>> {
    if output.yes || rehearsal {
        return Ok(None);
    }
    let of_it = match (io::stdin().is_terminal(), io::stderr().is_terminal()) {
        (true, true) => return Ok(Some(Somebody::AtStdin)),
        (false, false) => return Ok(None),
        (true, false) => "/dev/stdin",
        (false, true) => "/dev/stderr",
    };
    let open = |terminal| File::options().read(true).write(true).open(terminal);
    // A process in a session of its own, as by setsid, controls none.
    let terminal = open("/dev/tty").or_else(|_| open(of_it));
    match terminal {
        Ok(terminal) => Ok(Some(Somebody::AtTheirTerminal(terminal))),
        Err(error) => Err(cannot_ask(error)),
    }
}

fn cannot_ask(error: io::Error) -> Error {
    Error::output("cannot ask on this terminal")
        .because(error)
        .hint("nothing was recalled; --yes agrees beforehand")
}

impl Somebody {
    /// Whether their answer would come the way that rows from stdin come.
    pub(super) fn types_into_stdin(&self) -> bool {
        matches!(self, Self::AtStdin)
    }

    /// Asks before the first of so many calls, where that is known.
    ///
    /// # Errors
    /// When the terminal can't be written to or read.
    pub(super) fn agrees(
        self,
        service: &Service,
        plan: &Plan,
        what: Facts,
        calls: Option<u64>,
    ) -> Result<bool> {
        let answer = self.answer(&question(service, plan, what, calls));
        let answer = answer.map_err(cannot_ask)?;
        Ok(matches!(
            answer.trim().to_ascii_lowercase().as_str(),
            "y" | "yes"
        ))
    }

    fn answer(self, question: &str) -> io::Result<String> {
        match self {
            Self::AtStdin => {
                let stdin = io::stdin();
                answer(question, &stdin, io::stderr(), stdin.lock())
            }
            Self::AtTheirTerminal(terminal) => {
                answer(question, &terminal, &terminal, BufReader::new(&terminal))
            }
        }
    }
}

/// The line that is typed once the question is there.
fn answer(
    question: &str,
    keyboard: impl AsFd,
    mut screen: impl Write,
    mut lines: impl BufRead,
) -> io::Result<String> {
    // Whatever was typed before answers something else.
    tcflush(keyboard, QueueSelector::IFlush)?;
    screen.write_all(question.as_bytes())?;
    let mut answer = String::new();
    lines.read_line(&mut answer)?;
    if !answer.ends_with('\n') {
        // Ctrl-D leaves the cursor behind the question.
        screen.write_all(b"\n")?;
    }
    Ok(answer)
}

fn question(service: &Service, plan: &Plan, mut what: Facts, calls: Option<u64>) -> String {
    let rate = plan.cap();
    let Credentials {
        app, identifier, ..
    } = &service.credentials;
    let counted = |calls| format!("{}, {}", thousands(calls), how_long(calls, rate));
    what.push(("calls", calls.map_or("not counted".to_owned(), counted)));
    what.push(("app", format!("{app}, as {identifier}")));
    let needed = calls.zip(rate);
    let needed = needed.map_or(Duration::ZERO, |(calls, rate)| least_time(calls, rate));
    if let Some(left) = service.credentials.falls_short(usersig::now(), needed) {
        let left = time(left);
        let why = "before the run is through; with RECALL_SECRET_KEY it would be signed anew";
        what.push(("usersig", format!("runs out in {left}, {why}")));
    }
    what.push(("service", service.endpoint.for_people()));
    let mut ask = "About to recall:\n".to_owned();
    for (name, what) in what {
        writeln!(ask, "  {name:<12}{what}").expect("a String takes every word");
    }
    ask + "This can't be undone. Go on? [y/N] "
}
