//! The sockets: reads a request, asks the service, writes its answer when it is due.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;

use super::answer::json;
use super::request;
use super::seen::Seen;
use super::service::Service;

/// What is asked of a running mock. When the asking end is gone, it stops.
pub(crate) struct Ask(pub(crate) mpsc::Sender<Seen>);

/// A request is 200 bytes; what is far longer is no call.
const LONGEST_BODY: usize = 64 * 1024;

const MOCK: HeaderName = HeaderName::from_static("x-recall-mock");

/// All connections share one thread, so the service is theirs without a lock.
struct Shared {
    service: RefCell<Service>,
    start: Instant,
}

/// Serves until the asking end is gone.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Service,
    mut asks: UnboundedReceiver<Ask>,
) -> Seen {
    let shared = Rc::new(Shared {
        service: RefCell::new(service),
        start: Instant::now(),
    });
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    shared.service.borrow_mut().connected();
                    tokio::task::spawn_local(connection(stream, Rc::clone(&shared)));
                }
                // Out of file descriptors, most likely: let connections end before the next try.
                Err(error) => {
                    tracing::warn!(%error, "the mock can't accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                }
            },
            ask = asks.recv() => match ask {
                // Whoever asked may have gone away meanwhile.
                Some(Ask(reply)) => drop(reply.send(shared.service.borrow().seen())),
                None => return shared.service.borrow().seen(),
            },
        }
    }
}

async fn connection(stream: TcpStream, shared: Rc<Shared>) {
    // Answers are one small write each; without this they wait for the client's ACK.
    drop(stream.set_nodelay(true));
    let answer = service_fn(|request| {
        let shared = Rc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request, &shared).await) }
    });
    let served = http1::Builder::new()
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the mock broke");
    }
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let Some(body) = read(body).await else {
        return respond(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", Bytes::new());
    };
    match head.uri.path() {
        "/mock/seen" => {
            let seen = shared.service.borrow().seen();
            return respond(StatusCode::OK, "application/json", json(&seen));
        }
        "/mock/rows" => {
            let rows = rows(&shared.service.borrow());
            return respond(StatusCode::OK, "application/x-ndjson", rows);
        }
        _ => {}
    }
    let request = request::Request {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or(""),
        body: &body,
    };
    let answer = shared
        .service
        .borrow_mut()
        .call(shared.start.elapsed(), &request);
    if !answer.delay.is_zero() {
        tokio::time::sleep(answer.delay).await;
    }
    respond(StatusCode::OK, "application/json", answer.what.body())
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

/// A JSON line a row.
fn rows(service: &Service) -> Bytes {
    let mut lines = Vec::new();
    for row in (0..).map_while(|index| service.row(index)) {
        lines.extend_from_slice(&json(&row));
        lines.push(b'\n');
    }
    lines.into()
}

fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(MOCK, HeaderValue::from_static("1"));
    response
}
