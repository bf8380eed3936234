//! What users implement and what they are sent.
//!
//! A service is an actix actor that answers [`Setup`] and, where it has a main loop, [`Run`] and
//! [`Shutdown`]. Whatever it must give back in the end (a connection, a pool, a lock) it starts as a
//! [`Resource`], an actor of its own that answers [`Release`].

mod functions;
mod latch;
mod lease;
mod messages;
mod provided;
mod reload;
mod resource;
mod resources;
mod signal;
mod spec;
mod traits;
mod with_setup;

pub use crate::lifecycle::LeaseTermsError;
pub use crate::lifecycle::{RestartPolicy, RestartPolicyError};
pub use functions::{
    ResourceFn, RestartableFn, ServiceFn, resource_fn, resource_fn_with, restartable_fn, service_fn,
};
pub use lease::{
    Lease, LeaseError, LeaseGrant, LeaseLostError, LeaseRefusedError, LeaseRequest, LeaseStore, PerRuntime,
};
pub use messages::{Run, Setup, Shutdown};
pub use provided::RequireError;
pub use reload::{CommitReload, PrepareReload};
pub use resource::{Release, Resource, ResourceSpec};
pub use resources::{ResourceError, Resources};
pub use signal::ShutdownSignal;
pub use spec::ServiceSpec;
pub use traits::{GenericService, Service};
pub use with_setup::{WithSetup, provider_fn, service_with_setup};

pub(crate) use lease::{LeaseNews, Leases, ViewReceiver};
pub(crate) use provided::Provided;
pub(crate) use reload::ReloadRoute;
pub(crate) use resources::{Registry, ResourceEvent, Started};
pub(crate) use signal::{Deadlines, Role};
pub(crate) use spec::STOP_TIMEOUT;
