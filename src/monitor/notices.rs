//! The text of notices.

use super::Notice;
use super::status::fault;
use crate::display::{count, time};

/// Formats a notice as a line.
pub(super) fn line(notice: &Notice) -> String {
    match notice {
        Notice::Outage { code, info } => format!(
            "The service is out ({}). Every row is held; one call at a time asks whether it is back.",
            fault(*code, info)
        ),
        Notice::OutageOver { lasted, probes: 0 } => {
            format!("The service is back after {}. Going on.", time(*lasted))
        }
        Notice::OutageOver { lasted, probes } => format!(
            "The service is back after {}; {} asked meanwhile. Going on.",
            time(*lasted),
            count(*probes, "call")
        ),
        Notice::PaceLowered { to } => format!(
            "The service says it is called too often: pace lowered to {to} calls/s for now."
        ),
        Notice::PaceRecovered { lasted } => {
            format!("The pace is back to normal after {}.", time(*lasted))
        }
        Notice::Renewed => "The UserSig had expired; a new one was signed.".to_owned(),
        Notice::RenewedInTime => "A new UserSig was signed before the old one runs out.".to_owned(),
        Notice::UserSigEnds { left, needed } => format!(
            "The UserSig runs out in {}, but the remaining rows take about {}: the run will stop \
             when it runs out. Go on with a new one, or set RECALL_SECRET_KEY, which renews it in \
             time.",
            time(*left),
            time(*needed)
        ),
        Notice::Stopping { in_flight } => format!(
            "Stopping: no new calls, waiting for {in_flight} in flight. Interrupt again to quit."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::codes;

    #[test]
    fn an_outage_shows_the_service_s_message_if_it_says_more_than_the_code() {
        let text = |code, info: &str| {
            let info = info.to_owned();
            line(&Notice::Outage { code, info })
        };
        let silence = text(codes::TIMED_OUT, "no answer in time");
        assert!(
            silence
                .starts_with("The service is out (no answer in time; the call may have landed)."),
            "{silence}"
        );
        let busy = text(10002, "disk of node 7 is full");
        assert!(
            busy.starts_with(
                "The service is out (internal error, try again: disk of node 7 is full)."
            ),
            "{busy}"
        );
    }
}
