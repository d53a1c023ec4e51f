//! What follows from the answer to a call: the row is settled or retried, or the run ends.

use std::time::Instant;

use super::Schedule;
use crate::api::codes::Verdict;
use crate::api::reply::Reply;
use crate::monitor::Notice;
use crate::outcome::Outcome;
use crate::run::entry;
use crate::run::queue::Job;
use crate::run::signature::Remedy;
use crate::run::steps::{Answer, Effect, Stop};

impl Schedule {
    /// A call has ended.
    pub(in crate::run) fn answered(&mut self, job: Job, answer: Answer, now: Instant) {
        self.in_flight -= 1;
        self.pace.ended(job.call, answer.reply.code, now);
        self.tally.answered(answer.reply.code, answer.took);
        let verdict = answer.reply.verdict;
        if matches!(verdict, Verdict::Retry | Verdict::SlowDown) {
            if verdict == Verdict::SlowDown {
                self.pace.slow_down(now);
                self.report_pace(now);
            }
            return self.fault(job, answer, now);
        }
        if let Some(past) = self.outage.answer(now) {
            self.report_outage(Notice::OutageOver {
                lasted: past.lasted,
                probes: past.probes,
            });
        }
        match verdict {
            Verdict::Renew => self.expired(job, answer, now),
            Verdict::Stop => self.stop_for(answer.reply),
            Verdict::Done => {
                self.signature.proven(job.signature);
                self.guard.recalled();
                self.settle(job, Outcome::Recalled, answer);
            }
            Verdict::Row => {
                self.signature.proven(job.signature);
                self.fail(job, answer);
            }
            Verdict::Retry | Verdict::SlowDown => unreachable!("handled above"),
        }
    }

    /// The call got no real answer: the row is retried, or fails after its last attempt.
    fn fault(&mut self, mut job: Job, answer: Answer, now: Instant) {
        job.may_have_landed |= entry::may_have_landed(answer.reply.code);
        if self.outage.since().is_none() {
            job.counted += 1;
        }
        if self.outage.fault(job.order, &mut job.strikes, now) {
            self.report_outage(Notice::Outage {
                code: answer.reply.code,
                info: answer.reply.info.clone(),
            });
        }
        // In an outage no attempt counts, and the row goes after the others.
        match self.retry.wait_after(job.counted.max(1)) {
            Some(wait) => self.queue.push_retry(job, now + wait),
            None if self.outage.since().is_some() => self.queue.push_retry(job, now),
            None => self.fail(job, answer),
        }
    }

    /// Reports nothing in a stopping run: it neither probes nor goes on when the service is back.
    fn report_outage(&mut self, notice: Notice) {
        if self.stop.is_none() {
            self.tell(notice);
        }
    }

    fn expired(&mut self, mut job: Job, answer: Answer, now: Instant) {
        match self.signature.expired(job.signature, job.renewals) {
            Remedy::SendAgain => self.queue.push_retry(job, now),
            Remedy::Renew => {
                self.renew(Notice::Renewed);
                job.renewals += 1;
                self.queue.push_retry(job, now);
            }
            Remedy::Stop => self.stop_for(answer.reply),
            Remedy::GiveUp => self.fail(job, answer),
        }
    }

    /// Renews the `UserSig` for the calls from now on, before the current one expires.
    pub(in crate::run) fn renew_in_time(&mut self) {
        self.renew(Notice::RenewedInTime);
    }

    fn renew(&mut self, notice: Notice) {
        self.signature.renewed();
        self.effects.push_back(Effect::Renew);
        self.tell(notice);
    }

    fn fail(&mut self, job: Job, answer: Answer) {
        let code = answer.reply.code;
        *self.tally.by_code.entry(code).or_default() += 1;
        let too_many = self.guard.failed(code);
        self.settle(job, Outcome::Failed, answer);
        if let Some(why) = too_many {
            self.stop(Stop::Guard(why));
        }
    }

    fn settle(&mut self, job: Job, outcome: Outcome, answer: Answer) {
        match outcome {
            Outcome::Recalled => {
                self.tally.recalled += 1;
                self.tally.recalled_later += u64::from(job.attempts > 1);
            }
            _ => self.tally.failed += 1,
        }
        self.record(entry::settled(job, outcome, answer));
    }

    fn stop_for(&mut self, reply: Reply) {
        self.stop(Stop::Service {
            code: reply.code,
            info: reply.info,
        });
    }
}
