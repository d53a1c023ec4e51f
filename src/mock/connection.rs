//! One connection: reads a request, asks the service, writes its answer when it is due.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use tokio::net::TcpStream;

use super::answer::{Answer, How, json};
use super::arrival::Arrival;
use super::body::Answering;
use super::request;
use super::server::{Cut, Shared};
use super::socket::{MOCK, Socket};
use super::tell::List;

/// A request is 200 bytes; what is far longer is no call.
const LONGEST_BODY: usize = 64 * 1024;

/// For how long a call without an answer keeps its connection.
const LONGEST_HANG: Duration = Duration::from_secs(600);

const MARK: HeaderName = HeaderName::from_static(MOCK);

const JSON: &str = "application/json";

/// Serves a connection to its end. While the service is `away`, that end is a reset.
pub(crate) async fn connection(
    stream: TcpStream,
    number: u64,
    shared: Rc<Shared>,
    away: Rc<Cell<bool>>,
) {
    // Answers are one small write each; without this they wait for the client's ACK.
    drop(stream.set_nodelay(true));
    let cut = Rc::new(Cell::new(false));
    let arrival = Rc::new(Arrival::default());
    let socket = Socket::new(stream, [Rc::clone(&cut), away], Rc::clone(&arrival));
    let open = Open {
        number,
        idle_since: Cell::new(Some(shared.start.elapsed())),
        shared,
        arrival,
        cut,
    };
    // Not `pipeline_flush`: with it hyper takes in a body to its end before it writes, even one
    // that has none.
    let serving =
        http1::Builder::new().serve_connection(socket, service_fn(|request| open.answer(request)));
    tokio::select! {
        biased;
        served = serving => if let Err(error) = served {
            tracing::debug!(%error, "a connection to the mock broke");
        },
        () = open.idle() => {}
    }
}

/// A connection that is open until this is dropped.
struct Open {
    number: u64,
    shared: Rc<Shared>,
    arrival: Rc<Arrival>,
    /// None while a call is being answered.
    idle_since: Cell<Option<Duration>>,
    /// Set, it makes the connection end with a reset.
    cut: Rc<Cell<bool>>,
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
    /// Waits until the connection has been idle for too long. It has one timer, set anew when it
    /// goes off, so calls cost none.
    async fn idle(&self) {
        let most = self.shared.idle;
        let mut left = most;
        while !left.is_zero() {
            tokio::time::sleep(left).await;
            let idle = self
                .idle_since
                .get()
                .map(|since| self.shared.start.elapsed().saturating_sub(since));
            left = most.saturating_sub(idle.unwrap_or_default());
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Answering>, Cut> {
        self.idle_since.set(None);
        let answer = self.answer_busily(request).await;
        self.idle_since.set(Some(self.shared.start.elapsed()));
        answer
    }

    async fn answer_busily(&self, request: Request<Incoming>) -> Result<Response<Answering>, Cut> {
        let (head, body) = request.into_parts();
        let Some(body) = read(body).await else {
            return Ok(respond(413, "text/plain", Answering::whole(Bytes::new())));
        };
        let shared = &self.shared;
        if let Some(asked) = head.uri.path().strip_prefix("/mock/") {
            return Ok(self.tell(asked, &head.uri));
        }
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
        let now = shared.start.elapsed();
        let request = request::Request {
            arrived: self.arrival.before(now),
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or(""),
            host: host.unwrap_or(""),
            body: &body,
        };
        let answer = shared.service.borrow_mut().call(now, self.number, &request);
        if answer.first {
            shared.first_call.notify_one();
        }
        if !answer.delay.is_zero() {
            tokio::time::sleep(answer.delay).await;
        }
        self.send(answer).await
    }

    async fn send(&self, answer: Answer) -> Result<Response<Answering>, Cut> {
        Ok(match answer.how {
            How::Json => respond(200, JSON, Answering::whole(answer.body)),
            How::Page(status) => respond(status, "text/html", Answering::whole(answer.body)),
            How::Half => respond(200, JSON, Answering::half(&answer.body)),
            How::Slow => respond(200, JSON, Answering::slow(answer.body)),
            How::Endless => respond(200, JSON, Answering::endless()),
            How::Reset => {
                self.cut.set(true);
                return Err(Cut);
            }
            How::Hang => {
                // A caller that goes away ends this sooner.
                tokio::time::sleep(LONGEST_HANG).await;
                return Err(Cut);
            }
        })
    }

    /// Answers a question about the mock itself.
    fn tell(&self, asked: &str, uri: &Uri) -> Response<Answering> {
        let list = match asked {
            "seen" => {
                let now = self.shared.start.elapsed();
                let seen = self.shared.service.borrow_mut().seen(now);
                return respond(200, JSON, Answering::whole(json(&seen)));
            }
            "rows" => List::Rows,
            "apps" => List::Apps,
            "connections" => List::Connections,
            "world" => List::world(uri.query().unwrap_or("")),
            "messages" => List::messages(uri.query().unwrap_or("")),
            _ => return respond(404, "text/plain", Answering::whole(Bytes::new())),
        };
        let now = self.shared.start.elapsed();
        let lines = list.tell(&mut self.shared.service.borrow_mut(), now);
        respond(200, "application/x-ndjson", Answering::whole(lines.into()))
    }
}

/// The whole body; none where it is too long or breaks off.
async fn read(mut body: Incoming) -> Option<Bytes> {
    let mut all = Bytes::new();
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else {
            break;
        };
        let Ok(data) = frame.ok()?.into_data() else {
            continue;
        };
        if all.len() + data.len() > LONGEST_BODY {
            return None;
        }
        // Nearly every body is one frame, and needs no copy.
        all = if all.is_empty() {
            data
        } else {
            let mut joined = BytesMut::from(all);
            joined.extend_from_slice(&data);
            joined.freeze()
        };
    }
    Some(all)
}

fn respond(status: u16, kind: &'static str, body: Answering) -> Response<Answering> {
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
