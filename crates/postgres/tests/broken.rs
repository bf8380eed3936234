//! Servers that crash, hang or do not answer.

use std::time::Duration;

use majordomo::{LeaseError, LeaseStore};
use majordomo_postgres::PostgresLeases;
use support::replicas::{self, is_bounded, silent_server};

use crate::{client, leases, request, server, server_alone};

/// The server is killed, and starts again.
pub(crate) fn crash() {
    replicas::crash("DATABASE_RESTART", ".ci/postgres");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_server_that_crashed_keeps_leases_and_is_asked_by_a_new_connection() {
    let _server = server_alone().await;
    let both = ["a", "b"].map(|holder| request("crashed", holder));
    replicas::outlives_a_crash(&leases(), &leases(), both, crash).await;
}

#[tokio::test]
async fn g25_a_server_that_takes_connections_and_says_nothing_is_away_in_time() {
    let url = format!("postgres://castle@{}/postgres", silent_server());
    let store = PostgresLeases::from_url(&url).unwrap().connect_timeout(Duration::from_millis(300));
    let text = is_bounded(store.check()).await;
    assert!(text.contains("PostgreSQL at 127.0.0.1") && text.contains("not answered within 300ms"), "{text}");
    let text = is_bounded(store.release(&request("silent", "a"))).await;
    assert!(text.contains("not answered within 300ms"), "{text}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_statement_that_is_not_answered_holds_up_no_other() {
    let _server = server().await;
    let store = leases().statement_timeout(Duration::from_millis(300));
    let (locked, other) = (request("locked", "a"), request("other", "a"));
    store.acquire(&locked).await.unwrap();
    let mut client = client().await;
    let lock = client.transaction().await.unwrap();
    let row = "SELECT FROM majordomo_leases WHERE name = $1 FOR UPDATE";
    lock.query(row, &[&&*locked.name]).await.unwrap();
    let text = is_bounded(store.renew(&locked)).await;
    assert!(text.contains("not answered within 300ms") && text.contains("locks the table"), "{text}");
    // By another connection: the old one waits.
    store.acquire(&other).await.unwrap();
    // The same where whoever asks gives up.
    let patient = leases();
    patient.check().await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(300), patient.renew(&locked)).await.is_err());
    patient.renew(&other).await.unwrap();
    lock.rollback().await.unwrap();
    store.renew(&locked).await.unwrap();
    for request in [locked, other] {
        store.release(&request).await.unwrap();
    }
}

#[tokio::test]
async fn g25_a_server_that_is_not_there_is_away_and_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let store = PostgresLeases::from_url(&format!("postgres://castle:secret@{address}/shop")).unwrap();
    let error = store.check().await.expect_err("nobody is there");
    let text = error.to_string();
    assert!(matches!(error, LeaseError::Away(_)), "{error:?}");
    assert!(text.contains("PostgreSQL at 127.0.0.1/shop") && text.contains("refused"), "{text}");
    assert!(!text.contains("secret") && !format!("{store:?}").contains("secret"), "{text}");
}
