//! `recall explain`: the meaning of a code, and what to do about it.

use super::stdout::print;
use crate::api::codes::{self, Code, Verdict};
use crate::cli::ExplainArgs;
use crate::error::Result;
use crate::exit;

/// Explains a code, or lists all codes.
///
/// # Errors
/// If stdout can't be written.
pub fn run(args: &ExplainArgs) -> Result<u8> {
    let text = match args.code {
        Some(code) => explain(codes::look_up(code)),
        None => all(),
    };
    print(&text)?;
    Ok(exit::OK)
}

fn explain(code: Code) -> String {
    let what_happens = match code.verdict {
        Verdict::Done => "the row is settled",
        Verdict::Retry => "the row is tried again, with exponential backoff",
        Verdict::SlowDown => "the row is tried again, and the pace is lowered for every row",
        Verdict::Renew => {
            "if the secret key is set, the UserSig is renewed; otherwise the run stops"
        }
        Verdict::Stop => {
            "the run stops, because every further row would get the same answer; it can be resumed"
        }
        Verdict::Row => "the row fails, and the run continues",
    };
    format!(
        "{}: {}\nWhat happens: {what_happens}.\nWhat to do: {}\n",
        code.code, code.meaning, code.advice
    )
}

fn all() -> String {
    codes::TABLE.iter().fold(String::new(), |text, known| {
        let verdict = name(known.verdict);
        text + &format!("{:>6}  {verdict:<9}  {}\n", known.code, known.meaning)
    })
}

fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Done => "done",
        Verdict::Retry => "retry",
        Verdict::SlowDown => "slow down",
        Verdict::Renew => "renew",
        Verdict::Stop => "stop",
        Verdict::Row => "row fails",
    }
}
