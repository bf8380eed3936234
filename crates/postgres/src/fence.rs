//! Writers that are too late are refused by their epoch.

/// The epoch of a lease, for what its holder writes to a database of PostgreSQL, by whatever client.
///
/// What is written has a column for the epoch of its last writer, of type `bigint`. Each statement sets it, on the condition that it is no greater than the
/// writer's: one of a later life was here otherwise. Then no row is changed, which [`changed`](Self::changed) makes an error of.
///
/// ```no_run
/// # use majordomo::{BoxError, Run};
/// use majordomo_postgres::Fence;
///
/// // tokio-postgres
/// async fn bill(run: &Run, client: &tokio_postgres::Client, month: &str) -> Result<(), BoxError> {
///     let fence = Fence::new(run.epoch().ok_or("billing runs with a lease")?);
///     let bill = "INSERT INTO bills (month, epoch) VALUES ($1, $2) \
///                 ON CONFLICT (month) DO UPDATE SET epoch = $2 WHERE bills.epoch <= $2";
///     fence.changed(client.execute(bill, &[&month, &fence.epoch()]).await?)?;
///     Ok(())
/// }
///
/// // sqlx
/// async fn close(run: &Run, pool: &sqlx::PgPool, month: &str) -> Result<(), BoxError> {
///     let fence = Fence::new(run.epoch().ok_or("billing runs with a lease")?);
///     let close = sqlx::query("UPDATE bills SET closed = true, epoch = $2 WHERE month = $1 AND epoch <= $2");
///     fence.changed(close.bind(month).bind(fence.epoch()).execute(pool).await?.rows_affected())?;
///     Ok(())
/// }
/// ```
///
/// An `UPDATE` changes no row either where there is none to change: make the row first, or by `ON CONFLICT`, as above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a fence refuses nobody until its epoch is in the condition of a statement"]
pub struct Fence(u64);

/// A statement has changed no row: this life is over, and another writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing was written with epoch {epoch}: the row has a later one, or is not there; where it has, another replica has the lease, and this one is to stop"
)]
#[non_exhaustive]
pub struct FencedError {
    /// The epoch of the writer.
    pub epoch: u64,
}

impl Fence {
    /// That of a life: [`Run::epoch`](majordomo::Run::epoch), or [`Setup::epoch`](majordomo::Setup::epoch).
    pub fn new(epoch: u64) -> Self {
        Self(epoch)
    }

    /// The epoch as a parameter of a statement, a `bigint`.
    pub fn epoch(&self) -> i64 {
        // PostgreSQL counts no further either.
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// Passes on how many rows were changed.
    ///
    /// # Errors
    /// Where that is none.
    pub fn changed(&self, rows: u64) -> Result<u64, FencedError> {
        if rows == 0 {
            return Err(FencedError { epoch: self.0 });
        }
        Ok(rows)
    }
}
