//! Leases in etcd for programs on [majordomo]: a service that runs on one replica only, and a fencing token for what it writes.
//!
//! ```no_run
//! use majordomo::{BoxError, Lease, Manager, ManagerOptions, Run, ServiceSpec, restartable_fn};
//! use majordomo_etcd::EtcdLeases;
//!
//! # async fn serve() -> Result<(), BoxError> {
//! let leases = EtcdLeases::new(["http://etcd-1.example:2379", "http://etcd-2.example:2379"])?;
//! let invoices = restartable_fn("invoices", |run: Run| async move {
//!     run.shutdown.requested().await;
//!     Ok(())
//! });
//! let invoices = ServiceSpec::new(invoices).only_with(Lease::new(leases, "invoices"));
//! Manager::new(ManagerOptions::new()).service(invoices).run().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is kept
//! A key for each lease, `majordomo/leases/NAME` (or under another [`EtcdLeases::prefix`]), whose value is the holder, attached to a lease of etcd. It is there while somebody has
//! it, and gone when that one is over or revoked. The epoch is the revision in which the key was created. Revisions of a cluster only grow, so each grant has a greater epoch than all before, of whatever name.
//!
//! # Round trips
//! Acquire: one where another has it, three where it is granted. Renew: two, a read of the key from a quorum and a keep-alive. Release: two. Whoever stands by watches
//! the key, and asks when it is gone: a lease that was given back is another's within a few round trips.
//!
//! # TLS
//! With the feature `tls` endpoints may begin with `https://`, all or none, and TLS is done by rustls:
//!
//! ```no_run
//! # #[cfg(feature = "tls")]
//! # fn leases() -> Result<majordomo_etcd::EtcdLeases, majordomo_etcd::EtcdLeasesError> {
//! use majordomo::clients::TlsFiles;
//! use majordomo_etcd::EtcdLeases;
//!
//! let files = TlsFiles::new().ca("/etc/etcd/ca.crt").identity("/etc/etcd/client.crt", "/etc/etcd/client.key");
//! EtcdLeases::new(["https://etcd-1.example:2379", "https://etcd-2.example:2379"])?.tls_files(files)
//! # }
//! ```
//!
//! The cluster's certificates must be of the authority in that file, or without one of an authority that the system trusts, and have the name of the endpoint, or that of `EtcdLeases::tls_domain`. What is in memory, not in files, goes by etcd-client's own
//! options: [`EtcdLeases::connect_options`] with `ConnectOptions::with_tls`; an identity that is renewed then takes a new store.
//!
//! Files are read when they are given, which refuses those that cannot be used, and again for each new channel: so certificates can be renewed while the program runs. A cluster whose certificate will not do, or to which this program's will not, is
//! [`LeaseError::Refused`](majordomo::LeaseError) at the start of a manager, which ends with that before anything runs. Later it is `Away`: certificates are renewed, so the manager asks again, and nothing ends but a lease that could not be renewed in time.
//!
//! In TLS 1.3 what a cluster thinks of a client's certificate may be lost on its way here, and so may be that it has no TLS. So a store that could not reach the cluster looks at it once more, by a connection that asks for nothing, to say why. Bound: one of these at a time for
//! each store, and for as long as an answer may take.
//!
//! # What it stands on
//! - Time to live counts by the clock of the cluster's leader, which goes on whatever its date is set to. etcd counts in whole seconds, so it is rounded up, and no lease is shorter than about one and a half of etcd's election timeouts, 2 s by default. Where another member becomes the leader, or members
//!   restart, leases begin anew: they get longer, never shorter, so that the others wait longer.
//! - The leader is not stuck for seconds, in fsync as a rule. One that was may revoke leases that a new leader has extended, and meanwhile answer keep-alives in its place
//!   ([etcd#15247](https://github.com/etcd-io/etcd/issues/15247)); etcd 3.4.31 and 3.5.13 make that rare, and do not rule it out. Then another replica may be granted the lease early, and the holder
//!   is told with its next renewal, a sixth of the time to live later. Until then two may run; writes that are fenced stay right. That cannot be ruled out from here.
//! - Revisions never go back. A cluster that is restored from a snapshot begins at an old one, and would give old epochs again: restore it by `etcdutl snapshot restore` with
//!   `--bump-revision` and `--mark-compacted`.
//!
//! # Fencing
//! A process that was suspended may wake up after its lease has gone to another, and write. In etcd, [`EtcdLeases::fence`] makes a condition for a transaction: that the lease is still that of
//! this life. Elsewhere the epoch is written along, and a later one refuses it.
//!
//! # Bounds
//! One channel a store and manager, shared by the store's clones. An answer may take 5 s ([`EtcdLeases::answer_timeout`]); a manager waits no longer for one than a sixth of the lease's time to live.
//!
//! # Building
//! The crate etcd-client compiles etcd's protocol when it is built, which needs `protoc` and the messages that come with it (Debian: `protobuf-compiler` and `libprotobuf-dev`).

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]

mod channel;
mod error;
mod fence;
#[cfg(feature = "tls")]
mod look;
mod store;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
mod tls_fault;

pub use error::EtcdLeasesError;
pub use fence::FencedError;
pub use store::EtcdLeases;
