//! `https` endpoints, with a real etcd that wants a certificate of each client.

use std::net::TcpListener;

use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};
use majordomo::clients::TlsFiles;
use majordomo::{LeaseError, LeaseStore};
use majordomo_etcd::{EtcdLeases, EtcdLeasesError};
use support::replicas::{self, away, refusal};
use support::tls::{Authority, StoreServer, put};
use support::{Folder, child, ms};

use crate::{endpoint, request, server};

const BY: &str = ".ci/etcd";

/// The server, whose certificate is of its address.
async fn start() -> StoreServer {
    StoreServer::start("ETCD_TLS", BY, "127.0.0.1").await
}

fn at() -> String {
    format!("https://127.0.0.1:{}", replicas::variable("ETCD_TLS_PORT", BY))
}

fn ca(server: &StoreServer) -> TlsFiles {
    TlsFiles::new().ca(server.path("ca.crt"))
}

fn files(server: &StoreServer) -> TlsFiles {
    ca(server).identity(server.path("client.crt"), server.path("client.key"))
}

fn leases(files: TlsFiles) -> EtcdLeases {
    EtcdLeases::new([at()]).unwrap().tls_files(files).unwrap()
}

#[tokio::test]
#[ignore = "needs an etcd"]
async fn g25_leases_are_kept_over_tls_with_files_or_with_etcd_clients_own_options() {
    let server = start().await;
    let signed = server.clients.sign("client");
    let own = TlsOptions::new()
        .ca_certificate(Certificate::from_pem(server.authority.pem()))
        .identity(Identity::from_pem(&signed.certificate, &signed.key));
    let options = ConnectOptions::new().with_tls(own);
    for store in [
        leases(files(&server)),
        // Neither takes the other away.
        leases(files(&server)).connect_options(ConnectOptions::new()),
        EtcdLeases::new([at()]).unwrap().connect_options(options),
    ] {
        store.check().await.unwrap();
        let a = request("over-tls", "a");
        store.acquire(&a).await.unwrap();
        store.renew(&a).await.unwrap();
        store.release(&a).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs an etcd"]
async fn g25_what_a_certificate_lacks_is_refused_by_name() {
    let server = start().await;
    put(&server.folder, "strange.crt", &Authority::new("strangers").pem());
    let strange = files(&server).ca(server.path("strange.crt"));
    let system = EtcdLeases::new([at()]).unwrap();
    for store in [leases(strange), system] {
        let text = refusal(store.check().await);
        assert!(text.contains("UnknownIssuer") && text.contains("EtcdLeases::tls_files"), "{text}");
        assert!(text.contains(&at()), "{text}");
    }
    // Of another name.
    // It reads its files for each connection.
    server.authority.sign("etcd.example").write(&server.folder);
    let text = refusal(leases(files(&server)).check().await);
    assert!(text.contains("not valid for name") && text.contains("EtcdLeases::tls_domain"), "{text}");
    let named = leases(files(&server)).tls_domain("etcd.example").unwrap();
    named.check().await.unwrap();
    // One that has ended.
    server.authority.sign_expired("127.0.0.1").write(&server.folder);
    let text = refusal(leases(files(&server)).check().await);
    assert!(text.contains("expired") && text.contains("renew the cluster's certificate"), "{text}");
}

#[tokio::test]
#[ignore = "needs an etcd"]
async fn g25_a_client_without_a_certificate_or_with_another_is_refused() {
    let server = start().await;
    let text = refusal(leases(ca(&server)).check().await);
    assert!(text.contains("alert") && text.contains("this program's certificate"), "{text}");
    server.client(&Authority::new("strangers").sign("certified"));
    let text = refusal(leases(files(&server)).check().await);
    assert!(text.contains("alert") && text.contains("this program's certificate"), "{text}");
}

#[tokio::test]
#[ignore = "needs an etcd"]
async fn g25_a_scheme_that_is_not_the_servers_is_told() {
    let _tls = start().await;
    let _server = server().await;
    let https = endpoint().replace("http://", "https://");
    let text = refusal(EtcdLeases::new([https]).unwrap().check().await);
    assert!(text.contains("answers without TLS") && text.contains("begins with http://"), "{text}");
    let http = at().replace("https://", "http://");
    let text = refusal(EtcdLeases::new([http]).unwrap().check().await);
    assert!(text.contains("answers with TLS") && text.contains("as https://"), "{text}");
}

#[tokio::test]
#[ignore = "needs an etcd"]
async fn g25_certificates_are_renewed_while_a_store_runs() {
    let server = start().await;
    let (store, a) = (leases(files(&server)), request("renewed", "a"));
    let granted = store.acquire(&a).await.unwrap();
    // The server's is another's, and with a new connection it wants other clients.
    let others = ["other servers", "other clients"].map(Authority::new);
    let [authority, clients] = &others;
    server.give(&authority.sign("127.0.0.1"), clients);
    let text = away(store.renew(&a).await);
    assert!(text.contains("UnknownIssuer"), "{text}");
    put(&server.folder, "ca.crt", &authority.pem());
    let text = away(store.renew(&a).await);
    assert!(text.contains("alert") && text.contains("this program's certificate"), "{text}");
    server.client(&clients.sign("client"));
    store.renew(&a).await.unwrap();
    assert_eq!(store.acquire(&a).await.unwrap(), granted);
    // A file that is gone is no reason to end either.
    std::fs::remove_file(server.folder.path("ca.crt")).unwrap();
    store.renew(&a).await.unwrap();
    server.give(&authority.sign("127.0.0.1"), clients);
    let text = away(store.renew(&a).await);
    assert!(text.contains("ca.crt cannot be used: No such file"), "{text}");
    put(&server.folder, "ca.crt", &authority.pem());
    store.release(&a).await.unwrap();
}

#[actix::test]
#[ignore = "needs an etcd"]
async fn g25_a_manager_outlasts_a_wrong_certificate_and_runs_once_it_is_mended() {
    let server = start().await;
    put(&server.folder, "ca.crt", &Authority::new("strangers").pem());
    let store = leases(files(&server));
    let lease = format!("mended-{}", std::process::id());
    // Whoever starts with it is told.
    replicas::is_refused(store.clone(), "UnknownIssuer").await;
    let mend = || put(&server.folder, "ca.crt", &server.authority.pem());
    replicas::runs_once_mended(store, &lease, "UnknownIssuer", mend).await;
}

#[tokio::test]
async fn g25_a_handshake_that_breaks_off_is_away() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for came in listener.incoming() {
            // The client begins.
            std::io::Read::read_exact(&mut came.unwrap(), &mut [0; 5]).unwrap();
        }
    });
    let folder = Folder::new();
    put(&folder, "ca.crt", &Authority::new("servers").pem());
    let files = TlsFiles::new().ca(folder.path("ca.crt"));
    let store = EtcdLeases::new([endpoint.as_str()]).unwrap().tls_files(files).unwrap();
    let text = away(store.check().await);
    assert!(text.contains(&endpoint), "{text}");
    let endpoint = format!("https://{}", replicas::silent_server());
    let files = TlsFiles::new().ca(folder.path("ca.crt"));
    let store = EtcdLeases::new([endpoint]).unwrap().tls_files(files).unwrap().answer_timeout(ms(300));
    let text = replicas::is_bounded(store.check()).await;
    assert!(text.contains("not answered within 300ms"), "{text}");
}

