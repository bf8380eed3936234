//! Leases in PostgreSQL for programs on [majordomo]: a service that runs on one replica only, and a fencing token for what it writes.
//!
//! ```no_run
//! use majordomo::{BoxError, Lease, Manager, ManagerOptions, Run, ServiceSpec, restartable_fn};
//! use majordomo_postgres::PostgresLeases;
//!
//! # async fn serve() -> Result<(), BoxError> {
//! let leases = PostgresLeases::from_url("postgres://shop@db.example/shop")?;
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
//! the statement. So a pooler such as PgBouncer may be in between, also one that pools transactions. `LISTEN` needs a session, so it is off by default: a replica that stands by
//! asks each sixth of the lease's time to live, or when the lease is due to end.
//!
//! # Given back: another has it at once
//! [`PostgresLeases::listening`] has whoever stands by hear of a release, which each release tells of (`pg_notify` on the channel `majordomo_leases`, in the same statement). Where there is a pooler, that takes
//! an address of the server itself, [`PostgresLeases::listening_at`]:
//!
//! ```no_run
//! # use majordomo_postgres::{PostgresLeases, PostgresLeasesError};
//! # fn leases() -> Result<PostgresLeases, PostgresLeasesError> {
//! PostgresLeases::from_url("postgres://shop@pooler.example:6432/shop")?.listening_at("postgres://shop@db.example/shop")
//! # }
//! ```
//!
//! One connection a manager serves all of its leases. When it is there, also when it is there again, each lease is looked at once, so that no release is missed. It repeats its `LISTEN` every 30 s, to find out whether
//! it is still there. A lease whose holder died is told of by nobody: it is asked for when it is due to end, as ever.
//!
//! # TLS
//! With the feature `tls` a URL says how TLS is meant, by the names of libpq, and it is done by rustls, in versions 1.2 and 1.3:
//!
//! ```no_run
//! # use majordomo_postgres::{PostgresLeases, PostgresLeasesError};
//! # fn leases() -> Result<PostgresLeases, PostgresLeasesError> {
//! PostgresLeases::from_url(
//!     "postgres://shop@db.example/shop?sslmode=verify-full&sslrootcert=/etc/shop/ca.crt&sslcert=/etc/shop/tls.crt&sslkey=/etc/shop/tls.key",
//! )
//! # }
//! ```
//!
//! | `sslmode` | TLS | the server's certificate |
//! |---|---|---|
//! | `disable` | never | |
//! | `prefer`, the default | where the server has it | is not looked at, so that anybody between may be the server |
//! | `require` | always | the same |
//! | `verify-ca` | always | must be of the authority in the file `sslrootcert` |
//! | `verify-full` | always | the same, or without a file of one that the system trusts; and must have the name of the host |
//!
//! With `sslrootcert` a certificate that is shown must be of that authority in any mode; `sslrootcert=system` is `verify-full` with those of the system. `sslcert` and `sslkey` are the files of this program's
//! certificate and its key. All are PEM. Unlike libpq it looks for no files in `~/.postgresql`, knows no `allow`, no `sslcrl` and no encrypted key, never goes on without TLS when a handshake has failed, and wants of a server that an authority has signed its certificate:
//! one that is an authority itself, as `openssl req -x509` makes them, will not do. To a Unix socket there is no TLS, whatever the URL says.
//!
//! A password is bound to the connection (SCRAM with `tls-server-end-point`) where the server can do that; `channel_binding=require` has it a must.
//!
//! Without the feature `prefer` does without TLS, and a URL that asks for more is refused by [`from_url`](PostgresLeases::from_url). With another TLS than rustls: [`PostgresLeases::new`].
//!
//! Files are read when the store is made, which refuses those that cannot be used, and again for each connection: so certificates can be renewed while the program runs. A server whose certificate will not do, or to which this program's will not, is
//! [`LeaseError::Refused`](majordomo::LeaseError) at the start of a manager, which ends with that before anything runs. Later it is `Away`: certificates are renewed, so the manager asks again, and nothing ends but a lease that could not be renewed in time. What breaks off in a handshake without
//! a word, as when a network fails, is `Away` in any case.
//!
//! # Many leases
//! What many leases of one manager ask for in the same moment goes in one statement, up to 500 of them: a thousand are renewed in a few. It waits for no row that another has locked; such a lease
//! is asked for by itself, and so is one that has no row yet.
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

mod address;
mod batch;
mod connection;
mod database;
mod error;
mod fence;
mod listening;
mod schema;
mod statements;
mod statements_many;
mod store;
#[cfg(feature = "tls")]
mod tls;
mod tls_fault;

pub use error::PostgresLeasesError;
pub use fence::{Fence, FencedError};
pub use schema::{Migration, migrations};
pub use store::PostgresLeases;
