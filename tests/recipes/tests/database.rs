use std::fs;

use majordomo::testing::ManagerSuite;
use majordomo::{Manager, ManagerOptions, Run, Setup, service_with_setup};
use recipes::database::database;
use recipes::office::office;
use sqlx::{SqlitePool, query, query_scalar};
use support::Folder;
use tokio::sync::mpsc;

use crate::url;

#[actix::test]
async fn a_pool_waits_for_its_database_serves_and_is_closed_when_nobody_needs_it() {
    let folder = Folder::new();
    let late = folder.path("late");
    let file = format!("sqlite://{}/visits.db?mode=rwc", late.display());
    let (pools, mut pool) = mpsc::unbounded_channel();
    let write = move |run: Run, pool: SqlitePool| {
        pools.send(pool.clone()).unwrap();
        async move {
            query("INSERT INTO visits VALUES ('first')").execute(&pool).await?;
            run.shutdown.requested().await;
            query("INSERT INTO visits VALUES ('last')").execute(&pool).await?;
            Ok(())
        }
    };
    let writer = service_with_setup("writer", |setup: Setup| async move { Ok(setup.require()?) }, write);
    let manager = Manager::new(ManagerOptions::new().without_grpc().handle_signals(false))
        .service(database(&file))
        .service(writer.depends_on("database"))
        .service(office("127.0.0.1:0"));
    let mut suite = ManagerSuite::launch(manager);
    suite.recorder().wait_for("setup_retried database").await;
    fs::create_dir(&late).unwrap();
    suite.until_running().await;

    let pool = pool.recv().await.unwrap();
    let visits = format!("{}/visits", url(&suite, "office").await);
    let count = async || reqwest::get(&visits).await.unwrap().text().await.unwrap();
    support::within("the first visit", async { while count().await != "1" {} }).await;
    let events = suite.recorder().clone();
    suite.shutdown().await;
    events.assert_before("run_finished writer", "release_started database/pool");
    events.assert_before("run_finished office", "release_started database/pool");
    assert!(pool.is_closed());
    let again = SqlitePool::connect(&file).await.unwrap();
    let pages: Vec<String> = query_scalar("SELECT page FROM visits").fetch_all(&again).await.unwrap();
    assert_eq!(pages, ["first", "last"], "it was open until its last user had ended");
    again.close().await;
}
