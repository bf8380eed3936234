//! What a manager was given: whether it can work.

use std::collections::HashSet;

use super::options::limits;
use super::options::{CheckedOptions, ManagerOptions};
use super::pending_service::{PendingService, specs};
use super::plan::{ManagerPlan, PlannedService};
use crate::base::clock;
use crate::events::Name;
use crate::grpc::builtin::ping::PingService;
use crate::grpc::{SERVER_ID, ServerAddress, health};
use crate::lifecycle::{Budget, Spec, start_order, stop_turns};
use crate::operations::CheckedOperations;
use crate::report::ConfigError;
use crate::service::{RestartPolicy, ServiceSpec};

/// What the operations endpoint is called where servers are.
pub(crate) const OPERATIONS: &str = "the operations endpoint";

const PAUSED_OPERATIONS: &str = "leave ManagerOptions::operations out";

const PAUSED_GRPC: &str = "give it a place in memory alone, by ManagerOptions::grpc_in_memory, or leave gRPC services out (the ping service by \
     grpc_ping_service(false))";

/// What a manager was given.
pub(crate) struct Definition {
    pub(crate) options: ManagerOptions,
    pub(crate) pending_services: Vec<PendingService>,
    held: bool,
    one_thread: bool,
}

/// A plan that can work.
pub(crate) struct CheckedDefinition {
    pub(crate) options: ManagerOptions,
    pub(crate) checked: CheckedOptions,
    pub(crate) pending_services: Vec<PendingService>,
    pub(crate) specs: Vec<Spec>,
    /// Whether nobody runs before that is allowed.
    pub(crate) held: bool,
    /// Whether all are to live on the thread of the manager.
    pub(crate) one_thread: bool,
}

impl Definition {
    pub(crate) fn new(options: ManagerOptions) -> Self {
        Self { options, pending_services: Vec::new(), held: false, one_thread: false }
    }

    /// It is the plan of a child.
    pub(crate) fn hold_back(&mut self) {
        self.held = true;
        self.options.as_child();
    }

    /// All are to live on the thread of the manager.
    pub(crate) fn keep_to_one_thread(&mut self) {
        self.one_thread = true;
        self.options.as_one_thread();
    }

    /// Everything that can be refused is refused here.
    pub(crate) fn check(mut self) -> Result<CheckedDefinition, ConfigError> {
        self.pending_services.extend(self.ping());
        let (checked, specs) = self.verdict(&self.pending_services.iter().collect::<Vec<_>>())?;
        let Self { options, pending_services, held, one_thread } = self;
        Ok(CheckedDefinition { options, checked, pending_services, specs, held, one_thread })
    }

    fn ping(&self) -> Option<PendingService> {
        self.options.grpc_server.parts.pings().then(|| PendingService::grpc(ServiceSpec::new(PingService)))
    }

    fn verdict(
        &self,
        pending_services: &[&PendingService],
    ) -> Result<(CheckedOptions, Vec<Spec>), ConfigError> {
        limits::check(&self.options)?;
        let checked = self.options.check()?;
        if self.options.without_grpc && self.options.grpc_server.parts.http_fallback.is_some() {
            return Err(ConfigError::WithoutGrpcAddress);
        }
        let mut ids: HashSet<&Name> = HashSet::new();
        for (at, pending) in pending_services.iter().enumerate() {
            if pending.id.trim().is_empty() {
                return Err(ConfigError::EmptyId(at + 1));
            }
            if health::is_taken(&pending.id) {
                return Err(ConfigError::ReservedId(pending.id.to_string()));
            }
            let reserved = &*pending.id == SERVER_ID;
            if reserved || !ids.insert(&pending.id) {
                return Err(ConfigError::DuplicateId(pending.id.to_string()));
            }
            if self.options.without_grpc && pending.kind.registers() {
                return Err(ConfigError::WithoutGrpc(pending.id.to_string()));
            }
            pending.check(checked.budget.services_time())?;
            if self.one_thread && pending.lease.is_some() {
                return Err(ConfigError::PausedLease(pending.id.to_string()));
            }
            if self.held && pending.after_handover {
                return Err(ConfigError::NestedAfterHandover(pending.id.to_string()));
            }
        }
        self.check_addresses(pending_services, &checked)?;
        if let Some(on) = self.options.grpc_server.parts.depends_on.iter().find(|on| !ids.contains(on)) {
            let (service, on) = (SERVER_ID.to_owned(), on.to_string());
            return Err(ConfigError::UnknownDependency { service, on });
        }
        Ok((checked, specs(pending_services)?))
    }

    /// Whether there is a gRPC server.
    fn serves(&self, pending_services: &[&PendingService]) -> bool {
        self.options.serves(pending_services.iter().map(|pending| pending.kind.registers()))
    }

