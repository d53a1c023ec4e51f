//! The service's decisions: turns a request and the time into an answer. Owns no clock or socket.

use std::time::Duration;

use bytes::Bytes;

use super::answer::{Answer, How, Outgoing, PAGE, Reply, WRONG};
use super::auth::Auth;
use super::chances::Chances;
use super::connections::Connections;
use super::fault::{FaultKind, Scope};
use super::group_info::{About, Lookup};
use super::ids;
use super::key::Key;
use super::lane::{Command, Lanes};
use super::made_up::MadeUp;
use super::options::Options;
use super::request::{Query, Recall, Request};
use super::rows::Rows;
use super::seen::{Figures, Seen};
use super::traffic::Traffic;
use super::world::World;

/// The path of the recall command.
pub(crate) const RECALL: &str = "/v4/group_open_http_svc/delete_group_msg_by_sender";
/// The path of the command that describes groups.
pub(crate) const GROUP_INFO: &str = "/v4/group_open_http_svc/get_group_info";

/// Returns the command at a path, if there is one.
pub(crate) fn command_at(path: &str) -> Option<Command> {
    match path {
        RECALL => Some(Command::Recall),
        GROUP_INFO => Some(Command::GroupInfo),
        _ => None,
    }
}

/// The service behind the sockets.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) chances: Chances,
    pub(crate) connections: Connections,
    pub(crate) rows: Option<Rows>,
    /// If `None`, `made_up` is used.
    pub(crate) world: Option<World>,
    pub(crate) made_up: MadeUp,
    auth: Option<Auth>,
    pub(crate) lanes: Lanes,
    figures: Figures,
    /// The Unix second in which the service started.
    epoch: u64,
    calls: u64,
    seed: u64,
}

/// A call that passed all checks.
enum Admitted<'a> {
    Recall(Query<'a>, Recall<'a>),
    Lookup(Lookup),
}

impl Service {
    /// Creates a service that starts in the Unix second `epoch`.
    pub(crate) fn new(options: Options, epoch: u64) -> Self {
        let (seed, mut world) = (options.seed, options.world);
        if let Some(world) = &mut world
            && options.traffic > 0.0
        {
            let traffic = Traffic::new(options.traffic, seed, world);
            world.start_traffic(traffic);
        }
        Self {
            chances: Chances::new(options.script, options.faults, options.latency, seed),
            connections: Connections::default(),
            rows: options.count_rows.then(|| Rows::new(seed)),
            auth: world.as_ref().map(|world| Auth::new(world.app.clone())),
            world,
            made_up: MadeUp { seed },
            lanes: Lanes::new(options.cap),
            figures: Figures::new(),
            epoch,
            calls: 0,
            seed,
        }
    }

    /// Records that the mock stopped accepting connections.
    pub(crate) fn refused(&mut self) {
        self.figures.met(FaultKind::Refuse);
    }

    /// Answers a call that was read by `now`. Calls come in order of `now`, and roughly in order of
    /// arrival.
    pub(crate) fn call(&mut self, now: Duration, connection: u64, request: &Request<'_>) -> Answer {
        // A browser asks for an icon too.
        let Some(command) = command_at(request.path) else {
            self.figures.unknown_path();
            return Answer::at_once(&Reply::fail(10003));
        };
        self.calls += 1;
        let first = self.chances.call(now);
        self.connections.call(connection);
        self.advance(now);
        let (delay, (how, body)) = match self.admit(now, command, request) {
            Ok(Admitted::Recall(query, recall)) => self.recall(now, &query, recall.key()),
            Ok(Admitted::Lookup(lookup)) => self.look_up(now, &lookup),
            Err(reply) => {
                let delay = self.chances.delay(&mut self.chances.rng_for(self.calls));
                (delay, self.reply(&reply))
            }
        };
        Answer {
            delay,
            first,
            how,
            body,
        }
    }

    /// Returns what it has seen up to `now`.
    pub(crate) fn seen(&mut self, now: Duration) -> Seen {
        self.advance(now);
        let mut seen = self.figures.snapshot(&self.lanes);
        seen.connections = self.connections.opened;
        seen.open_connections = self.connections.open;
        seen.most_calls_on_a_connection = self.connections.most_calls;
        seen.most_in_flight = self.connections.most_in_flight;
        if let Some(rows) = &self.rows {
            seen.rows = Some(rows.len() as u64);
            seen.most_calls_for_a_row = Some(rows.most_calls());
        }
        seen.world = self.world.as_ref().map(World::seen);
        seen
    }

    /// Lets due messages arrive in the world.
    pub(crate) fn advance(&mut self, now: Duration) {
        if let Some(world) = &mut self.world {
            world.advance(now);
        }
    }

