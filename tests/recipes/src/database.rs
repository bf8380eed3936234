//! A pool of sqlx that others require; its database may come late.

use std::time::Duration;

use majordomo::{RestartPolicy, ServiceSpec, Setup, WithSetup, provider_fn, resource_fn};
use sqlx::query;
use sqlx::sqlite::SqlitePoolOptions;

pub fn database(url: &str) -> ServiceSpec<WithSetup<()>> {
    let url = url.to_owned();
    let open = move |setup: Setup| {
        let url = url.clone();
        async move {
            let options = SqlitePoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(3));
            let pool = options.connect(&url).await?;
            // Right after there is something to close: whatever fails from here on, it is closed.
            let closing = pool.clone();
            let close = move || async move {
                closing.close().await;
                Ok(())
            };
            setup.resources.start("pool", resource_fn(close))?;
            query("CREATE TABLE IF NOT EXISTS visits (page TEXT NOT NULL)").execute(&pool).await?;
            setup.provide(pool);
            Ok(())
        }
    };
    let patient = RestartPolicy::on_failure()
        .backoff(Duration::from_millis(200), Duration::from_secs(2))
        .max_restarts(60)
        .within(Duration::from_secs(120));
    provider_fn("database", open).retry_setup(patient)
}
