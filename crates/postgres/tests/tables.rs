//! The tables: made once, by whoever comes first, and of a version that is known.

use majordomo::{LeaseError, LeaseStore};
use majordomo_postgres::{PostgresLeases, migrations};
use support::replicas;

use crate::{client, fresh_schema, leases, request, server};

fn at(schema: &str) -> PostgresLeases {
    leases().schema(schema).unwrap()
}

async fn refused(schema: &str) -> String {
    match at(schema).check().await {
        Err(LeaseError::Refused(error)) => error.to_string(),
        answer => panic!("it is refused: {answer:?}"),
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_replicas_that_begin_at_once_make_the_tables_once() {
    let _server = server().await;
    let client = client().await;
    let schema = fresh_schema(&client, "at_once").await;
    let begun: Vec<_> = (0..16)
        .map(|_| {
            let store = at(&schema);
            tokio::spawn(async move { store.check().await })
        })
        .collect();
    for one in begun {
        one.await.unwrap().unwrap();
    }
    let made = format!("SELECT version, name FROM {schema}.majordomo_lease_migrations");
    let made = client.query_one(&made, &[]).await.unwrap();
    assert_eq!((made.get(0), made.get(1)), (1, "create_leases"));
}

#[actix::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_tables_of_another_version_are_refused_before_anything_runs() {
    let _server = server().await;
    let client = client().await;
    let schema = fresh_schema(&client, "newer").await;
    at(&schema).check().await.unwrap();
    let newer = format!("INSERT INTO {schema}.majordomo_lease_migrations VALUES (2, 'from_the_future')");
    client.batch_execute(&newer).await.unwrap();
    let text = refused(&schema).await;
    assert!(text.contains("has version 2 (from_the_future), and this program knows 1"), "{text}");
    assert!(
        text.contains(&format!("{schema}.majordomo_leases")) && text.contains("update this program"),
        "{text}"
    );
    replicas::is_refused(at(&schema), "from_the_future").await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_table_of_somebody_else_and_a_schema_that_is_not_there_are_refused() {
    let _server = server().await;
    let client = client().await;
    let schema = fresh_schema(&client, "foreign").await;
    client.batch_execute(&format!("CREATE TABLE {schema}.majordomo_leases (id int)")).await.unwrap();
    let text = refused(&schema).await;
    assert!(
        text.contains("is no table of leases of this program") && text.contains("another schema"),
        "{text}"
    );
    let text = refused("nowhere").await;
    assert!(text.contains("schema \"nowhere\" does not exist"), "{text}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_tables_that_were_made_by_hand_are_taken_by_a_role_that_may_make_none() {
    let _server = server().await;
    let client = client().await;
    let schema = fresh_schema(&client, "by_hand").await;
    for step in migrations() {
        client.batch_execute(&step.recorded(&schema)).await.unwrap();
    }
    let role = format!("clerk_{}", std::process::id());
    let rights = format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA {schema} TO {role}; \
         GRANT SELECT ON {schema}.majordomo_lease_migrations TO {role}; \
         GRANT SELECT, INSERT, UPDATE ON {schema}.majordomo_leases TO {role}"
    );
    client.batch_execute(&rights).await.unwrap();
    let url = crate::url().replace("castle@", &format!("{role}@"));
    let store = PostgresLeases::from_url(&url).unwrap().schema(&schema).unwrap();
    let request = request("by-hand", "a");
    assert_eq!(store.acquire(&request).await.unwrap().epoch, 1);
    store.renew(&request).await.unwrap();
    store.release(&request).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_grant_is_on_disk_before_it_is_told_whatever_the_default_is() {
    let _server = server().await;
    let client = client().await;
    let schema = fresh_schema(&client, "durable").await;
    at(&schema).check().await.unwrap();
    // What a commit of the statement would see is told by a trigger that notes it.
    let noting = format!(
        "CREATE TABLE {schema}.noted (setting text); \
         CREATE FUNCTION {schema}.note() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN INSERT INTO {schema}.noted VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER note AFTER INSERT OR UPDATE ON {schema}.majordomo_leases \
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {schema}.note()"
    );
    client.batch_execute(&noting).await.unwrap();
    for (default, wanted) in [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")] {
        let url = format!("{}?options=-csynchronous_commit%3D{default}", crate::url());
        let (store, request) =
            (PostgresLeases::from_url(&url).unwrap().schema(&schema).unwrap(), request(default, "a"));
        store.acquire(&request).await.unwrap();
        store.renew(&request).await.unwrap();
        store.release(&request).await.unwrap();
        // The same of two that are asked for together, once they have rows.
        let [one, other] = ["1", "2"].map(|pair| crate::request(&format!("{default}-{pair}"), "a"));
        for request in [&one, &other] {
            store.acquire(request).await.unwrap();
            store.release(request).await.unwrap();
        }
        tokio::try_join!(store.acquire(&one), store.acquire(&other)).unwrap();
        tokio::try_join!(store.renew(&one), store.renew(&other)).unwrap();
        tokio::try_join!(store.release(&one), store.release(&other)).unwrap();
        let noted =
            client.query(&format!("DELETE FROM {schema}.noted RETURNING setting"), &[]).await.unwrap();
        assert_eq!(noted.iter().map(|row| row.get(0)).collect::<Vec<&str>>(), [wanted; 13]);
    }
}
