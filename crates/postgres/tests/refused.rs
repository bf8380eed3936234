//! What can never work is refused, by name and with a way out.

use std::time::Duration;

use majordomo::{LeaseError, LeaseStore};
use majordomo_postgres::PostgresLeases;
use support::replicas;

use crate::{client, leases, pooler, server, url};

async fn refused(store: &PostgresLeases) -> String {
    match store.check().await {
        Err(LeaseError::Refused(error)) => error.to_string(),
        answer => panic!("it is refused: {answer:?}"),
    }
}

/// The URL of a role that needs a password.
async fn guarded(password: &str) -> String {
    let made =
        "DO $$ BEGIN CREATE ROLE guarded LOGIN PASSWORD 'right'; EXCEPTION WHEN OTHERS THEN NULL; END $$";
    client().await.batch_execute(made).await.unwrap();
    url().replace("castle@", &format!("guarded{password}@"))
}

#[actix::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_wrong_password_is_refused_before_anything_runs() {
    let _server = server().await;
    let wrong = PostgresLeases::from_url(&guarded(":wrong").await).unwrap();
    let text = refused(&wrong).await;
    assert!(
        text.contains("password authentication failed for user \"guarded\"") && text.contains("28P01"),
        "{text}"
    );
    assert!(text.contains("see to the user, its password") && !text.contains("wrong"), "{text}");
    let none = PostgresLeases::from_url(&guarded("").await).unwrap();
    let text = refused(&none).await;
    assert!(text.contains("password missing"), "{text}");
    replicas::is_refused(wrong, "password authentication failed").await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_role_without_rights_and_a_database_that_is_not_there_are_refused() {
    let _server = server().await;
    leases().check().await.unwrap();
    let poor = PostgresLeases::from_url(&guarded(":right").await).unwrap();
    let text = refused(&poor).await;
    assert!(text.contains("permission denied") && text.contains("its rights"), "{text}");
    let nowhere = PostgresLeases::from_url(&url().replace("/postgres", "/nowhere")).unwrap();
    let text = refused(&nowhere).await;
    assert!(text.contains("database \"nowhere\" does not exist"), "{text}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL and a PgBouncer"]
async fn g25_what_a_pooler_refuses_is_refused() {
    let _server = server().await;
    for (from, to, why) in [
        (":right@", ":wrong@", "authentication failed"),
        ("castle:right@", "nobody:right@", "authentication failed"),
        ("/postgres", "/nowhere", "no such database: nowhere"),
    ] {
        let text = refused(&PostgresLeases::from_url(&pooler().replace(from, to)).unwrap()).await;
        assert!(text.contains(why), "{text}");
    }
}

#[test]
#[cfg(not(feature = "tls"))]
fn g25_a_url_that_asks_for_tls_is_refused_at_once_without_the_feature() {
    for of_tls in ["sslmode=require", "sslmode=verify-full", "sslrootcert=/tmp/ca.crt", "sslrootcert=system"]
    {
        let url = format!("postgres://shop:secret@db/shop?{of_tls}");
        let text = PostgresLeases::from_url(&url).expect_err("it cannot be done").to_string();
        assert!(text.contains("its feature `tls`") && text.contains("PostgresLeases::new"), "{text}");
        assert!(!text.contains("secret"), "{text}");
        let store = PostgresLeases::from_url("postgres://db/shop?sslmode=prefer").unwrap();
        let text = store.listening_at(&url).expect_err("it cannot be done").to_string();
        assert!(text.contains("its feature `tls`"), "{text}");
    }
    // What is not to be used needs nothing, nor does a Unix socket.
    for of_tls in ["sslmode=disable&sslrootcert=/tmp/ca.crt", "sslmode=prefer", ""] {
        assert!(PostgresLeases::from_url(&format!("postgres://db/shop?{of_tls}")).is_ok(), "{of_tls}");
    }
}

#[test]
fn g25_a_url_or_a_schema_that_cannot_be_used_is_refused_at_once() {
    for (url, why) in [
        ("mysql://secret@db/shop", "invalid connection string"),
        ("dbname=shop", "names no host"),
        ("host=db dbname = shop password='a secret' sslmode=allow", "sslmode is none of disable, prefer"),
        ("postgres://shop:secret@db/shop?sslmode=verify-ca", "needs sslrootcert=FILE"),
        (
            "postgres://shop:secret@db/shop?sslrootcert=system&sslmode=require",
            "goes with sslmode=verify-full",
        ),
        ("postgres://shop:secret@db/shop?sslcert=/tmp/a.crt", "sslcert and sslkey go together"),
        ("postgres://shop:secret@db/shop?sslkey=%ff", "no UTF-8"),
    ] {
        let error = PostgresLeases::from_url(url).expect_err("it cannot be used");
        let text = error.to_string();
        assert!(text.contains(why) && text.contains("give one such as"), "{text}");
        assert!(!text.contains("secret"), "{text}");
        assert!(matches!(LeaseError::from(error), LeaseError::Refused(_)));
    }
    let store =
        || PostgresLeases::from_url("postgres://db/shop").unwrap().statement_timeout(Duration::from_secs(1));
    for schema in ["", "1st", "Sales", "a; DROP TABLE x", &"x".repeat(64)] {
        let text = store().schema(schema).expect_err("it is none").to_string();
        assert!(text.contains("the schema") && text.contains("lower-case letters"), "{text}");
    }
    assert!(store().schema("leases_2").is_ok());
}
