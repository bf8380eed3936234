//! Writers whose life is over change nothing.

use majordomo_postgres::Fence;
use sqlx::PgPool;

use crate::{client, fresh_schema, server, url};

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_writer_of_an_old_epoch_is_refused_by_both_clients() {
    let _server = server().await;
    let client = client().await;
    let table = format!("{}.bills", fresh_schema(&client, "fence").await);
    let made = format!(
        "CREATE TABLE {table} (month text PRIMARY KEY, total bigint NOT NULL, epoch bigint NOT NULL)"
    );
    client.batch_execute(&made).await.unwrap();
    let pool = PgPool::connect(&url()).await.unwrap();
    let (old, new) = (Fence::new(4), Fence::new(5));

    let write = format!(
        "INSERT INTO {table} AS bill VALUES ('May', $1, $2) \
         ON CONFLICT (month) DO UPDATE SET total = $1, epoch = $2 WHERE bill.epoch <= $2"
    );
    let by_client = async |fence: Fence, total: i64| {
        fence.changed(client.execute(&write, &[&total, &fence.epoch()]).await.unwrap())
    };
    let by_sqlx = async |fence: Fence, total: i64| {
        let done = sqlx::query(&write);
        fence.changed(done.bind(total).bind(fence.epoch()).execute(&pool).await.unwrap().rows_affected())
    };
    assert_eq!(by_client(old, 1).await, Ok(1));
    assert_eq!(by_sqlx(old, 2).await, Ok(1));
    assert_eq!(by_sqlx(new, 3).await, Ok(1));
    for late in [by_client(old, 4).await, by_sqlx(old, 5).await] {
        let text = late.expect_err("it is too late").to_string();
        assert!(text.contains("with epoch 4") && text.contains("another replica has the lease"), "{text}");
    }
    assert_eq!(by_client(new, 6).await, Ok(1));
    let row = client.query_one(&format!("SELECT total, epoch FROM {table}"), &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (6, 5));
}
