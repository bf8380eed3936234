//! Leases of Kubernetes for programs on [majordomo]: a service that runs on one replica only, where there is no store but the cluster's own API.
//!
//! ```no_run
//! use majordomo::{BoxError, Lease, Manager, ManagerOptions, Run, ServiceSpec, restartable_fn};
//! use majordomo_kubernetes::KubernetesLeases;
//!
//! # async fn serve() -> Result<(), BoxError> {
//! // As a pod finds its cluster, or as kubectl does.
//! let leases = KubernetesLeases::infer().await?;
//! let cleaner = restartable_fn("cleaner", |run: Run| async move {
//!     run.shutdown.requested().await;
//!     Ok(())
//! });
//! let cleaner = ServiceSpec::new(cleaner).only_with(Lease::new(leases, "cleaner"));
//! Manager::new(ManagerOptions::new()).service(cleaner).run().await?;
//! # Ok(())
//! # }
//! ```
//!
//! **It was not tried on a real cluster.** Its tests are against a server of their own, written after the documentation of the API
//! (`coordination.k8s.io/v1`, `resourceVersion`, conflicts).
//!
//! # What is kept
//! An object `Lease` for each lease, in one namespace: the pod's own, or [`KubernetesLeases::namespace`]. `holderIdentity` is the holder, empty where nobody has it; `leaseTransitions` is the epoch, which
//! grows with each new holder, the first being 1. Objects are never deleted, since the epoch would begin anew: delete none by hand. An object that other programs have made, such as client-go, is
//! understood, and the other way round. Names are those of Kubernetes: lower-case letters, digits, `-` and `.`; others are refused before anything starts.
//!
//! The service account of the pod needs these rights:
//!
//! ```yaml
//! apiVersion: rbac.authorization.k8s.io/v1
//! kind: Role
//! metadata: { name: leases }
//! rules:
//!   - apiGroups: [coordination.k8s.io]
//!     resources: [leases]
//!     verbs: [get, create, update]
//! ```
//!
//! # Whose clock
//! The API has none: the times in the object are those of whoever wrote it, and are for people. So a lease is over for those who stand by when they have seen *the same version of the object*
//! for as long as it lasts, by a clock of their own that never jumps, as client-go does it. Whoever takes it then says which version it has seen, and the API refuses it (409)
//! if that is not the latest. The holder counts from the sending of its last write, which was before anybody saw what it wrote. So two never have it, however the machines' dates differ, as long as
//! their clocks run equally fast up to the lease's [`margin`](majordomo::Lease::margin).
//!
//! The price: a replica that has just begun waits a whole time to live, also where the holder died long before. Nobody is told when a lease is given back: it is asked for each sixth of the time to live.
//!
//! # What cannot be proved from here
//! - That the API's storage forgets nothing. A cluster whose etcd is restored from a snapshot gives old versions again, and old epochs.
//! - That the epoch only grows, where somebody edits `leaseTransitions` or deletes the object, or another program that does not count shares it.
//! - That a write which timed out has not been done. It is asked for again, and found.
//! - Anything about writes to other systems, unless those check the epoch. The API has no condition on another object: `leaseTransitions` is to be written along there, and an older one refused.
//!
//! # Bounds
//! One client a store and manager, shared by the store's clones. An answer may take 5 s ([`KubernetesLeases::answer_timeout`]); a manager waits no longer for one than a sixth of the lease's time to live. A conflict is looked at again
//! three times. Each request is a read, and a write where something changes.
//!
//! # Building
//! One version of Kubernetes must be chosen in the whole program: by the feature `earliest` or `latest` of this crate, or one of the crate k8s-openapi, 0.29.

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]

mod client;
mod error;
mod observed;
mod rules;
mod store;

pub use error::KubernetesLeasesError;
pub use store::KubernetesLeases;
