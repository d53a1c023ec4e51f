//! The calls themselves. Only this module and [`reply`] use the HTTP client.

use std::fmt::{self, Write as _};
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Certificate, Method, Request};
use serde::Serialize;
use tokio::time::{Instant, Sleep, sleep};
use url::Url;

use super::body::Body;
pub(crate) use super::body::Written;
use super::codes;
use super::credentials::Credentials;
use super::endpoint::Endpoint;
use super::groups::{self, GroupInfo};
use super::reply::{self, Reply};
use crate::error::{Error, Result};
use crate::harmless::is_harmful;
use crate::rows::Row;

/// The path of the recall command, from its official page.
const RECALL: &str = "v4/group_open_http_svc/delete_group_msg_by_sender";
/// The path of the command that describes groups.
const GROUP_INFO: &str = "v4/group_open_http_svc/get_group_info";
/// The user agent, for the service's own logs.
const AGENT: &str = concat!("recall/", env!("CARGO_PKG_VERSION"));
/// How long an idle connection is kept. The service closes them after about 90 s (listed for a
/// sibling service).
const IDLE: Duration = Duration::from_secs(30);
/// If a timeout is noticed this late, the process was suspended, and answers may be waiting in its
/// sockets. (The HTTP client's own timeout checks the clock first and discards them.)
const LATE: Duration = Duration::from_millis(250);
/// How much longer a call that timed out late is read.
const GRACE: Duration = Duration::from_millis(200);

/// How the client reaches the service.
#[derive(Clone, Debug)]
pub struct Transport {
    /// Where the service is.
    pub endpoint: Endpoint,
    /// How long a call may take, connecting included. Should be above the service's own 3 s.
    pub timeout: Duration,
    /// How many idle connections to keep: one for each call in flight.
    pub connections: usize,
    /// A private certificate authority, as PEM, trusted in addition to the system's.
    pub cacert: Option<Vec<u8>>,
}

/// Makes calls with one set of credentials, over a pool of connections.
pub struct Client {
    http: reqwest::Client,
    timeout: Duration,
    headers: HeaderMap,
    recall: Command,
    group_info: Command,
    credentials: Credentials,
    random: fastrand::Rng,
}

/// The URL of one of the service's commands.
struct Command {
    url: Url,
    /// The URL with its query except `random`, which each call adds.
    signed: Url,
}

impl Client {
    /// Returns a client that has not connected yet.
    ///
    /// # Errors
    /// If TLS can't be set up: this machine has no trusted roots, or `cacert` is not a certificate.
    pub fn new(transport: &Transport, credentials: Credentials) -> Result<Self> {
        // Fails only if an earlier call has installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(transport.connections)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        let roots = match &transport.cacert {
            Some(pem) => Certificate::from_pem_bundle(pem)
                .ok()
                .filter(|roots| !roots.is_empty())
                .ok_or_else(|| Error::usage("the file of --cacert has no PEM certificate"))?,
            None => Vec::new(),
        };
        if transport.endpoint.is_loopback() {
            // Loopback needs no proxy, and the system's roots take milliseconds to load.
            builder = builder.no_proxy().tls_certs_only(roots);
        } else {
            builder = builder.tls_certs_merge(roots);
        }
        let http = builder.build().map_err(|error| {
            Error::service("cannot set up TLS")
                .because(error.without_url())
                .hint("install the system's certificates (package ca-certificates), or name a file with --cacert")
        })?;
        let command = |path| Command::new(transport.endpoint.url(path), &credentials);
        let recall = command(RECALL);
        Ok(Self {
            http,
            timeout: transport.timeout,
            headers: headers(&recall.url),
            recall,
            group_info: command(GROUP_INFO),
            credentials,
            random: fastrand::Rng::new(),
        })
    }

    /// Returns the credentials of the calls.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Signs a fresh `UserSig` for the next calls. `now` is in Unix seconds.
    pub fn renew(&mut self, now: u64) {
        self.credentials.renew(now);
        self.recall.sign(&self.credentials);
        self.group_info.sign(&self.credentials);
    }

    /// Returns the call that recalls a row, as a future that borrows nothing. `written` gets `id`
    /// when the request goes to the socket.
    pub(crate) fn recall(
        &mut self,
        row: &Row,
        id: u64,
        written: Option<Written>,
    ) -> impl Future<Output = Reply> + use<> {
        let url = self.recall.url_of_call(&mut self.random);
        self.post(url, body(row), id, written)
            .map(|(reply, _)| reply)
    }

    /// Returns the call that asks for up to 50 groups, as [`recall`](Self::recall) does.
    pub(crate) fn group_info(
        &mut self,
        groups: &[String],
        id: u64,
        written: Option<Written>,
    ) -> impl Future<Output = GroupInfo> + use<> {
        let url = self.group_info.url_of_call(&mut self.random);
        self.post(url, groups::body(groups), id, written)
            .map(|(reply, text)| groups::read(reply, &text))
    }

    /// Returns the call, which resolves to its result and the text of the answer. These futures are
    /// small and not nested, as hundreds of them are in flight, and each is moved by value.
    fn post(
        &self,
        url: Url,
        body: Bytes,
        id: u64,
        written: Option<Written>,
    ) -> impl Future<Output = (Reply, Vec<u8>)> + use<> {
        let mut request = Request::new(Method::POST, url);
        *request.headers_mut() = self.headers.clone();
        *request.body_mut() = Some(reqwest::Body::wrap(Body {
            bytes: Some(body),
            id,
            written,
        }));
        let answer = self.http.execute(request);
        let usersig = self.credentials.usersig().clone();
        let timeout = self.timeout;
        async move {
            let mut timer = pin!(sleep(timeout));
            let (reply, text) = match in_time(timer.as_mut(), pin!(answer)).await {
                Some(Ok(response)) => in_time(timer, pin!(reply::read(response)))
                    .await
                    .unwrap_or_else(timed_out),
                Some(Err(error)) => (reply::fault(&error), Vec::new()),
                None => timed_out(),
            };
            (reply.presentable(&usersig), text)
        }
    }

    /// Returns a call as it would be sent, for display: without the secret.
    pub(crate) fn preview(&self, row: &Row) -> String {
        let mut url = signed(&self.recall.url, &self.credentials, "***");
        url.query_pairs_mut().append_pair("random", "***");
        let mut preview = format!("POST {url}\n");
        for c in String::from_utf8_lossy(&body(row)).chars() {
            // As JSON escapes it, so that the body means the same.
            if is_harmful(c) {
                write!(preview, "\\u{:04x}", u32::from(c)).expect("writing to a String can't fail");
            } else {
                preview.push(c);
            }
        }
        preview
    }
}