#[test]
fn g25_files_and_names_that_cannot_be_used_are_refused_before_anything_connects() {
    let folder = Folder::new();
    let authority = Authority::new("servers");
    let [certificate, key] = authority.sign("client").write(&folder);
    put(&folder, "other.key", &authority.sign("client").key);
    let https = || EtcdLeases::new(["https://etcd:2379"]).unwrap();
    for (files, why) in [
        (TlsFiles::new().ca(folder.path("nowhere.crt")), "nowhere.crt cannot be used: No such file"),
        (TlsFiles::new().ca(&key), "there is no certificate in it"),
        (
            TlsFiles::new().identity(&certificate, folder.path("other.key")),
            "other.key cannot be used: it does not belong to",
        ),
    ] {
        let error = https().tls_files(files).expect_err("they cannot be used");
        let text = error.to_string();
        assert!(text.contains(why) && text.contains("etcd at https://etcd:2379"), "{text}");
    }
    let text = https().tls_domain("no name").expect_err("it is none").to_string();
    assert!(text.contains("\"no name\" is no name of a certificate"), "{text}");
    let plain = EtcdLeases::new(["http://etcd:2379"]).unwrap();
    for refused in [plain.clone().tls_files(TlsFiles::new()), plain.tls_domain("etcd.example")] {
        let error = refused.expect_err("it has no TLS");
        assert!(matches!(&error, EtcdLeasesError::Endpoint { .. }), "{error:?}");
        assert!(error.to_string().contains("https:// is with"), "{error}");
    }
    let mixed = EtcdLeases::new(["https://a:2379", "http://b:2379"]).expect_err("both are not to be had");
    assert!(mixed.to_string().contains("http://b:2379") && mixed.to_string().contains("for all"), "{mixed}");
}

/// What `check` says in a process with another file of the system's authorities.
fn with_system(folder: &Folder, file: &str, endpoint: &str) -> String {
    let mut command = child::this();
    command.env("SSL_CERT_FILE", folder.path(file)).env_remove("SSL_CERT_DIR");
    command.env("MAJORDOMO_TEST_ENDPOINT", endpoint).env("MAJORDOMO_TEST_FOLDER", folder.path(""));
    let (status, out, _) = child::output(command, module_path!(), "check");
    assert!(status.success(), "{out}");
    out
}

#[tokio::test]
#[ignore = "needs an etcd"]
async fn g25_an_authority_that_the_system_knows_is_trusted() {
    let server = start().await;
    let out = with_system(&server.folder, "ca.crt", &at());
    assert!(out.contains("child: Ok(())"), "{out}");
    put(&server.folder, "none.crt", "");
    let out = with_system(&server.folder, "none.crt", &at());
    assert!(out.contains("child: Err(Refused(") && out.contains("ca-certificates"), "{out}");
}

#[tokio::test]
async fn child_program() {
    if child::program().is_none() {
        return;
    }
    let folder = std::path::PathBuf::from(std::env::var("MAJORDOMO_TEST_FOLDER").unwrap());
    let files = TlsFiles::new().identity(folder.join("client.crt"), folder.join("client.key"));
    let endpoint = std::env::var("MAJORDOMO_TEST_ENDPOINT").unwrap();
    let store = EtcdLeases::new([endpoint]).unwrap().tls_files(files).unwrap();
    let checked: Result<(), LeaseError> = store.check().await;
    println!("\nchild: {checked:?}");
}
