//! TLS: real clients, real files, and peers that do not play along.
#![cfg(feature = "tls")]

use std::fs;
use std::time::Duration;
use support::rpc;

use majordomo::grpc::ServerTls;
use majordomo::ping::{Ping, PingServer};
use majordomo::{GrpcServerOptions, ManagerOptions, OrderError, Reload, StageError};
use support::rpc::{Calls, options, ping, silent, start_call, until_closed};
use support::tls::{Authority, connect, put, shake, shown};
use support::{Folder, Observed, Probe, Registers, ms, observe, within};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio_rustls::rustls::version;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use tonic::transport::{CertificateDer, Endpoint};
use tonic::{Request, Response, Status};

fn with(tls: ServerTls) -> ManagerOptions {
    options().grpc_server(GrpcServerOptions::new().workers(2).tls(tls))
}

/// Answers a ping by telling what it knows of its peer.
struct Asked(mpsc::UnboundedSender<Known>);

struct Known {
    address: bool,
    info: bool,
    certificates: Option<Vec<CertificateDer<'static>>>,
}

#[tonic::async_trait]
impl Ping for Asked {
    async fn ping(&self, request: Request<()>) -> Result<Response<()>, Status> {
        let known = Known {
            address: request.remote_addr().is_some_and(|address| address.ip().is_loopback()),
            info: request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>().is_some(),
            certificates: request.peer_certs().map(|certificates| certificates.to_vec()),
        };
        self.0.send(known).unwrap_or_else(|_| panic!("nobody asks"));
        Ok(Response::new(()))
    }
}

/// A manager whose server answers pings by what it knows of the peer.
fn asked(options: ManagerOptions) -> (Observed, mpsc::UnboundedReceiver<Known>) {
    let (tell, told) = mpsc::unbounded_channel();
    let service = Registers::new("asked", move |on| on.add_service(PingServer::new(Asked(tell.clone()))));
    (observe(options.grpc_ping_service(false), |m| m.grpc_service(service)), told)
}

