//! TLS as URLs say it, with a real server that takes nobody without.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use majordomo::{LeaseError, LeaseStore};
use majordomo_postgres::{PostgresLeases, PostgresLeasesError};
use support::replicas::{self, away, is_bounded, refusal};
use support::tls::{Authority, StoreServer, put};
use support::{Folder, child};

use crate::{request, server, url};

const BY: &str = ".ci/postgres";
const FULL: &str = "sslmode=verify-full&sslrootcert=:ca";
const SHOWN: &str = "sslcert=:certificate&sslkey=:key";

/// The server, whose certificate is of `localhost`.
async fn start() -> StoreServer {
    StoreServer::start("DATABASE_TLS", BY, "localhost").await
}

/// Its URL, for a user, by the name that its certificate has.
fn at(server: &StoreServer, user: &str, of_tls: &str) -> String {
    let port = replicas::variable("DATABASE_TLS_PORT", BY);
    let files = [(":ca", "ca.crt"), (":certificate", "client.crt"), (":key", "client.key")];
    let of_tls =
        files.iter().fold(of_tls.to_owned(), |text, (name, file)| text.replace(name, &server.path(file)));
    format!("postgres://{user}@localhost:{port}/postgres?hostaddr=127.0.0.1&{of_tls}")
}

fn leases(server: &StoreServer, user: &str, of_tls: &str) -> PostgresLeases {
    let url = at(server, user, of_tls);
    PostgresLeases::from_url(&url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_sslmode_is_done_and_what_a_certificate_lacks_is_refused_by_name() {
    let server = start().await;
    let strange = Authority::new("strangers");
    put(&server.folder, "strange.crt", &strange.pem());
    let strange = format!("sslrootcert={}", server.path("strange.crt"));
    for of_tls in [
        // By default it is preferred.
        "",
        "sslmode=prefer",
        "sslmode=require",
        "sslmode=require&sslrootcert=:ca",
        "sslmode=verify-ca&sslrootcert=:ca",
        "sslmode=verify-full&sslrootcert=:ca",
        "sslmode=require&channel_binding=prefer",
    ] {
        let store = leases(&server, "castle", of_tls);
        store.check().await.unwrap_or_else(|error| panic!("{of_tls}: {error}"));
    }
    let refused = [
        ("sslmode=disable".to_owned(), "no encryption", "see to the user"),
        (format!("sslmode=verify-full&{strange}"), "UnknownIssuer", "by sslrootcert=FILE"),
        (format!("sslmode=verify-ca&{strange}"), "UnknownIssuer", "by sslrootcert=FILE"),
        (format!("sslmode=require&{strange}"), "UnknownIssuer", "by sslrootcert=FILE"),
        // No public authority has signed it.
        ("sslmode=verify-full".to_owned(), "UnknownIssuer", "by sslrootcert=FILE"),
    ];
    for (of_tls, why, mend) in refused {
        let text = refusal(leases(&server, "castle", &of_tls).check().await);
        assert!(text.contains(why) && text.contains(mend), "{of_tls}: {text}");
        assert!(text.contains("PostgreSQL at localhost/postgres"), "{of_tls}: {text}");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_certificate_of_another_name_is_refused_by_verify_full_alone() {
    let server = start().await;
    let by_address = |of_tls: &str| {
        let url = at(&server, "castle", of_tls).replace("@localhost:", "@127.0.0.1:");
        PostgresLeases::from_url(&url).unwrap()
    };
    by_address("sslmode=verify-ca&sslrootcert=:ca").check().await.unwrap();
    let text = refusal(by_address(FULL).check().await);
    assert!(text.contains("not valid for name") && text.contains("as the certificate calls it"), "{text}");
    // Where no name is given, the address is one.
    let port = replicas::variable("DATABASE_TLS_PORT", BY);
    let ca = server.path("ca.crt");
    let unnamed = format!(
        "user=castle dbname = postgres hostaddr=127.0.0.1 port={port} sslmode='verify-full' sslrootcert={ca}"
    );
    refusal(PostgresLeases::from_url(&unnamed).unwrap().check().await);
    server.give(&server.authority.sign("127.0.0.1"), &server.clients);
    PostgresLeases::from_url(&unnamed).unwrap().check().await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_certificate_that_has_ended_is_refused() {
    let server = start().await;
    server.give(&server.authority.sign_expired("localhost"), &server.clients);
    let text = refusal(leases(&server, "castle", FULL).check().await);
    assert!(text.contains("expired") && text.contains("renew the server's certificate"), "{text}");
    leases(&server, "castle", "sslmode=require").check().await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_client_shows_its_certificate_and_another_is_refused() {
    let server = start().await;
    let text = refusal(leases(&server, "certified", FULL).check().await);
    assert!(text.contains("requires a valid client certificate"), "{text}");
    let store = leases(&server, "certified", &format!("{FULL}&{SHOWN}"));
    store.check().await.unwrap();
    let text = refusal(leases(&server, "certified", &format!("sslmode=disable&{SHOWN}")).check().await);
    assert!(text.contains("no encryption"), "{text}");
    server.client(&Authority::new("strangers").sign("certified"));
    let text = refusal(leases(&server, "certified", &format!("{FULL}&{SHOWN}")).check().await);
    assert!(text.contains("alert") && text.contains("sslcert and sslkey"), "{text}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_password_is_bound_to_the_connection() {
    let server = start().await;
    let of_tls = "sslmode=verify-full&sslrootcert=:ca&channel_binding=require";
    leases(&server, "guarded:right", of_tls).check().await.unwrap();
    let text = refusal(leases(&server, "guarded:wrong", of_tls).check().await);
    assert!(text.contains("password authentication failed"), "{text}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_server_without_tls_is_refused_where_tls_is_required() {
    let _server = server().await;
    let with = |mode: &str| PostgresLeases::from_url(&format!("{}?sslmode={mode}", url())).unwrap();
    with("prefer").check().await.unwrap();
    for mode in ["require", "verify-full"] {
        let text = refusal(with(mode).check().await);
        assert!(text.contains("server does not support TLS") && text.contains("switch its TLS on"), "{text}");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_certificates_are_renewed_while_a_store_runs() {
    let server = start().await;
    let of_tls = format!("{FULL}&{SHOWN}");
    let (store, a) = (leases(&server, "certified", &of_tls), request("renewed", "a"));
    let granted = store.acquire(&a).await.unwrap();
    // Both sides change theirs, the server first.
    let others = ["other servers", "other clients"].map(Authority::new);
    let [authority, clients] = &others;
    server.give(&authority.sign("localhost"), clients);
    let text = away(store.renew(&a).await);
    assert!(text.contains("UnknownIssuer"), "{text}");
    put(&server.folder, "ca.crt", &authority.pem());
    let text = away(store.renew(&a).await);
    assert!(text.contains("alert") && text.contains("sslcert and sslkey"), "{text}");
    server.client(&clients.sign("certified"));
    store.renew(&a).await.unwrap();
    assert_eq!(store.acquire(&a).await.unwrap(), granted);
    // A file that is gone is no reason to end either.
    std::fs::remove_file(server.folder.path("ca.crt")).unwrap();
    store.renew(&a).await.unwrap();
    server.give(&authority.sign("localhost"), clients);
    let text = away(store.renew(&a).await);
    assert!(text.contains("ca.crt cannot be used: No such file"), "{text}");
    put(&server.folder, "ca.crt", &authority.pem());
    store.release(&a).await.unwrap();
}

#[actix::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_manager_outlasts_a_wrong_certificate_and_runs_once_it_is_mended() {
    let server = start().await;
    put(&server.folder, "ca.crt", &Authority::new("strangers").pem());
    let store = leases(&server, "castle", FULL);
    let lease = format!("mended-{}", std::process::id());
    // Whoever starts with it is told.
    replicas::is_refused(store.clone(), "UnknownIssuer").await;
    let mend = || put(&server.folder, "ca.crt", &server.authority.pem());
    replicas::runs_once_mended(store, &lease, "UnknownIssuer", mend).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_releases_are_heard_over_tls() {
    let server = start().await;
    let listening = || leases(&server, "castle", FULL).listening_at(&at(&server, "castle", FULL));
    listening().unwrap().check().await.unwrap();
    leases(&server, "castle", FULL).listening().check().await.unwrap();
    put(&server.folder, "other.crt", &Authority::new("strangers").pem());
    let other = FULL.replace(":ca", &server.path("other.crt"));
    let store = leases(&server, "castle", FULL).listening_at(&at(&server, "castle", &other)).unwrap();
    let text = refusal(store.check().await);
    assert!(text.contains("UnknownIssuer"), "{text}");
}

/// One that says it has TLS, and then this.
fn broken_server(then: &'static [u8]) -> String {
    use std::io::{Read, Write};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for came in listener.incoming() {
            let mut came = came.unwrap();
            came.read_exact(&mut [0; 8]).unwrap();
            came.write_all(b"S").unwrap();
            // The client begins.
            came.read_exact(&mut [0; 5]).unwrap();
            came.write_all(then).unwrap();
        }
    });
    format!("postgres://castle@{address}/postgres?sslmode=require")
}

#[tokio::test]
async fn g25_a_handshake_that_breaks_off_is_away_and_one_of_something_else_is_refused() {
    let store = PostgresLeases::from_url(&broken_server(b"")).unwrap();
    let text = away(store.check().await);
    assert!(text.contains("error performing TLS handshake"), "{text}");
    let store = PostgresLeases::from_url(&broken_server(b"HTTP/1.1 400 Bad Request\r\n\r\n")).unwrap();
    let text = refusal(store.check().await);
    assert!(text.contains("TLS 1.2 or 1.3"), "{text}");
    // One that hangs in it.
    let url = format!("postgres://castle@{}/postgres?sslmode=require", replicas::silent_server());
    let store = PostgresLeases::from_url(&url).unwrap().connect_timeout(Duration::from_millis(300));
    let text = is_bounded(store.check()).await;
    assert!(text.contains("not answered within 300ms"), "{text}");
}

fn error_of(of_tls: &str) -> PostgresLeasesError {
    let url = format!("postgres://shop:secret@db/shop?{of_tls}");
    PostgresLeases::from_url(&url).expect_err("it cannot be used")
}

#[test]
fn g25_files_that_cannot_be_used_are_refused_before_anything_connects() {
    let folder = Folder::new();
    let authority = Authority::new("servers");
    let [certificate, key] = authority.sign("shop").write(&folder);
    put(&folder, "other.key", &authority.sign("shop").key);
    put(&folder, "none.crt", "none");
    let at = |path: &Path| path.display().to_string();
    let identity = |certificate: &Path, key: &Path| format!("sslcert={}&sslkey={}", at(certificate), at(key));
    for (of_tls, why) in [
        (
            format!("sslrootcert={}", at(&folder.path("nowhere.crt"))),
            "nowhere.crt cannot be used: No such file",
        ),
        (format!("sslrootcert={}", at(&folder.path("none.crt"))), "none.crt cannot be used: it is not PEM"),
        (identity(&certificate, &folder.path("nowhere.key")), "nowhere.key cannot be used: No such file"),
        (
            identity(&certificate, &folder.path("other.key")),
            "other.key cannot be used: it does not belong to",
        ),
        (identity(&key, &key), "there is no certificate in it"),
    ] {
        let error = error_of(&of_tls);
        let text = error.to_string();
        assert!(matches!(error, PostgresLeasesError::Tls { .. }), "{error:?}");
        assert!(text.contains(why) && text.contains("PostgreSQL at db/shop"), "{of_tls}: {text}");
        assert!(!text.contains("secret"), "{text}");
    }
    // What is not to be used is not looked at.
    PostgresLeases::from_url("postgres://db/shop?sslmode=disable&sslrootcert=/nowhere").unwrap();
}

/// What `from_url` and `check` say in a process with another file of the system's authorities.
fn with_system(file: &str, url: &str) -> String {
    let mut command = child::this();
    command.env("SSL_CERT_FILE", file).env_remove("SSL_CERT_DIR").env("MAJORDOMO_TEST_URL", url);
    let (status, out, _) = child::output(command, module_path!(), "check");
    assert!(status.success(), "{out}");
    out
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_an_authority_that_the_system_knows_is_trusted_by_verify_full() {
    let server = start().await;
    put(&server.folder, "none.crt", "");
    let url = |of_tls| at(&server, "castle", of_tls);
    for of_tls in ["sslmode=verify-full", "sslrootcert=system"] {
        let out = with_system(&server.path("ca.crt"), &url(of_tls));
        assert!(out.contains("child: Ok(())"), "{out}");
    }
    let out = with_system(&server.path("none.crt"), &url("sslmode=verify-full"));
    assert!(out.contains("the system's authorities cannot be used"), "{out}");
    assert!(out.contains("sslrootcert=FILE"), "{out}");
}

#[tokio::test]
async fn child_program() {
    if child::program().is_none() {
        return;
    }
    let checked = match PostgresLeases::from_url(&std::env::var("MAJORDOMO_TEST_URL").unwrap()) {
        Ok(store) => store.check().await,
        Err(error) => Err(LeaseError::from(error)),
    };
    println!("\nchild: {checked:?}");
}
