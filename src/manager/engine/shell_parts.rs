//! What the shell of a manager is made of.

use std::time::Duration;

use super::inbox::ManagerSender;
use crate::grpc::{Gauge, GrpcAddress, GrpcRegistrar};
use crate::handover::CheckedHandover;
use crate::lifecycle::{Budget, Spec};
use crate::manager::api::pending_service::PendingService;
use crate::manager::observe::event_log::EventLog;
use crate::manager::observe::logging::Spans;
use crate::manager::signals::Registration;
use crate::metrics::Meter;
use crate::operations::Gate;
use crate::server::give_way::GiveWay;
use crate::server::worker::workers::Workers;

/// What a shell is made of.
pub(crate) struct Parts {
    pub(crate) sender: ManagerSender,
    pub(crate) event_log: EventLog,
    pub(crate) pending_services: Vec<PendingService>,
    pub(crate) specs: Vec<Spec>,
    pub(crate) budget: Budget,
    pub(crate) registrar: GrpcRegistrar,
    pub(crate) gauge: Gauge,
    pub(crate) give_way: Option<GiveWay>,
    pub(crate) spans: Spans,
    pub(crate) service_threads: usize,
    pub(crate) stuck_after: Option<Duration>,
    pub(crate) reload_timeout: Duration,
    pub(crate) signals: Option<Registration>,
    pub(crate) workers: Workers,
    pub(crate) endpoint: Vec<GrpcAddress>,
    pub(crate) endpoint_gate: Option<Gate>,
    pub(crate) handover: Option<CheckedHandover>,
    pub(crate) tells_systemd: bool,
    pub(crate) meter: Meter,
    pub(crate) held: bool,
    /// Whether all are to live on this thread.
    pub(crate) one_thread: bool,
    #[cfg(feature = "testing")]
    pub(crate) fault: Option<crate::manager::test_support::fault::Fault>,
}
