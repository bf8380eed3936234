//! A connection over TLS, in paused time.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Bytes;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::grpc::GrpcServerOptions;
use crate::grpc::call::connect_info::addresses;
use crate::grpc::tests::peer::{alone, serving};
use crate::grpc::tests::probe::{MEDIUM, Probed};
use crate::server::connection::serve::serve;
use crate::server::connection::state::Connection;
use crate::server::state::WorkerState;
use crate::server::tls::ServerTls;
use crate::server::tls::samples::VALID;

#[tokio::test(start_paused = true)]
async fn g08_an_answer_that_tls_holds_back_is_sent_whole_to_a_slow_reader() {
    let mut roots = RootCertStore::empty();
    roots.add(VALID.der()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = ServerTls::from_pem(VALID.certificate, VALID.key);
    tls.reload().unwrap();
    // The answer is larger than what is under way between them.
    let (near, far) = tokio::io::duplex(1024);
    let (near, far) = tokio::join!(
        TlsConnector::from(Arc::new(client)).connect(ServerName::try_from("localhost").unwrap(), near),
        TlsAcceptor::from(tls.current().await.unwrap()).accept(far),
    );

    let mut probed = Probed::new();
    let worker = Arc::new(WorkerState::default());
    let http = alone(&worker.options);
    let router = probed.probe.router();
    let connection = Connection::new(Arc::clone(&worker));
    let served = tokio::spawn(serve(
        far.unwrap(),
        addresses(None, None),
        http,
        serving(router, &GrpcServerOptions::new()),
        connection,
    ));
    let (mut sender, mut connection) = h2::client::handshake(near.unwrap()).await.unwrap();
    let request = Request::post("http://test/test.Probe/Medium")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap();
    let (response, mut request) = sender.send_request(request, false).unwrap();
    request.send_data(Bytes::from_static(&[0; 5]), true).unwrap();
    tokio::select! {
        _ = &mut connection => panic!("the connection ended"),
        _ = probed.entered.recv() => {}
    }

    // From here on the peer reads nothing; the server does what it can, and the drain begins.
    tokio::time::sleep(Duration::from_secs(1)).await;
    worker.drain(None);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!served.is_finished());
    tokio::spawn(connection);
    let mut body = response.await.unwrap().into_body();
    let mut got = 0;
    while let Some(data) = body.data().await {
        got += data.unwrap().len();
    }
    assert!(got > MEDIUM);
    assert_eq!(body.trailers().await.unwrap().unwrap()["grpc-status"], "0");
    served.await.unwrap();
}
