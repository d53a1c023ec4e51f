//! One connection: reads requests, asks the service, and writes each answer when it is due.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri, Version};
use tokio::net::TcpStream;

use super::answer::{How, Outgoing, json};
use super::arrival::{Arrival, Moment};
use super::body::{AnswerBody, TrackedBody};
use super::hook::{Call, Then};
use super::idle::Idle;
use super::question::Question;
use super::request;
use super::server::{Cut, Shared};
use super::service::command_at;
use super::socket::{Head, MOCK, Socket};

/// A request has about 200 bytes; anything far longer is not a call.
const MAX_BODY: usize = 64 * 1024;

/// How long a call without an answer keeps its connection open.
const MAX_HANG: Duration = Duration::from_secs(600);

const MARK: HeaderName = HeaderName::from_static(MOCK);

const JSON: &str = "application/json";
const JSON_LINES: &str = "application/x-ndjson";
const TEXT: &str = "text/plain";

/// Serves a connection until it ends. If the service is `away` by then, it ends with a reset.
pub(crate) async fn connection(
    stream: TcpStream,
    number: u64,
    shared: Rc<Shared>,
    away: Rc<Cell<bool>>,
) {
    // Answers are one small write each; without this they would wait for the client's ACK.
    drop(stream.set_nodelay(true));
    let cut = Rc::new(Cell::new(false));
    let head = Rc::new(Cell::new(Head::default()));
    let arrival = Rc::new(Arrival::default());
    let cuts = [Rc::clone(&cut), away];
    let socket = Socket::new(stream, cuts, Rc::clone(&head), Rc::clone(&arrival));
    let open = Open {
        number,
        idle: Rc::new(Idle::new(shared.idle)),
        shared,
        arrival,
        cut,
        head,
    };
    // Not `pipeline_flush`: with it hyper reads a whole body before it writes, even an endless one.
    let serving =
        http1::Builder::new().serve_connection(socket, service_fn(|request| open.answer(request)));
    tokio::select! {
        biased;
        served = serving => if let Err(error) = served {
            tracing::debug!(%error, "a connection to the mock broke");
        },
        () = open.idle.lasts_too_long() => {}
    }
}

/// An open connection. Dropping this records it as closed.
struct Open {
    number: u64,
    shared: Rc<Shared>,
    arrival: Rc<Arrival>,
    idle: Rc<Idle>,
    /// If set, the connection ends with a reset.
    cut: Rc<Cell<bool>>,
    /// What happens to the head of the answer.
    head: Rc<Cell<Head>>,
}

/// A request in flight. Dropping this records its end.
struct InFlight<'a>(&'a Shared);

impl<'a> InFlight<'a> {
    fn begin(shared: &'a Shared) -> Self {
        shared.service.borrow_mut().connections.begin();
        Self(shared)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.service.borrow_mut().connections.end();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared
            .service
            .borrow_mut()
            .connections
            .close(self.number);
    }
}

impl Open {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<TrackedBody>, Cut> {
        self.head.set(Head::Wanted);
        let (head, body) = request.into_parts();
        let body = read(body).await;
        let busy = self.idle.end();
        let response = match body {
            Ok(body) => self.answer_to(&head, &body).await?,
            Err(status) => respond(status, TEXT, AnswerBody::whole(Bytes::new())),
        };
        Ok(response.map(|body| TrackedBody::new(body, busy)))
    }

    async fn answer_to(&self, head: &Parts, body: &Bytes) -> Result<Response<AnswerBody>, Cut> {
        let shared = &self.shared;
        if let Some(asked) = head.uri.path().strip_prefix("/mock/") {
            return Ok(self.answer_question(asked, &head.uri));
        }
        let _in_flight = command_at(head.uri.path()).map(|_| InFlight::begin(shared));
        let came = shared.start.elapsed();
        if let Some(outgoing) = self.ask_the_hook(head, body).await {
            return self.send(outgoing).await;
        }
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
        let moment = Moment::since(shared.start);
        let request = request::Request {
            arrived: self.arrival.before(moment),
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or(""),
            host: host.unwrap_or(""),
            body,
        };
        let service = &shared.service;
        let answer = (service.borrow_mut()).call(moment.now, self.number, &request);
        if answer.first {
            shared.first_call.notify_one();
        }
        // The time a hook held up the request does not count towards the delay.
        let by_the_hook = moment.now.saturating_sub(came);
        let passed = shared.start.elapsed().saturating_sub(request.arrived);
        let left = answer.left(passed.saturating_sub(by_the_hook));
        if !left.is_zero() {
            tokio::time::sleep(left).await;
        }
        self.send((answer.how, answer.body)).await
    }