async fn end(mut observed: Observed) {
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn a_client_of_the_right_authority_is_served_and_handlers_see_its_address() {
    let (authority, other) = (Authority::new("a"), Authority::new("b"));
    let (observed, mut told) = asked(with(authority.sign("localhost").tls()));
    let address = observed.grpc_address().await;
    ping(connect(address, &authority, None).await.unwrap()).await.unwrap();
    let known = told.recv().await.unwrap();
    assert!(known.address && known.info && known.certificates.is_none());
    connect(address, &other, None).await.unwrap_err();
    end(observed).await;
}

#[actix::test]
async fn a_client_that_must_show_a_certificate_is_refused_without_and_handlers_see_it() {
    let (authority, clients, other) = (Authority::new("a"), Authority::new("b"), Authority::new("c"));
    let server = authority.sign("localhost").tls().client_ca_pem(clients.pem());
    let (observed, mut told) = asked(with(server));
    let address = observed.grpc_address().await;
    let mine = clients.sign("client");
    ping(connect(address, &authority, Some(&mine)).await.unwrap()).await.unwrap();
    let known = told.recv().await.unwrap();
    assert_eq!(known.certificates.unwrap(), std::slice::from_ref(&mine.der));
    assert!(known.address);
    for wrong in [None, Some(&other.sign("client"))] {
        // With TLS 1.3 a client hears of it only when it believes itself connected.
        if let Ok(channel) = connect(address, &authority, wrong).await {
            ping(channel).await.unwrap_err();
        }
    }
    assert!(told.try_recv().is_err());
    end(observed).await;
}

#[actix::test]
async fn a_client_may_do_without_a_certificate_where_it_is_optional_but_not_show_a_wrong_one() {
    let (authority, clients, other) = (Authority::new("a"), Authority::new("b"), Authority::new("c"));
    let server = authority.sign("localhost").tls();
    let server = server.client_ca_pem(clients.pem()).client_auth_optional(true);
    let (observed, mut told) = asked(with(server));
    let address = observed.grpc_address().await;
    let mine = clients.sign("client");
    for (identity, seen) in [(None, None), (Some(&mine), Some(vec![mine.der.clone()]))] {
        ping(connect(address, &authority, identity).await.unwrap()).await.unwrap();
        assert_eq!(told.recv().await.unwrap().certificates, seen);
    }
    if let Ok(channel) = connect(address, &authority, Some(&other.sign("client"))).await {
        ping(channel).await.unwrap_err();
    }
    end(observed).await;
}

#[actix::test]
async fn g01_files_that_cannot_be_used_are_refused_by_name_before_anything_starts() {
    let folder = Folder::new();
    let authority = Authority::new("a");
    let [certificate, key] = authority.sign("localhost").write(&folder);
    let other = authority.sign("localhost");
    let broken = "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (name, text) in [
        ("empty", ""),
        ("text", "no PEM"),
        ("broken", broken),
        ("nonsense", nonsense),
        ("other.key", &*other.key),
        ("encrypted", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"),
    ] {
        fs::write(folder.path(name), text).unwrap();
    }
    let at = |name: &str| folder.path(name);
    let good = || ServerTls::from_files(&certificate, &key);
    for (tls, words) in [
        (ServerTls::from_files(at("none"), &key), ["the certificate", "none", "No such file"]),
        (ServerTls::from_files(at("empty"), &key), ["the certificate", "empty", "it is empty"]),
        (ServerTls::from_files(at("text"), &key), ["the certificate", "text", "not PEM"]),
        (ServerTls::from_files(at("broken"), &key), ["the certificate", "broken", "broken PEM"]),
        (
            ServerTls::from_files(at("nonsense"), &key),
            ["the certificate", "nonsense", "invalid peer certificate"],
        ),
        (ServerTls::from_files(&key, &key), ["the certificate", "tls.key", "no certificate in it"]),
        (ServerTls::from_files(&certificate, at("none")), ["the private key", "none", "No such file"]),
        (
            ServerTls::from_files(&certificate, &certificate),
            ["the private key", "tls.crt", "no private key in it"],
        ),
        (
            ServerTls::from_files(&certificate, at("encrypted")),
            ["the private key", "encrypted", "it is encrypted"],
        ),
        (
            ServerTls::from_files(&certificate, at("other.key")),
            ["the private key", "other.key", "does not belong to"],
        ),
        (ServerTls::from_pem("", other.key.clone()), ["the certificate", "given as PEM", "it is empty"]),
        (good().client_ca_files([at("empty")]), ["the client CA", "empty", "it is empty"]),
        (good().client_ca_files([at("nonsense")]), ["the client CA", "nonsense", "invalid peer certificate"]),
        (good().client_ca_files([&key]), ["the client CA", "tls.key", "no certificate in it"]),
        (good().client_auth_optional(true), ["client_auth_optional", "true", "client CA"]),
        (good().reload_every(Duration::ZERO), ["reload_every", "0s", "some time"]),
        (other.tls().reload_every(ms(5)), ["reload_every", "5ms", "from_files"]),
    ] {
        let ended = observe(with(tls), |m| m).ended().await;
        ended.assert_exit_code(1);
        assert!(matches!(ended.error().setup(), Some(StageError::Config(_))), "{:?}", ended.result);
        let text = ended.error().to_string();
        for word in words {
            assert!(text.contains(word), "{word:?} is not in: {text}");
        }
    }
}

#[actix::test]
async fn new_files_are_for_new_connections_when_they_are_asked_for_and_bad_ones_change_nothing() {
    let folder = Folder::new();
    let authority = Authority::new("a");
    let (first, second) = (authority.sign("localhost"), authority.sign("localhost"));
    let [certificate, key] = first.write(&folder);
    let tls = ServerTls::from_files(certificate, key);
    let observed = observe(with(tls.clone()), |m| m);
    let address = observed.grpc_address().await;
    let early = connect(address, &authority, None).await.unwrap();
    ping(early.clone()).await.unwrap();

    second.write(&folder);
    assert_eq!(shown(address, &authority).await, first.der);
    tls.reload().unwrap();
    assert_eq!(shown(address, &authority).await, second.der);
    ping(early.clone()).await.unwrap();

    put(&folder, "tls.key", &first.key);
    let error = tls.reload().unwrap_err();
    assert!(error.to_string().contains("does not belong to"), "{error}");
    assert_eq!(shown(address, &authority).await, second.der);
    ping(early).await.unwrap();
    end(observed).await;
}

#[actix::test]
async fn g26_certificates_are_part_of_a_reload_and_bad_ones_refuse_it() {
    let folder = Folder::new();
    let authority = Authority::new("a");
    let (first, second) = (authority.sign("localhost"), authority.sign("localhost"));
    let [certificate, key] = first.write(&folder);
    let observed = observe(with(ServerTls::from_files(certificate, key)), |m| m);
    let address = observed.grpc_address().await;
    second.write(&folder);
    assert_eq!(shown(address, &authority).await, first.der);
    observed.manager.send(Reload).await.unwrap().unwrap();
    assert_eq!(shown(address, &authority).await, second.der);
    put(&folder, "tls.key", &first.key);
    let error = observed.manager.send(Reload).await.unwrap().unwrap_err();
    let OrderError::ReloadRefused { by } = &error else { panic!("{error}") };
    assert!(by.len() == 1 && by[0].contains("does not belong to"), "{by:?}");
    assert_eq!(shown(address, &authority).await, second.der);
    end(observed).await;
}

#[actix::test]
async fn files_that_have_changed_are_loaded_when_a_client_connects() {
    let folder = Folder::new();
    let (authority, clients) = (Authority::new("a"), Authority::new("b"));
    let (first, second) = (authority.sign("localhost"), authority.sign("localhost"));
    let [certificate, key] = first.write(&folder);
    put(&folder, "clients.crt", &Authority::new("nobody's").pem());
    let tls = ServerTls::from_files(certificate, key)
        .client_ca_files([folder.path("clients.crt")])
        .client_auth_optional(true)
        .reload_every(Duration::from_nanos(1));
    let observed = observe(with(tls), |m| m);
    let address = observed.grpc_address().await;
    assert_eq!(shown(address, &authority).await, first.der);
    // Half of it does not fit: the old ones go on until the other half is there.
    put(&folder, "tls.crt", &second.certificate);
    assert_eq!(shown(address, &authority).await, first.der);
    put(&folder, "tls.key", &second.key);
    assert_eq!(shown(address, &authority).await, second.der);
    fs::remove_file(folder.path("tls.key")).unwrap();
    assert_eq!(shown(address, &authority).await, second.der);
    put(&folder, "tls.key", &second.key);
    put(&folder, "clients.crt", &clients.pem());
    let mine = clients.sign("client");
    ping(connect(address, &authority, Some(&mine)).await.unwrap()).await.unwrap();
    end(observed).await;
}

#[actix::test]
async fn files_are_not_looked_at_before_their_time() {
    let folder = Folder::new();
    let authority = Authority::new("a");
    let first = authority.sign("localhost");
    let [certificate, key] = first.write(&folder);
    let tls = ServerTls::from_files(certificate, key).reload_every(Duration::from_secs(3600));
    let observed = observe(with(tls), |m| m);
    let address = observed.grpc_address().await;
    authority.sign("localhost").write(&folder);
    assert_eq!(shown(address, &authority).await, first.der);
    end(observed).await;
}

#[actix::test]
async fn peers_that_speak_no_tls_or_stall_cost_nobody_else_anything() {
    let authority = Authority::new("a");
    let server = GrpcServerOptions::new().workers(1).tls(authority.sign("localhost").tls());
    let observed = observe(options().grpc_server(server.handshake_timeout(ms(300))), |m| m);
    let address = observed.grpc_address().await;
    let mut stalled = Vec::new();
    for _ in 0..20 {
        // Nothing, the beginning of a hello, and no TLS.
        stalled.push(silent(address, "").await);
        stalled.push(silent(address, "\u{16}\u{3}\u{1}").await);
        until_closed(silent(address, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await).await;
    }
    let plain = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    ping(plain).await.unwrap_err();
    ping(connect(address, &authority, None).await.unwrap()).await.unwrap();
    for peer in stalled {
        until_closed(peer).await;
    }
    ping(connect(address, &authority, None).await.unwrap()).await.unwrap();
    end(observed).await;
}

#[actix::test]
async fn g08_a_peer_that_still_shakes_hands_does_not_hold_up_the_drain() {
    let authority = Authority::new("a");
    let mut observed = observe(with(authority.sign("localhost").tls()), |m| m);
    let address = observed.grpc_address().await;
    let peers = [silent(address, "").await, silent(address, "\u{16}\u{3}\u{1}").await];
    // It was accepted after them.
    ping(connect(address, &authority, None).await.unwrap()).await.unwrap();
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert!(ended.took.unwrap() < ms(900) + ended.soon(), "{:?}", ended.took);
    for peer in peers {
        until_closed(peer).await;
    }
}

#[actix::test]
async fn g08_a_call_in_flight_finishes_over_tls_during_the_drain() {
    let authority = Authority::new("a");
    let (calls, mut held) = Calls::new();
    let service = Probe::new("a", &support::Journal::default()).register_at_once(calls.register());
    let options = with(authority.sign("localhost").tls());
    let mut observed = observe(options, |m| m.service_and_grpc(service));
    let address = observed.grpc_address().await;
    let channel = connect(address, &authority, None).await.unwrap();
    let call = start_call(channel, "Hold");
    held.entered("Hold").await;
    observed.shut_down();
    rpc::refused(address).await;
    held.go.open();
    assert_eq!(within("the held call", call).await.unwrap().unwrap(), b"held");
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn only_h2_is_spoken_by_tls_1_2_and_1_3() {
    let authority = Authority::new("a");
    let observed = observe(with(authority.sign("localhost").tls()), |m| m);
    let address = observed.grpc_address().await;
    for version in [&version::TLS12, &version::TLS13] {
        let stream = shake(address, &authority, &["http/1.1", "h2"], &[version]).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        let (_sender, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        shake(address, &authority, &["http/1.1"], &[version]).await.unwrap_err();
        // Without any offer the handshake is over before it can be refused.
        if let Ok(mut stream) = shake(address, &authority, &[], &[version]).await {
            let read = within("the end", stream.read(&mut [0; 64])).await;
            assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
        }
        connection.abort();
    }
    end(observed).await;
}

#[actix::test]
async fn unix_sockets_beside_tls_do_without() {
    let folder = Folder::new();
    let path = folder.path("a");
    let authority = Authority::new("a");
    let addresses = ["127.0.0.1:0".to_owned(), format!("unix:{}", path.display())];
    let observed = observe(with(authority.sign("localhost").tls()).grpc_server_addresses(addresses), |m| m);
    let address = observed.grpc_address().await;
    ping(connect(address, &authority, None).await.unwrap()).await.unwrap();
    let plain = Endpoint::from_shared(format!("unix://{}", path.display())).unwrap();
    ping(plain.connect().await.unwrap()).await.unwrap();
    end(observed).await;
}
