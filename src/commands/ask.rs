//! Asks the operator to confirm before the first call.

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

/// What the run would do: labels and values.
pub(super) type Facts = Vec<(&'static str, String)>;

/// The operator at the terminal.
pub(super) enum Somebody {
    /// Stdin and stderr are both the terminal.
    AtStdin,
    /// One of the two is redirected, which is not consent: rows may come through a pipe, or
    /// messages may be logged to a file.
    AtTheirTerminal(File),
}

/// Returns the operator to ask before the first call. `None` with `--yes`, in a rehearsal, and if
/// neither stdin nor stderr is a terminal, as under cron or nohup.
///
/// # Errors
/// If one of them is a terminal that can't be opened.
pub(super) fn somebody(rehearsal: bool, output: &OutputArgs) -> Result<Option<Somebody>> {
    if output.yes || rehearsal {
        return Ok(None);
    }
    let fallback = match (io::stdin().is_terminal(), io::stderr().is_terminal()) {
        (true, true) => return Ok(Some(Somebody::AtStdin)),
        (false, false) => return Ok(None),
        (true, false) => "/dev/stdin",
        (false, true) => "/dev/stderr",
    };
    let open = |terminal| File::options().read(true).write(true).open(terminal);
    // A process in its own session, as after setsid, has no controlling terminal.
    let terminal = open("/dev/tty").or_else(|_| open(fallback));
    match terminal {
        Ok(terminal) => Ok(Some(Somebody::AtTheirTerminal(terminal))),
        Err(error) => Err(cannot_ask(error)),
    }
}

fn cannot_ask(error: io::Error) -> Error {
    Error::output("cannot ask on this terminal")
        .because(error)
        .hint("nothing was recalled; pass --yes to skip the question")
}

impl Somebody {
    /// Whether the answer would be read from stdin, where rows may come from too.
    pub(super) fn types_into_stdin(&self) -> bool {
        matches!(self, Self::AtStdin)
    }

    /// Asks before the first call; `calls` is their number, if known.
    ///
    /// # Errors
    /// If the terminal can't be written to or read.
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

/// Shows the question and reads the line that answers it.
fn answer(
    question: &str,
    keyboard: impl AsFd,
    mut screen: impl Write,
    mut lines: impl BufRead,
) -> io::Result<String> {
    // Input typed earlier is not an answer to this question.
    tcflush(keyboard, QueueSelector::IFlush)?;
    screen.write_all(question.as_bytes())?;
    let mut answer = String::new();
    lines.read_line(&mut answer)?;
    if !answer.ends_with('\n') {
        // Ctrl-D leaves the cursor after the question.
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
        let why = "before the run ends; with RECALL_SECRET_KEY it would be renewed";
        what.push(("usersig", format!("expires in {left}, {why}")));
    }
    what.push(("service", service.endpoint.for_people()));
    let mut ask = "About to recall:\n".to_owned();
    for (name, what) in what {
        writeln!(ask, "  {name:<12}{what}").expect("writing to a String can't fail");
    }
    ask + "This can't be undone. Go on? [y/N] "
}