impl Command {
    fn new(url: Url, credentials: &Credentials) -> Self {
        Self {
            signed: signed(&url, credentials, credentials.usersig().expose()),
            url,
        }
    }

    fn sign(&mut self, credentials: &Credentials) {
        self.signed = signed(&self.url, credentials, credentials.usersig().expose());
    }

    fn url_of_call(&self, random: &mut fastrand::Rng) -> Url {
        let mut url = self.signed.clone();
        url.query_pairs_mut()
            .append_pair("random", &random.u32(..).to_string());
        url
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not `signed`, which contains the secret.
        f.debug_struct("Client")
            .field("url", &self.recall.url)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

/// Returns the output of `work`, or `None` if the timer fires first. If that is noticed late,
/// `work` gets a little more time.
async fn in_time<F: Future>(
    mut timer: Pin<&mut Sleep>,
    mut work: Pin<&mut F>,
) -> Option<F::Output> {
    loop {
        tokio::select! {
            biased;
            done = work.as_mut() => return Some(done),
            () = timer.as_mut() => {
                let now = Instant::now();
                if now.duration_since(timer.deadline()) < LATE {
                    return None;
                }
                timer.as_mut().reset(now + GRACE);
            }
        }
    }
}

fn timed_out() -> (Reply, Vec<u8>) {
    let reply = Reply {
        code: codes::TIMED_OUT,
        verdict: codes::look_up(codes::TIMED_OUT).verdict,
        info: "no answer in time".to_owned(),
    };
    (reply, Vec::new())
}

/// Returns the headers of every call. reqwest's default headers would be added again for each call.
fn headers(url: &Url) -> HeaderMap {
    let host = url.authority().parse();
    HeaderMap::from_iter([
        (HOST, host.expect("an authority is ASCII")),
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (ACCEPT, HeaderValue::from_static("*/*")),
        (USER_AGENT, HeaderValue::from_static(AGENT)),
    ])
}

/// Returns the URL of a call without its `random`.
fn signed(url: &Url, credentials: &Credentials, usersig: &str) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut()
        .append_pair("sdkappid", &credentials.app.to_string())
        .append_pair("identifier", &credentials.identifier)
        .append_pair("usersig", usersig)
        .append_pair("contenttype", "json");
    url
}

/// Returns the JSON of a call that recalls a row.
pub(crate) fn body(row: &Row) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Call<'a> {
        group_id: &'a str,
        #[serde(rename = "Sender_Account")]
        sender: &'a str,
        #[serde(skip_serializing_if = "str::is_empty")]
        topic_id: &'a str,
    }
    let call = Call {
        group_id: &row.group,
        sender: &row.sender,
        topic_id: &row.topic,
    };
    serde_json::to_vec(&call).expect("strings serialize").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(topic: &str) -> Row {
        Row {
            input: None,
            line: 2,
            group: "@TGS#1 \"x\"".to_owned(),
            sender: "leckie".to_owned(),
            topic: topic.to_owned(),
        }
    }

    #[test]
    fn the_host_header_has_a_port_unless_it_is_the_default() {
        for (url, host) in [
            (
                "https://adminapisgp.im.qcloud.com:443/v4",
                "adminapisgp.im.qcloud.com",
            ),
            ("https://recall.invalid:8443", "recall.invalid:8443"),
            ("http://[::1]:8080/v4", "[::1]:8080"),
        ] {
            let headers = headers(&url.parse().expect("a URL"));
            assert_eq!(headers[HOST], host);
        }
    }

    #[test]
    fn the_body_has_a_topic_only_if_the_row_has_one() {
        assert_eq!(
            body(&row("")),
            r#"{"GroupId":"@TGS#1 \"x\"","Sender_Account":"leckie"}"#
        );
        assert_eq!(
            body(&row("T")),
            r#"{"GroupId":"@TGS#1 \"x\"","Sender_Account":"leckie","TopicId":"T"}"#
        );
    }
}
