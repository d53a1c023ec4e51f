//! TLS: certificates are verified by default, or against a private authority if one is given.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::stage::{Place, Service, rows};

/// A service behind TLS whose certificate no authority trusted by this machine has signed.
struct Private {
    service: Service,
    tunnel: SocketAddr,
    certificate: String,
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
        let service = Service::good();
        let address = service.address();
        let listener = TcpListener::bind("localhost:0").unwrap();
        let tunnel = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let tls = StreamOwned::new(connection, stream);
                // Fails if the handshake is refused or the connection ends.
                thread::spawn(move || drop(carry(tls, address)));
            }
        });
        Self {
            service,
            tunnel,
            certificate: own.cert.pem(),
        }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.tunnel.port())
    }
}

/// Forwards calls to the service and its answers back, one at a time.
fn carry(mut tls: StreamOwned<ServerConnection, TcpStream>, service: SocketAddr) -> io::Result<()> {
    // A call fits in one TLS record.
    let mut call = [0; 4096];
    let mut service = TcpStream::connect(service)?;
    while let length @ 1.. = tls.read(&mut call)? {
        service.write_all(&call[..length])?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let mut block = [0; 4096];
            let length = service.read(&mut block)?;
            if length == 0 {
                return Ok(());
            }
            answer.extend_from_slice(&block[..length]);
        }
        tls.write_all(&answer)?;
    }
    Ok(())
}

#[test]
fn an_untrusted_certificate_stops_the_run_before_anything_is_sent() {
    let private = Private::new();
    let place = Place::with_rows(rows(3));
    let run = place.run("rows.csv").with(["--endpoint", &private.url()]);
    let finished = run.finish().exits(4);
    finished.says("certificate is not trusted");
    assert_eq!(private.service.calls(), 0);
}

#[test]
fn a_private_authority_given_by_flag_is_trusted() {
    let private = Private::new();
    let place = Place::with_rows(rows(3));
    place.write("ca.pem", &private.certificate);
    let run = place.run("rows.csv").with(["--endpoint", &private.url()]);
    run.with(["--cacert", "ca.pem", "--concurrency", "1"])
        .finish()
        .exits(0);
    assert_eq!(private.service.calls(), 3);
}

#[test]
fn a_cacert_file_without_a_certificate_is_refused() {
    let private = Private::new();
    let place = Place::with_rows(rows(3));
    place.write("ca.pem", "not a certificate");
    let run = place.run("rows.csv").with(["--endpoint", &private.url()]);
    let finished = run.with(["--cacert", "ca.pem"]).finish().exits(2);
    finished.says("--cacert");
}
