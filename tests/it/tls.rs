//! Who the service proves to be: verified by default, with a private authority where one is named.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::stage::{Place, rows};

const OK: &str = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#;

/// A service behind TLS, with a certificate that no authority of this machine has signed.
struct Private {
    address: SocketAddr,
    certificate: String,
    heard: Arc<AtomicUsize>,
}

impl Private {
    fn new() -> Self {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key.into())
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("localhost:0").unwrap();
        let service = Self {
            address: listener.local_addr().unwrap(),
            certificate: own.cert.pem(),
            heard: Arc::default(),
        };
        let heard = Arc::clone(&service.heard);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut tls = StreamOwned::new(connection, stream);
                let heard = Arc::clone(&heard);
                thread::spawn(move || {
                    // A call fits in a record; a handshake that is refused ends here.
                    while matches!(tls.read(&mut [0; 4096]), Ok(1..)) {
                        heard.fetch_add(1, Ordering::SeqCst);
                        let length = OK.len();
                        write!(
                            tls,
                            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{OK}"
                        )
                        .unwrap();
                    }
                });
            }
        });
        service
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    fn heard(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_stops_the_run_before_anything_is_sent() {
    let service = Private::new();
    let place = Place::with_rows(rows(3));
    let run = place.run("rows.csv").with(["--endpoint", &service.url()]);
    let finished = run.finish().exits(4);
    assert!(
        finished.stderr.contains("certificate is not to be trusted"),
        "{}",
        finished.stderr
    );
    assert_eq!(service.heard(), 0);
}

#[test]
fn a_private_authority_is_believed_when_it_is_named() {
    let service = Private::new();
    let place = Place::with_rows(rows(3));
    place.write("ca.pem", &service.certificate);
    let run = place.run("rows.csv").with(["--endpoint", &service.url()]);
    run.with(["--cacert", "ca.pem", "--concurrency", "1"])
        .finish()
        .exits(0);
    assert_eq!(service.heard(), 3);
}

#[test]
fn a_file_without_a_certificate_is_no_authority() {
    let service = Private::new();
    let place = Place::with_rows(rows(3));
    place.write("ca.pem", "not a certificate");
    let run = place.run("rows.csv").with(["--endpoint", &service.url()]);
    let finished = run.with(["--cacert", "ca.pem"]).finish().exits(2);
    assert!(finished.stderr.contains("--cacert"), "{}", finished.stderr);
}
