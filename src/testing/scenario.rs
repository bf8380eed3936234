//! A scenario: a manager's options, scripted services, and what is done to them when.

use std::time::Duration;

use actix::Addr;
use serde::Deserialize;

use super::scripted::{ScriptedService, ServiceScript};
use crate::manager::{ForceShutdown, Manager, ManagerOptions, StartShutdown};

/// What a rehearsal plays. Keys that are left out have the values of [`Scenario::default`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// [`ManagerOptions::max_shutdown_duration`]; left out: 30 s.
    pub max_shutdown_ms: Option<u64>,
    /// [`ManagerOptions::release_reserve`]; left out: a tenth of the whole.
    pub release_reserve_ms: Option<u64>,
    /// [`ManagerOptions::drain_delay`].
    pub drain_delay_ms: u64,
    /// [`ManagerOptions::service_threads`]; left out: 16.
    pub service_threads: Option<usize>,
    /// Whether the ping service runs, and a gRPC server for it.
    pub ping: bool,
    /// Where a gRPC server listens; left out: there is none, unless `ping` wants one.
    pub grpc_address: Option<String>,
    /// What is done to the manager.
    pub actions: Vec<Action>,
    /// The services.
    pub services: Vec<ServiceScript>,
}

/// Something done to a manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// When, in milliseconds since the manager's start.
    pub at_ms: u64,
    /// What.
    #[serde(rename = "do")]
    pub kind: ActionKind,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// [`StartShutdown`]
    StartShutdown,
    /// [`ForceShutdown`]
    ForceShutdown,
}

impl Scenario {
    /// The manager of this scenario, not yet started. `options` may hold observers; what the scenario says
    /// is added to it.
    pub fn manager(&self, options: ManagerOptions) -> Manager {
        let millis = Duration::from_millis;
        let mut options = options
            .grpc_ping_service(self.ping)
            .grpc_server_address(self.grpc_address.as_deref().unwrap_or("127.0.0.1:0"))
            .drain_delay(millis(self.drain_delay_ms));
        if let Some(limit) = self.max_shutdown_ms {
            options = options.max_shutdown_duration(millis(limit));
        }
        if let Some(reserve) = self.release_reserve_ms {
            options = options.release_reserve(millis(reserve));
        }
        if let Some(threads) = self.service_threads {
            options = options.service_threads(threads);
        }
        self.services.iter().cloned().map(ScriptedService::new).fold(
            Manager::new(options),
            // A gRPC server runs where a service wants one.
            |manager, service| match self.grpc_address {
                Some(_) => manager.service_and_grpc(service),
                None => manager.service(service),
            },
        )
    }

    /// Does to a manager, just started, what the scenario says, in its time. Needs a tokio runtime.
    pub fn act(&self, manager: &Addr<Manager>) {
        for action in self.actions.clone() {
            let manager = manager.downgrade();
            actix_rt::spawn(async move {
                tokio::time::sleep(Duration::from_millis(action.at_ms)).await;
                let Some(manager) = manager.upgrade() else { return };
                match action.kind {
                    ActionKind::StartShutdown => manager.do_send(StartShutdown),
                    ActionKind::ForceShutdown => manager.do_send(ForceShutdown),
                }
            });
        }
    }
}
