//! Many leases of one process are asked for in few statements.

use std::time::Duration;

use futures_util::future::join_all;
use majordomo::testing::ManagerSuite;
use majordomo::{Lease, LeaseError, LeaseRequest, LeaseStore, Manager, Run, ServiceSpec, restartable_fn};
use majordomo_postgres::PostgresLeases;
use tokio::time::timeout;
use tokio_postgres::Client;

use crate::{client, fresh_schema, leases, request, server};

/// Leases of a schema in which each statement that may change one is noted by its transaction.
async fn noted(client: &Client, name: &str) -> (PostgresLeases, String) {
    let schema = fresh_schema(client, name).await;
    let store = leases().schema(&schema).unwrap();
    store.check().await.unwrap();
    let noting = format!(
        "CREATE TABLE {schema}.noted (statement bigint); \
         CREATE FUNCTION {schema}.note() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN INSERT INTO {schema}.noted VALUES (txid_current()); RETURN NULL; END $$; \
         CREATE TRIGGER note AFTER INSERT OR UPDATE ON {schema}.majordomo_leases \
         FOR EACH STATEMENT EXECUTE FUNCTION {schema}.note()"
    );
    client.batch_execute(&noting).await.unwrap();
    (store, schema)
}

/// How many statements were noted since it was asked last.
async fn statements(client: &Client, schema: &str) -> i64 {
    let taken = format!(
        "WITH taken AS (DELETE FROM {schema}.noted RETURNING statement) SELECT count(DISTINCT statement) FROM taken"
    );
    client.query_one(&taken, &[]).await.unwrap().get(0)
}

fn requests(lease: &str, holder: &str, count: usize) -> Vec<LeaseRequest> {
    (0..count).map(|n| request(&format!("{lease}-{n}"), holder)).collect()
}

#[actix::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_thousand_leases_of_a_process_are_renewed_in_few_statements() {
    const MANY: usize = 1000;
    let _server = server().await;
    let client = client().await;
    let (store, schema) = noted(&client, "thousand").await;
    let service = |number: usize| {
        let service = restartable_fn(format!("service {number}"), |run: Run| async move {
            run.shutdown.requested().await;
            Ok(())
        });
        let lease = Lease::new(store.clone(), format!("lease {number}")).ttl(Duration::from_secs(12));
        ServiceSpec::new(service).stop_timeout(Duration::from_millis(300)).only_with(lease)
    };
    let manager = (0..MANY).map(service).fold(Manager::new(support::options()), Manager::service);
    let suite = ManagerSuite::launch(manager);
    suite.recorder().wait_for_times("run_started", MANY).await;
    let begun = statements(&client, &schema).await;

    // Until each was renewed once more than those that were renewed last.
    let renewed =
        format!("SELECT count(*) FROM {schema}.majordomo_leases WHERE ends > $1::text::timestamptz");
    let last = format!("SELECT max(ends)::text FROM {schema}.majordomo_leases");
    let last: String = client.query_one(&last, &[]).await.unwrap().get(0);
    let all_renewed = async {
        while client.query_one(&renewed, &[&last]).await.unwrap().get::<_, i64>(0) < MANY as i64 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(12), all_renewed).await.expect("each is renewed each 2 s");
    let renewals = statements(&client, &schema).await;
    suite.recorder().assert_none("lease_lost");
    suite.shutdown().await;
    let releases = statements(&client, &schema).await;
    println!(
        "{MANY} leases: {begun} statements to begin, {renewals} to renew all, {releases} to give all back"
    );
    assert!(renewals <= 30 && releases <= 100, "{renewals} and {releases}");
    let held = format!("SELECT count(*) FROM {schema}.majordomo_leases WHERE holder IS NOT NULL");
    assert_eq!(client.query_one(&held, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_of_leases_that_are_asked_for_together_each_has_its_own_answer() {
    let _server = server().await;
    let client = client().await;
    let (store, schema) = noted(&client, "together").await;
    let [mine, theirs] = ["mine", "theirs"].map(|holder| requests("together", holder, 6));
    let acquire = async |requests: Vec<&LeaseRequest>| {
        let asked = requests.into_iter().map(|request| store.acquire(request));
        let answers = join_all(asked).await.into_iter();
        answers.map(|answer| answer.map(|grant| grant.epoch)).collect::<Vec<_>>()
    };
    let taken = |answer: &Result<u64, LeaseError>, holder: &str| {
        matches!(answer, Err(LeaseError::Taken { by, left: Some(left) })
            if by == holder && *left > Duration::from_secs(50) && *left <= Duration::from_secs(60))
    };
    // Nobody has them yet, and there are no rows.
    let made = acquire(mine[..3].iter().chain(&theirs[3..]).collect()).await;
    assert!(made.iter().all(|answer| matches!(answer, Ok(1))), "{made:?}");
    statements(&client, &schema).await;

    let answers = acquire(theirs.iter().collect()).await;
    assert!(answers[..3].iter().all(|answer| taken(answer, "mine")), "{answers:?}");
    assert!(answers[3..].iter().all(|answer| matches!(answer, Ok(1))), "its own already: {answers:?}");
    assert_eq!(statements(&client, &schema).await, 1);

    let renewed = join_all(mine.iter().map(|request| store.renew(request))).await;
    assert!(renewed[..3].iter().all(Result::is_ok), "{renewed:?}");
    let is_taken = |answer| matches!(answer, &Err(LeaseError::Taken { ref by, .. }) if by == "theirs");
    assert!(renewed[3..].iter().all(is_taken), "{renewed:?}");

    statements(&client, &schema).await;
    join_all(mine[..3].iter().map(|request| store.release(request)))
        .await
        .into_iter()
        .for_each(Result::unwrap);
    assert_eq!(statements(&client, &schema).await, 1);
    let answers = acquire(theirs.iter().collect()).await;
    assert!(answers[..3].iter().all(|answer| matches!(answer, Ok(2))), "a new holder: {answers:?}");
    assert!(answers[3..].iter().all(|answer| matches!(answer, Ok(1))), "{answers:?}");
    assert_eq!(statements(&client, &schema).await, 1);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_lease_that_is_locked_or_given_up_holds_up_none_of_those_it_is_asked_with() {
    let _server = server().await;
    let (store, mut client) = (leases(), client().await);
    let held = requests("beside", "a", 4);
    for request in &held {
        store.acquire(request).await.unwrap();
    }
    let lock = client.transaction().await.unwrap();
    let row = "SELECT FROM majordomo_leases WHERE name = $1 FOR UPDATE";
    lock.query(row, &[&&*held[0].name]).await.unwrap();
    let mut locked = Box::pin(store.renew(&held[0]));
    let others = join_all(held[1..].iter().map(|request| store.renew(request)));
    tokio::select! {
        biased;
        answer = &mut locked => panic!("its row is locked: {answer:?}"),
        others = timeout(Duration::from_secs(4), others) => {
            others.expect("they wait for no lock").into_iter().for_each(Result::unwrap);
        }
    }
    lock.rollback().await.unwrap();
    locked.await.unwrap();

    // One of them is given up as soon as it has asked.
    let mut given_up = Box::pin(store.renew(&held[0]));
    let mut others = Box::pin(join_all(held[1..].iter().map(|request| store.renew(request))));
    tokio::select! {
        biased;
        answer = &mut given_up => panic!("at once: {answer:?}"),
        answers = &mut others => panic!("at once: {answers:?}"),
        () = std::future::ready(()) => drop(given_up),
    }
    others.await.into_iter().for_each(Result::unwrap);
    for request in &held {
        store.release(request).await.unwrap();
    }
}
