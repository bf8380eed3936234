//! The orders, in PostgreSQL.

use majordomo::{BoxError, Setup, resource_fn};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{FromRow, query, query_as, query_scalar};
use std::time::Duration;

#[derive(Clone)]
pub struct Orders(PgPool);

#[derive(Debug, Clone, PartialEq, FromRow, Serialize, Deserialize)]
pub struct Order {
    pub id: i64,
    pub item: String,
    pub shipped: bool,
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS orders \
                     (id BIGSERIAL PRIMARY KEY, item TEXT NOT NULL, shipped BOOLEAN NOT NULL DEFAULT FALSE)";

/// Connects, and provides the orders to those that depend on it. The pool is closed when nobody needs it any more.
pub async fn connect(setup: Setup, url: String) -> Result<(), BoxError> {
    let options = PgPoolOptions::new().max_connections(8).acquire_timeout(Duration::from_secs(3));
    let pool = options.connect(&url).await?;
    let closing = pool.clone();
    let close = move || async move {
        closing.close().await;
        Ok(())
    };
    setup.resources.start("pool", resource_fn(close))?;
    query(TABLE).execute(&pool).await?;
    setup.provide(Orders(pool));
    Ok(())
}

impl Orders {
    pub async fn place(&self, item: &str) -> sqlx::Result<Order> {
        query_as("INSERT INTO orders (item) VALUES ($1) RETURNING *").bind(item).fetch_one(&self.0).await
    }

    pub async fn find(&self, id: i64) -> sqlx::Result<Option<Order>> {
        query_as("SELECT * FROM orders WHERE id = $1").bind(id).fetch_optional(&self.0).await
    }

    pub async fn waiting(&self) -> sqlx::Result<i64> {
        query_scalar("SELECT count(*) FROM orders WHERE NOT shipped").fetch_one(&self.0).await
    }

    /// Ships the oldest order that waits, if one does: each once, however many workers there are.
    pub async fn ship_next(&self) -> sqlx::Result<Option<Order>> {
        const NEXT: &str = "UPDATE orders SET shipped = TRUE WHERE id = (SELECT id FROM orders WHERE NOT shipped \
                            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *";
        query_as(NEXT).fetch_optional(&self.0).await
    }
}