    /// Runs the checks that come before any effect, in the service's order.
    fn admit<'a>(
        &mut self,
        now: Duration,
        command: Command,
        request: &Request<'a>,
    ) -> Result<Admitted<'a>, Reply> {
        let query = Query::parse(request.query);
        let app = query.as_ref().map_or(0, |query| query.sdkappid);
        let lane = self.lanes.arrived(request.arrived, app, command);
        if request.method != "POST" {
            return Err(Reply::fail(60002));
        }
        let query = query?;
        self.figures.random(query.random);
        if let Some(auth) = &mut self.auth {
            auth.check(request.host, &query, self.epoch + now.as_secs())?;
        }
        if !lane.pass(request.arrived) {
            return Err(Reply::fail(60007));
        }
        match command {
            Command::GroupInfo => Lookup::parse(request.body).map(Admitted::Lookup),
            Command::Recall => {
                Recall::parse(request.body).map(|recall| Admitted::Recall(query, recall))
            }
        }
    }

    fn recall(&mut self, now: Duration, query: &Query<'_>, key: Key<'_>) -> (Duration, Outgoing) {
        let row = self.rows.as_mut().map(|rows| rows.call(key));
        let hash = key.hash(self.seed);
        // The nth call for a row meets the same fault in every run, whatever the order of rows.
        let call = row.map_or(self.calls, |(_, nth)| hash.wrapping_add(u64::from(nth)));
        let mut rng = self.chances.rng_for(call);
        let (delay, struck) = self.chances.strike(now, Some(key), &mut rng);
        if let Some(FaultKind::Code(code)) = struck {
            return (delay, self.reply(&Reply::fail(code)));
        }
        // A caller without a valid answer can't know whether the call took effect.
        let answered = matches!(struck, None | Some(FaultKind::Slow));
        let lands = answered || rng.bool();
        let reply = if lands {
            self.land(query, key)
        } else {
            Reply::OK
        };
        if let (true, 0, Some(rows), Some((index, _))) = (lands, reply.code, &mut self.rows, row) {
            rows.landed(index);
            if answered {
                rows.ok(index);
            }
        }
        let outgoing = match struck {
            Some(kind) => self.spoil(kind, reply.code, reply.body(), &mut rng),
            None => self.reply(&reply),
        };
        (delay, outgoing)
    }

    /// Carries out a recall.
    fn land(&mut self, query: &Query<'_>, key: Key<'_>) -> Reply {
        if let Err(reply) = ids::check(key) {
            return reply;
        }
        match &mut self.world {
            Some(world) => world.recall(key, &query.identifier),
            None => MadeUp::recall(key),
        }
    }

    fn look_up(&mut self, now: Duration, lookup: &Lookup) -> (Duration, Outgoing) {
        let mut rng = self.chances.rng_for(self.calls);
        let (delay, struck) = self.chances.strike(now, None, &mut rng);
        let body = lookup.answer(|id| self.about(now, id));
        let outgoing = match struck {
            Some(FaultKind::Code(code)) => self.reply(&Reply::fail(code)),
            Some(kind) => self.spoil(kind, 0, body, &mut rng),
            None => {
                self.figures.answered(0);
                (How::Json, body)
            }
        };
        (delay, outgoing)
    }

    /// Describes a group, or returns its error code.
    fn about<'a>(&'a self, now: Duration, id: &'a str) -> Result<About<'a>, i64> {
        let group = Key {
            group: id,
            ..Key::default()
        };
        match (self.chances.lasting(now, group, Scope::Groups), &self.world) {
            (Some(FaultKind::Code(code)), _) => Err(code),
            (_, Some(world)) => world.about(id),
            (_, None) => Ok(self.made_up.group(id)),
        }
    }

    /// Returns and counts a valid answer.
    fn reply(&mut self, reply: &Reply) -> Outgoing {
        self.figures.answered(reply.code);
        (How::Json, reply.body())
    }

    /// Replaces or delays an answer according to a fault. `code` and `body` are the answer without
    /// it.
    fn spoil(
        &mut self,
        kind: FaultKind,
        code: i64,
        body: Bytes,
        rng: &mut fastrand::Rng,
    ) -> Outgoing {
        self.figures.met(kind);
        let page = Bytes::from_static(PAGE.as_bytes());
        match kind {
            FaultKind::Status(status) => (How::Page(status), page),
            FaultKind::Html => (How::Page(200), page),
            FaultKind::Wrong => {
                let wrong = WRONG[rng.usize(..WRONG.len())];
                (How::Json, Bytes::from_static(wrong.as_bytes()))
            }
            FaultKind::Half => (How::Half, body),
            FaultKind::Endless => (How::Endless, body),
            // A caller that waits for its end gets the answer.
            FaultKind::Slow => {
                self.figures.answered(code);
                (How::Slow, body)
            }
            FaultKind::Hang => (How::Hang, body),
            FaultKind::Reset | FaultKind::Refuse | FaultKind::Code(_) => (How::Reset, body),
        }
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
