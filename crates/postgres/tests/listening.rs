//! Releases are told of, and heard: another has the lease at once.

use std::time::Duration;

use majordomo::{LeaseError, LeaseStore};
use majordomo_postgres::PostgresLeases;
use support::replicas;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::Client;

use crate::{client, leases, pooler, request, server, url};

/// What is told comes in milliseconds; a machine that is busy may take longer.
const SOON: Duration = Duration::from_secs(5);

/// By connections of that name.
fn named(name: &str) -> PostgresLeases {
    PostgresLeases::from_url(&format!("{}?application_name={name}", url())).unwrap()
}

fn listening(name: &str) -> PostgresLeases {
    named(name).listening()
}

/// Watches another's lease.
fn watch(store: &PostgresLeases, lease: &str) -> JoinHandle<()> {
    let (store, request) = (store.clone(), request(lease, "b"));
    tokio::spawn(async move { store.watch(&request).await })
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(SOON, what).await.expect("it is told of")
}

/// The server's process of the connection of that name that has executed such a statement last, once that is another than before.
async fn process(client: &Client, name: &str, statement: &str, before: Option<i32>) -> i32 {
    let asked = "SELECT pid FROM pg_stat_activity \
                 WHERE application_name = $1 AND query LIKE $2 || ' %' AND state = 'idle'";
    let found = async {
        loop {
            let rows = client.query(asked, &[&name, &statement]).await.unwrap();
            if let [row] = &rows[..]
                && Some(row.get(0)) != before
            {
                return row.get(0);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(found).await
}

async fn listener(client: &Client, name: &str, before: Option<i32>) -> i32 {
    process(client, name, "LISTEN", before).await
}

#[actix::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_lease_that_is_given_back_is_anothers_at_once_where_it_listens() {
    let _server = server().await;
    let (store, client) = (named("told"), client().await);
    // Without being told the other would ask after 10 s.
    let (ttl, lease) = (Duration::from_secs(60), format!("told-{}", std::process::id()));
    let took = replicas::takes_over(store.listening(), &lease, ttl, async || {
        listener(&client, "told", None).await;
        // It has looked whether the lease is free, which it was not.
        process(&client, "told", "SELECT FROM", None).await;
    });
    let took = took.await;
    println!("asked to stop: another runs after {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_one_connection_listens_for_all_leases_and_tells_those_that_were_given_back() {
    let _server = server().await;
    let (store, client) = (listening("for_all"), client().await);
    let held: Vec<_> = (0..20).map(|n| request(&format!("of-all-{n}"), "a")).collect();
    for request in &held {
        store.acquire(request).await.unwrap();
    }
    let mut watches: Vec<_> = (0..20).map(|n| watch(&store, &format!("of-all-{n}"))).collect();
    listener(&client, "for_all", None).await;
    store.release(&held[7]).await.unwrap();
    soon(watches.remove(7)).await.unwrap();
    // One that was free before anybody listened.
    soon(watch(&store, "of-all-7")).await.unwrap();
    assert!(watches.iter().all(|watch| !watch.is_finished()), "the others' leases are taken");
    for (watch, request) in watches.into_iter().zip(held.iter().filter(|one| **one != held[7])) {
        store.release(request).await.unwrap();
        soon(watch).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_connection_that_was_cut_listens_again_and_misses_nothing() {
    let _server = server().await;
    let (store, client) = (listening("cut"), client().await);
    let [first, second] = ["cut-1", "cut-2"].map(|lease| request(lease, "a"));
    for request in [&first, &second] {
        store.acquire(request).await.unwrap();
    }
    let watches = [watch(&store, "cut-1"), watch(&store, "cut-2")];
    let pid = listener(&client, "cut", None).await;
    // In one transaction: it is told of when nobody listens.
    let cut = format!(
        "SELECT pg_terminate_backend({pid}, 5000); \
         UPDATE majordomo_leases SET holder = NULL WHERE name = '{name}'; \
         SELECT pg_notify('majordomo_leases', 'public/{name}')",
        name = first.name
    );
    client.batch_execute(&cut).await.unwrap();
    let [first, kept] = watches;
    soon(first).await.unwrap();
    listener(&client, "cut", Some(pid)).await;
    assert!(!kept.is_finished(), "its lease is taken");
    store.release(&second).await.unwrap();
    soon(kept).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_watch_that_is_given_up_leaves_the_others() {
    let _server = server().await;
    let (store, client) = (listening("given_up"), client().await);
    let held = request("given-up", "a");
    store.acquire(&held).await.unwrap();
    let watches = [watch(&store, "given-up"), watch(&store, "given-up")];
    listener(&client, "given_up", None).await;
    let [one, other] = watches;
    one.abort();
    assert!(one.await.unwrap_err().is_cancelled());
    store.release(&held).await.unwrap();
    soon(other).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL and a PgBouncer"]
async fn g25_a_release_through_a_pooler_is_heard_at_the_server_itself() {
    let _server = server().await;
    let pooled = || PostgresLeases::from_url(&pooler()).unwrap();
    let store = pooled().listening_at(&url()).unwrap();
    store.check().await.unwrap();
    let held = request("pooled", "a");
    store.acquire(&held).await.unwrap();
    let watch = watch(&store, "pooled");
    pooled().release(&held).await.unwrap();
    soon(watch).await.unwrap();

    // By the pooler nothing is heard: that is told before anything runs.
    let deaf = pooled().listening().statement_timeout(Duration::from_millis(500));
    match deaf.check().await {
        Err(LeaseError::Refused(error)) => {
            let text = error.to_string();
            assert!(text.contains("a pooler") && text.contains("listening_at"), "{text}");
        }
        answer => panic!("it is refused: {answer:?}"),
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_an_address_to_listen_at_that_cannot_be_used_is_told_by_a_check() {
    let _server = server().await;
    let error = leases().listening_at("dbname=shop").expect_err("no host").to_string();
    assert!(error.contains("names no host"), "{error}");
    let nowhere = url().replace("/postgres", "/nowhere");
    let error = leases().listening_at(&nowhere).unwrap().check().await.expect_err("there is none");
    assert!(matches!(error, LeaseError::Refused(_)), "{error:?}");
    leases().listening().check().await.unwrap();
}