    /// Returns what the hook sends instead of the service's answer, if anything.
    async fn ask_the_hook(&self, head: &Parts, body: &Bytes) -> Option<Outgoing> {
        let shared = &self.shared;
        let hook = shared.hook.as_ref()?;
        let nth = shared.hooked.get();
        shared.hooked.set(nth + 1);
        let call = Call {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or(""),
            headers: &head.headers,
            body,
            arrived: shared.start + self.arrival.before(Moment::since(shared.start)),
            connection: self.number,
            nth,
        };
        hook.ask(&call).await
    }

    async fn send(&self, (how, body): Outgoing) -> Result<Response<AnswerBody>, Cut> {
        Ok(match how {
            How::Json => respond(200, JSON, AnswerBody::whole(body)),
            How::Page(status) => respond(status, "text/html", AnswerBody::whole(body)),
            How::Half => respond(200, JSON, AnswerBody::half(&body)),
            How::Slow => respond(200, JSON, AnswerBody::slow(body)),
            How::Endless => respond(200, JSON, AnswerBody::endless()),
            How::Exact(then) => {
                self.head.set(Head::Unwanted);
                exactly(body, then)
            }
            How::Reset => {
                self.cut.set(true);
                return Err(Cut);
            }
            How::Hang => {
                // This ends sooner if the caller goes away.
                tokio::time::sleep(MAX_HANG).await;
                return Err(Cut);
            }
        })
    }

    /// Answers a question about the mock itself.
    fn answer_question(&self, asked: &str, uri: &Uri) -> Response<AnswerBody> {
        let service = &mut *self.shared.service.borrow_mut();
        let question = Question::read(asked, uri.query().unwrap_or(""));
        let question = question.and_then(|question| {
            question.check(service.world.as_ref())?;
            Ok(question)
        });
        let now = self.shared.start.elapsed();
        let (status, kind, text) = match question {
            Ok(Question::Seen) => (200, JSON, json(&service.seen(now))),
            Ok(Question::List(list)) => (200, JSON_LINES, list.to_json_lines(service, now).into()),
            Err(no) => (no.status, TEXT, no.why.into()),
        };
        respond(status, kind, AnswerBody::whole(text))
    }
}

/// Reads the whole body. Returns the HTTP status for the answer if the body is too long, malformed
/// or cut off.
async fn read(mut body: Incoming) -> Result<Bytes, u16> {
    let mut all = Bytes::new();
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else {
            break;
        };
        let Ok(data) = frame.map_err(|_| 400_u16)?.into_data() else {
            continue;
        };
        if all.len() + data.len() > MAX_BODY {
            return Err(413);
        }
        // Nearly every body is a single frame, which needs no copy.
        all = if all.is_empty() {
            data
        } else {
            let mut joined = BytesMut::from(all);
            joined.extend_from_slice(&data);
            joined.freeze()
        };
    }
    Ok(all)
}

/// Builds a response that sends exactly these bytes. Its head is left out and only controls what
/// hyper does.
fn exactly(bytes: Bytes, then: Then) -> Response<AnswerBody> {
    match then {
        Then::Keep => Response::new(AnswerBody::whole(bytes)),
        Then::Close => {
            let mut response = Response::new(AnswerBody::whole(bytes));
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
            response
        }
        Then::Repeat(filler) => {
            let mut response = Response::new(AnswerBody::repeating(bytes, filler));
            // HTTP/1.0 has no chunked encoding, which would change the bytes.
            *response.version_mut() = Version::HTTP_10;
            response
        }
    }
}

fn respond(status: u16, kind: &'static str, body: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(MARK, HeaderValue::from_static("1"));
    match status {
        300..=399 => drop(headers.insert(LOCATION, HeaderValue::from_static("/login"))),
        429 | 503 => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("1"))),
        _ => {}
    }
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response
}
