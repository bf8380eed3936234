//! Leases in PostgreSQL for programs on [majordomo]: a service that runs on one replica only, and a fencing token for what it writes.
//!
//! ```no_run
//! use majordomo::{BoxError, Lease, Manager, ManagerOptions, Run, ServiceSpec, restartable_fn};
//! use majordomo_postgres::PostgresLeases;
//!
//! # async fn serve() -> Result<(), BoxError> {
//! let leases = PostgresLeases::from_url("postgres://shop@db.example/shop")?;
//! // A wrong password, or a table of another version: told before anything runs.
//! leases.check().await?;
//! let scheduler = restartable_fn("scheduler", |run: Run| async move {
//!     run.shutdown.requested().await;
//!     Ok(())
//! });
//! let scheduler = ServiceSpec::new(scheduler).only_with(Lease::new(leases, "scheduler"));
//! Manager::new(ManagerOptions::new()).service(scheduler).run().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is kept
//! A row for each lease in the table `majordomo_leases` of one schema (`public`, or [`PostgresLeases::schema`]): its name, its holder, its epoch, and when it
//! ends by the clock of the server. `majordomo_lease_migrations` has the version of that table. Both are made when they are missing, which needs the right to create tables in that
//! schema; [`migrations`] tells the statements, for whoever makes them by hand. A program that finds a version that it does not know
//! is refused. Rows are never deleted, since the epoch would begin anew: delete none by hand, nor the tables.
//!
//! # Poolers
//! Each of acquire, renew and release is one statement, by the clock of the server, and needs nothing of the session: no prepared statement, no setting, no lock that outlives
//! the statement. So a pooler such as PgBouncer may be in between, also one that pools transactions. There is no `LISTEN`, which would need a session: a replica that stands by
//! asks each sixth of the lease's time to live, or when the lease is due to end.
//!
//! # What it stands on
//! - The server's clock is not set by more than the lease's [`margin`](majordomo::Lease::margin) within its time to live. Clocks that are slewed, as by chrony or
//!   systemd-timesyncd in normal operation, are not.
//! - What is committed stays. Each statement commits with `synchronous_commit` at least `on`, whatever the session's default is. Where a standby takes over that lacks the last commits (asynchronous replication), a lease may be granted
//!   twice *with the same epoch*, which no fencing finds: give the database a synchronous standby, or let nobody fail over by itself. The new server's clock counts as the old one's.
//!   The same holds for a database that is restored from a backup: raise `epoch` of all rows then.
//! - All replicas name the same database and schema.
//!
//! # Fencing
//! A process that was suspended may wake up after its lease has gone to another, and write. [`Fence`] has such writes refused, by the epoch; it works with
//! every client of PostgreSQL.
//!
//! # Bounds
//! One connection a store and manager, shared by the store's clones, made when it is needed and again when it broke. To connect may take 5 s ([`PostgresLeases::connect_timeout`]), an answer 5 s
//! ([`PostgresLeases::statement_timeout`]); a manager waits no longer for both together than a sixth of the lease's time to live, so that a server to which
//! it takes long to connect needs a long lease. A connection on which an answer
//! did not come in time is closed.

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]

mod connection;
mod error;
mod fence;
mod schema;
mod statements;
mod store;

pub use error::PostgresLeasesError;
pub use fence::{Fence, FencedError};
pub use schema::{Migration, migrations};
pub use store::PostgresLeases;
