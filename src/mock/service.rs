//! What the service decides: for a request at a time, an answer. No clock, no socket.

use std::time::Duration;

use super::answer::{Answer, Reply};
use super::cap::Gate;
use super::fault::{self, What};
use super::options::Options;
use super::request::{Query, Recall, Request};
use super::rows::{RowSeen, Rows};
use super::seen::{Figures, Seen};

/// Where the service has its recall command.
pub(crate) const RECALL: &str = "/v4/group_open_http_svc/delete_group_msg_by_sender";

/// The service behind the sockets.
#[derive(Debug)]
pub(crate) struct Service {
    options: Options,
    gate: Option<Gate>,
    figures: Figures,
    rows: Option<Rows>,
}

impl Service {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            gate: options.cap.map(Gate::new),
            figures: Figures::new(),
            rows: options.count_rows.then(|| Rows::new(options.seed)),
            options,
        }
    }

    /// A connection was opened.
    pub(crate) fn connected(&mut self) {
        self.figures.connections += 1;
    }

    /// The answer to a call that has arrived at `now`, head and body. Times come in order.
    pub(crate) fn call(&mut self, now: Duration, request: &Request<'_>) -> Answer {
        let number = self.figures.arrived(now);
        let (delay, what) = match self.admit(now, request) {
            Ok(recall) => self.recall(number, &recall),
            // Refusals take their time too.
            Err(reply) => {
                let delay = self.options.latency.draw(&mut self.chance(number));
                (delay, reply)
            }
        };
        self.figures.answered(what.code);
        Answer { delay, what }
    }

    /// What it saw so far.
    pub(crate) fn seen(&self) -> Seen {
        let mut seen = self.figures.snapshot();
        if let Some(rows) = &self.rows {
            seen.rows = Some(rows.len() as u64);
            seen.most_calls_for_a_row = Some(rows.most_calls());
        }
        seen
    }

    /// The row that came as the `index`th, where rows are counted.
    pub(crate) fn row(&self, index: usize) -> Option<RowSeen<'_>> {
        self.rows.as_ref()?.get(index)
    }

    /// The checks before anything is done, in the service's order.
    fn admit<'a>(&mut self, now: Duration, request: &Request<'a>) -> Result<Recall<'a>, Reply> {
        if request.path != RECALL {
            return Err(Reply::fail(10003));
        }
        if request.method != "POST" {
            return Err(Reply::fail(60002));
        }
        let query = Query::parse(request.query)?;
        self.figures.random(query.random);
        if let Some(gate) = &mut self.gate
            && !gate.pass(now)
        {
            self.figures.over_cap += 1;
            return Err(Reply::fail(60007));
        }
        Recall::parse(request.body)
    }

    fn recall(&mut self, number: u64, recall: &Recall<'_>) -> (Duration, Reply) {
        let key = recall.key();
        let row = self.rows.as_mut().map(|rows| rows.call(key));
        // The nth call for a row meets the same fault in every run, in whatever order rows come.
        let mut rng = match row {
            Some((_, nth)) => self.chance(key.hash(self.options.seed) ^ u64::from(nth)),
            None => self.chance(number),
        };
        let delay = self.options.latency.draw(&mut rng);
        if let Some(What::Code(code)) = fault::draw(&self.options.faults, &mut rng) {
            return (delay, Reply::fail(code));
        }
        if let (Some(rows), Some((index, _))) = (&mut self.rows, row) {
            rows.ok(index);
        }
        (delay, Reply::OK)
    }

    /// The chance of one call, from the seed.
    fn chance(&self, call: u64) -> fastrand::Rng {
        let mut seed = fastrand::Rng::with_seed(call);
        fastrand::Rng::with_seed(seed.u64(..) ^ self.options.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const QUERY: &str =
        "sdkappid=1400000000&identifier=administrator&usersig=x&random=1&contenttype=json";

    fn recall(service: &mut Service, now: Duration, sender: &str) -> Answer {
        let body = format!(r#"{{"GroupId":"g","Sender_Account":"{sender}"}}"#);
        service.call(
            now,
            &Request {
                method: "POST",
                path: RECALL,
                query: QUERY,
                body: body.as_bytes(),
            },
        )
    }

    fn codes(options: &Options, senders: impl Iterator<Item = u32>) -> Vec<(u32, i32)> {
        let mut service = Service::new(options.clone());
        senders
            .map(|n| {
                (
                    n,
                    recall(&mut service, Duration::ZERO, &n.to_string())
                        .what
                        .code,
                )
            })
            .collect()
    }

    #[test]
    fn a_good_call_succeeds_at_once() {
        let mut service = Service::new(Options::default());
        let answer = recall(&mut service, Duration::ZERO, "s");
        assert_eq!(answer.what, Reply::OK);
        assert_eq!(answer.delay, Duration::ZERO);
    }

    #[test]
    fn an_unknown_command_and_a_wrong_method_have_their_codes() {
        let mut service = Service::new(Options::default());
        let mut call = |method, path| {
            let request = Request {
                method,
                path,
                query: QUERY,
                body: b"{}",
            };
            service.call(Duration::ZERO, &request).what.code
        };
        assert_eq!(call("POST", "/v4/group_open_http_svc/recall"), 10003);
        assert_eq!(call("GET", RECALL), 60002);
    }

    #[test]
    fn calls_over_the_cap_get_the_frequency_error() {
        let mut service = Service::new(Options {
            cap: Some(200.into()),
            ..Options::default()
        });
        let ok = (0..2500)
            .filter(|&ms| recall(&mut service, ms * MS, "s").what.code == 0)
            .count();
        let seen = service.seen();
        assert_eq!((ok, seen.over_cap), (600, 1900));
        assert_eq!(seen.by_code[&60007], 1900);
        assert_eq!(seen.worst_second, 1000);
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let mut options = Options {
            faults: vec!["10002=20%".parse().expect("a fault")],
            seed: 42,
            ..Options::default()
        };
        let first = codes(&options, 0..1000);
        assert_eq!(codes(&options, 0..1000), first);
        options.seed = 43;
        assert_ne!(codes(&options, 0..1000), first);
    }

    #[test]
    fn where_rows_are_counted_faults_do_not_depend_on_their_order() {
        let options = Options {
            faults: vec!["10002=20%".parse().expect("a fault")],
            count_rows: true,
            ..Options::default()
        };
        let mut backwards = codes(&options, (0..1000).rev());
        backwards.reverse();
        assert_eq!(codes(&options, 0..1000), backwards);
    }

    #[test]
    fn a_row_that_failed_by_chance_can_succeed_when_called_again() {
        let mut service = Service::new(Options {
            faults: vec!["10002=50%".parse().expect("a fault")],
            count_rows: true,
            ..Options::default()
        });
        let codes: Vec<i32> = (0..20)
            .map(|_| recall(&mut service, Duration::ZERO, "s").what.code)
            .collect();
        assert!(codes.contains(&0) && codes.contains(&10002), "{codes:?}");
        let row = service.row(0).expect("the row");
        let ok = codes.iter().filter(|&&code| code == 0).count();
        assert_eq!((row.calls, row.ok as usize), (20, ok));
    }
}
