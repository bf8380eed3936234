//! What every service is doing: the part of a status that the shell knows, and that of nested managers.

use std::time::Duration;

use actix::Recipient;

use super::service_slot::ServiceSlot;
use super::shell::Shell;
use crate::base::seconds;
use crate::events::Name;
use crate::lifecycle::{Kind, ServiceIx};
use crate::manager::api::condition::ServiceCondition;
use crate::manager::api::messages::GetStatus;
use crate::manager::api::nested_branch::NestedAddresses;
use crate::manager::api::status::{ManagerStatus, ServiceStatus};

/// How long a child's status is waited for: its manager's thread is never blocked.
const CHILD_WAIT: Duration = Duration::from_millis(100);

/// Completes a status by those of nested managers.
pub(crate) async fn with_children(
    mut status: ManagerStatus,
    children: Vec<(Name, Recipient<GetStatus>)>,
) -> ManagerStatus {
    let asked = children.iter().map(|(_, child)| child.send(GetStatus).timeout(CHILD_WAIT));
    for ((id, _), answer) in children.iter().zip(futures_util::future::join_all(asked).await) {
        let service = status.services.iter_mut().find(|service| service.id == *id);
        if let (Some(service), Ok(answer)) = (service, answer) {
            service.nested = Some(Box::new(answer));
        }
    }
    status
}

impl Shell {
    /// Nested managers that have been started and are not over, by the ids of their services.
    pub(crate) fn children(&self) -> Vec<(Name, Recipient<GetStatus>)> {
        self.addresses_of_children().map(|(id, addresses)| (id, addresses.status)).collect()
    }

    /// Where these are asked.
    pub(super) fn addresses_of_children(&self) -> impl Iterator<Item = (Name, NestedAddresses)> {
        let child = |slot: &ServiceSlot| Some((slot.id.clone(), slot.branch.as_ref()?.addresses()?));
        self.services.iter().filter_map(child)
    }

    /// What a service is doing, unless it is none of the manager's any more.
    pub(crate) fn service_status(&mut self, id: &Name, now: Duration) -> Option<ServiceStatus> {
        let at = self.event_log.report().place(id)?;
        let ix = ServiceIx(at as u32);
        self.forget_restarts(ix);
        let mut status = ServiceStatus::new(self.event_log.report().service_report(id)?, now);
        status.depends_on = self.event_log.report().depends_on(id);
        status.restart.last_failure = self.event_log.last_failure(ix);
        let retries = self.event_log.report().service_report(id)?.setup_retries;
        status.setup_retry = self.setup_retry_status(ix, retries, now);
        let slot = &mut self.services[at];
        status.restart.policy = slot.restarts.policy().clone();
        (status.restart.used, status.restart.resets_at) = slot.restarts.used(now);
        let most = slot.restarts.policy().allowed_by_itself();
        status.restart.left = most.map(|most| most.saturating_sub(status.restart.used));
        if slot.kind == Kind::Listener {
            status.addresses.clone_from(&slot.addresses);
        }
        status.http =
            slot.server.as_ref().filter(|_| slot.actor.is_some()).and_then(|server| server.in_flight());
        if let Some(actor) = &slot.actor {
            status.thread = actor.thread.name();
            status.poll = actor.thread.watch().lasted(actor.tag);
        }
        for (resource, started) in status.resources.iter_mut().zip(&slot.resources) {
            resource.poll = started.thread.watch().lasted(started.tag);
        }
        if self.machine.is_retrying_setup(ix) {
            let next = status.setup_retry.as_ref().and_then(|retry| retry.next_at);
            let when = next.map(|at| format!(" in {}", seconds(at.saturating_sub(now)))).unwrap_or_default();
            status.state = format!("to be set up again{when}: {}", status.state);
            status.condition = ServiceCondition::RetryingSetup;
        }
        if self.machine.waits_for_predecessor(ix) {
            "waiting until the predecessor has released everything".clone_into(&mut status.state);
            status.condition = ServiceCondition::Waiting;
        }
        if let Some(state) = self.waiting_for_checks(ix) {
            (status.state, status.condition) = (state, ServiceCondition::Waiting);
        }
        status.lease = self.lease_status(ix, now);
        if let Some(state) = self.standing_by(ix, now) {
            status.state = state;
            status.condition = ServiceCondition::Standby;
            status.failure = None;
        }
        if self.machine.is_stopped(ix) {
            "stopped".clone_into(&mut status.state);
            status.failure = None;
            status.condition = ServiceCondition::Stopped;
        } else if self.machine.is_restarting(ix) {
            status.state = format!("restarting: {}", status.state);
            status.condition = ServiceCondition::Restarting;
        }
        Some(status)
    }
}