    /// Whether each server has its address for itself.
    fn check_addresses(
        &self,
        pending_services: &[&PendingService],
        checked: &CheckedOptions,
    ) -> Result<(), ConfigError> {
        let mut taken: Vec<(&str, ServerAddress)> = Vec::new();
        if let Some(CheckedOperations { address, .. }) = &checked.operations {
            self.check_paused(OPERATIONS, address, PAUSED_OPERATIONS)?;
            taken.push((OPERATIONS, address.clone()));
        }
        if self.serves(pending_services) {
            for address in &checked.addresses {
                self.check_paused(SERVER_ID, address, PAUSED_GRPC)?;
                check_free(&taken, SERVER_ID, address)?;
                taken.push((SERVER_ID, address.clone()));
            }
        }
        for pending in pending_services {
            let Some(server) = &pending.server else { continue };
            let address = server.address()?;
            self.check_paused(&pending.id, &address, server.mend_in_paused_time())?;
            check_free(&taken, &pending.id, &address)?;
            taken.push((&pending.id, address));
        }
        Ok(())
    }

    /// In paused time there are no sockets.
    fn check_paused(
        &self,
        service: &str,
        address: &ServerAddress,
        mend: &'static str,
    ) -> Result<(), ConfigError> {
        if !self.one_thread || address.is_in_memory() {
            return Ok(());
        }
        Err(ConfigError::PausedSocket { service: service.to_owned(), address: address.to_string(), mend })
    }

    /// What the manager would do.
    pub(crate) fn sketch(&self) -> Result<ManagerPlan, ConfigError> {
        let ping = self.ping();
        let pending_services: Vec<&PendingService> = self.pending_services.iter().chain(&ping).collect();
        let (checked, specs) = self.verdict(&pending_services)?;
        let mut services: Vec<PlannedService> =
            pending_services.iter().map(|pending| planned(pending)).collect();
        let mut needs: Vec<Vec<usize>> =
            specs.iter().map(|spec| spec.depends_on.iter().map(|on| on.on.0 as usize).collect()).collect();
        if self.serves(&pending_services) {
            let on = |id: &Name| pending_services.iter().position(|pending| pending.id == *id);
            needs.push(self.options.grpc_server.parts.depends_on.iter().filter_map(on).collect());
            services.push(planned_server(self.options.grpc_server.parts.depends_on.clone()));
        }
        take_turns(&mut services, &needs, &checked.budget);
        Ok(ManagerPlan::new(services, &checked.budget))
    }
}

/// Whether no server before this one has its address.
fn check_free(
    taken: &[(&str, ServerAddress)],
    second: &str,
    address: &ServerAddress,
) -> Result<(), ConfigError> {
    match taken.iter().find(|(_, other)| other.is_also(address)) {
        None => Ok(()),
        Some((first, _)) => {
            let (first, second) = ((*first).to_owned(), second.to_owned());
            Err(ConfigError::SameAddress { first, second, address: address.to_string() })
        }
    }
}

/// Fills in after how many others each starts and stops, and when at the latest it is asked.
fn take_turns(services: &mut [PlannedService], needs: &[Vec<usize>], budget: &Budget) {
    let order = start_order(needs).unwrap_or_default();
    for &at in &order {
        services[at].start_turn = needs[at].iter().map(|&on| services[on].start_turn + 1).max().unwrap_or(0);
    }
    let stop_turns = stop_turns(services.len(), order.into_iter(), |at| needs[at].iter().copied());
    for (service, turn) in services.iter_mut().zip(&stop_turns) {
        service.stop_turn = *turn as usize;
    }
    let turns = stop_turns.into_iter().max().unwrap_or(0) + 1;
    let asked = clock::now();
    for service in services {
        let share = budget.share_until(asked, service.stop_turn as u32, turns);
        service.asked_by = share.map(|at| at - asked);
    }
}

/// What is planned for a service.
fn planned(pending: &PendingService) -> PlannedService {
    PlannedService {
        id: pending.id.clone(),
        depends_on: pending.depends_on.clone(),
        start_turn: 0,
        stop_turn: 0,
        asked_by: None,
        stop_timeout: pending.stop_timeout,
        restart: pending.policy.clone(),
        setup_retry: pending.setup_policy.clone(),
        after_handover: pending.after_handover,
        lease: pending.lease.as_ref().map(|lease| Name::clone(lease.name())),
        nested: pending.branch.as_ref().and_then(|branch| branch.plan().ok().cloned()).map(Box::new),
    }
}

/// The same for the gRPC server.
fn planned_server(depends_on: Vec<Name>) -> PlannedService {
    PlannedService {
        id: SERVER_ID.into(),
        depends_on,
        start_turn: 0,
        stop_turn: 0,
        asked_by: None,
        stop_timeout: None,
        restart: RestartPolicy::never(),
        setup_retry: RestartPolicy::never(),
        after_handover: false,
        lease: None,
        nested: None,
    }
}
