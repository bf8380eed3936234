//! A scenario: a manager's options, scripted services, and what is done to them when.

use std::fmt::Debug;
use std::time::Duration;

use actix::{Addr, Handler, Message};
use serde::Deserialize;

use super::began::Began;
use super::behaviour::UnknownWord;
use super::lease_script::{RehearsedStore, StoreAction};
use super::scripted::ServiceScript;
use super::scripted_http::{IN_MEMORY, http_spec};
use crate::grpc::InMemory;
use crate::handover::{Handover, VARIABLE};
use crate::manager::{
    ForceShutdown, Manager, ManagerOptions, OrderError, Reload, RemoveService, RestartService, StartHandover,
    StartShutdown, StepDown, StopService,
};
use crate::operations::Operations;

/// What a rehearsal plays. Keys that are left out have the values of [`Scenario::default`].
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
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
    /// [`ManagerOptions::stuck_after`]; left out: 1 s.
    pub stuck_after_ms: Option<u64>,
    /// Whether the ping service runs, and a gRPC server for it.
    pub ping: bool,
    /// Where a gRPC server listens; `in-memory`: nowhere but in memory, as paused time wants it, at the place
    /// that the options give, if they do; left out: there is none, unless `ping`
    /// wants one.
    pub grpc_address: Option<String>,
    /// [`ManagerOptions::grpc_depends_on`].
    pub grpc_depends_on: Vec<String>,
    /// [`HttpServerOptions::stream_grace`](crate::http::HttpServerOptions::stream_grace), of HTTP services, and of the gRPC server; left out: 5 s.
    pub stream_grace_ms: Option<u64>,
    /// Where the [operations endpoint](crate::Operations) answers; left out: there is none.
    pub operations: Option<String>,
    /// Its [token](crate::Operations::token).
    pub operations_token: Option<String>,
    /// Whether the manager [hands over](ManagerOptions::handover) when it is told to; options that say how do, in any case.
    pub handover: bool,
    /// What is done to the manager. A process that was handed over to begins with these, too, but for `start_handover`.
    pub actions: Vec<Action>,
    /// The services.
    pub services: Vec<ServiceScript>,
    /// Where their leases are kept: in memory.
    #[serde(skip)]
    pub store: RehearsedStore,
}

/// Something done to a manager.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// When, in milliseconds since the manager's start.
    pub at_ms: u64,
    /// What.
    #[serde(rename = "do")]
    pub kind: ActionKind,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ActionKind {
    /// `start_shutdown`: [`StartShutdown`]
    StartShutdown,
    /// `force_shutdown`: [`ForceShutdown`]
    ForceShutdown,
    /// `reload`: [`Reload`]
    Reload,
    /// `start_handover`: [`StartHandover`]
    StartHandover,
    /// `restart:ID`: [`RestartService`]
    Restart(String),
    /// `stop:ID`: [`StopService`]
    Stop(String),
    /// `remove:ID`: [`RemoveService`]
    Remove(String),
    /// `step_down:ID`: [`StepDown`], for the usual time
    StepDown(String),
    /// `take_lease:NAME`: another replica has that lease from now on
    TakeLease(String),
    /// `free_lease:NAME`: nobody has it
    FreeLease(String),
    /// `store_away`: the store of leases is not to be reached from now on
    StoreAway,
    /// `store_back`: it is again
    StoreBack,
}

const ACTIONS: &str = "start_shutdown, force_shutdown, reload, start_handover, restart:ID, stop:ID, remove:ID, step_down:ID, \
     take_lease:NAME, free_lease:NAME, store_away, store_back";

impl TryFrom<String> for ActionKind {
    type Error = UnknownWord;

    fn try_from(word: String) -> Result<Self, UnknownWord> {
        Ok(match (word.as_str(), word.split_once(':')) {
            ("start_shutdown", _) => Self::StartShutdown,
            ("force_shutdown", _) => Self::ForceShutdown,
            ("reload", _) => Self::Reload,
            ("start_handover", _) => Self::StartHandover,
            (_, Some(("restart", id))) => Self::Restart(id.to_owned()),
            (_, Some(("stop", id))) => Self::Stop(id.to_owned()),
            (_, Some(("remove", id))) => Self::Remove(id.to_owned()),
            (_, Some(("step_down", id))) => Self::StepDown(id.to_owned()),
            (_, Some(("take_lease", name))) => Self::TakeLease(name.to_owned()),
            (_, Some(("free_lease", name))) => Self::FreeLease(name.to_owned()),
            ("store_away", _) => Self::StoreAway,
            ("store_back", _) => Self::StoreBack,
            _ => return Err(UnknownWord { word, known: ACTIONS }),
        })
    }
}

impl ActionKind {
    fn act(self, manager: &Addr<Manager>, store: &RehearsedStore) {
        match self {
            Self::StartShutdown => manager.do_send(StartShutdown),
            Self::ForceShutdown => manager.do_send(ForceShutdown),
            Self::Reload => order(manager, Reload),
            Self::StartHandover => order(manager, StartHandover),
            Self::Restart(id) => order(manager, RestartService(id)),
            Self::Stop(id) => order(manager, StopService(id)),
            Self::Remove(id) => order(manager, RemoveService(id)),
            Self::StepDown(id) => order(manager, StepDown { id, stay_out: None }),
            Self::TakeLease(name) => store.act(StoreAction::Take(&name)),
            Self::FreeLease(name) => store.act(StoreAction::Free(&name)),
            Self::StoreAway => store.act(StoreAction::Away(true)),
            Self::StoreBack => store.act(StoreAction::Away(false)),
        }
    }
}

/// Gives an order, and tells of its refusal as a log event.
fn order<M>(manager: &Addr<Manager>, order: M)
where
    M: Message<Result = Result<(), OrderError>> + Debug + Send + 'static,
    Manager: Handler<M>,
{
    let what = format!("{order:?}");
    let answer = manager.send(order);
    actix_rt::spawn(async move {
        if let Ok(Err(error)) = answer.await {
            tracing::warn!(order = what, %error, "an order was not carried out");
        }
    });
}

impl Scenario {
    /// The manager of this scenario, not yet started. `options` may hold observers; what the scenario says
    /// is added to it.
    pub fn manager(&self, options: ManagerOptions) -> Manager {
        let millis = Duration::from_millis;
        let options = options.grpc_ping_service(self.ping).drain_delay(millis(self.drain_delay_ms));
        let mut options = match self.grpc_address.as_deref().unwrap_or("127.0.0.1:0") {
            IN_MEMORY if !options.grpc_server.parts.in_memory.is_empty() => options,
            IN_MEMORY => options.grpc_in_memory(&InMemory::new()),
            address => options.grpc_server_address(address),
        };
        if let Some(limit) = self.max_shutdown_ms {
            options = options.max_shutdown_duration(millis(limit));
        }
        if let Some(reserve) = self.release_reserve_ms {
            options = options.release_reserve(millis(reserve));
        }
        options = options.grpc_depends_on(self.grpc_depends_on.clone());
        if let Some(limit) = self.stuck_after_ms {
            options = options.stuck_after(millis(limit));
        }
        if let Some(threads) = self.service_threads {
            options = options.service_threads(threads);
        }
        if let Some(address) = &self.operations {
            let operations = Operations::new(address);
            options = options.operations(match &self.operations_token {
                Some(token) => operations.token(token),
                None => operations,
            });
        }
        if self.handover && options.handover.is_none() {
            options = options.handover(Handover::new());
        }
        let grace = self.stream_grace_ms.map(millis);
        if let Some(grace) = grace {
            options.grpc_server.engine.stream_grace = Some(grace);
        }
        let began = Began::default();
        self.services.iter().fold(Manager::new(options), |manager, script| {
            match (http_spec(script, grace, &began), &self.grpc_address) {
                (Some(http), _) => manager.service(http),
                // A gRPC server runs where a service wants one. What stands by cannot answer calls.
                (None, Some(_)) if script.lease.is_none() => {
                    manager.service_and_grpc(script.spec_in(began.clone(), &self.store))
                }
                (None, _) => manager.service(script.spec_in(began.clone(), &self.store)),
            }
        })
    }

    /// Whether what it says goes together.
    ///
    /// # Errors
    /// What does not, as a sentence.
    pub fn check(&self) -> Result<(), String> {
        if self.operations_token.is_some() && self.operations.is_none() {
            return Err(
                "operations_token is of no use without operations: say where the endpoint is to listen"
                    .to_owned(),
            );
        }
        if let Some(leased) = self.services.iter().find(|script| script.lease.is_some() && self.handover) {
            return Err(format!(
                "service {:?} has a lease, and handover is true: the store is of one process, and a successor would have another; leave one out",
                leased.id
            ));
        }
        self.services.iter().try_for_each(ServiceScript::check)
    }

    /// Does to a manager, just started, what the scenario says, in its time. Needs a tokio runtime.
    pub fn act(&self, manager: &Addr<Manager>) {
        let is_successor = self.handover && std::env::var_os(VARIABLE).is_some();
        let taken = |action: &&Action| !is_successor || action.kind != ActionKind::StartHandover;
        for action in self.actions.iter().filter(taken).cloned() {
            let (manager, store) = (manager.downgrade(), self.store.clone());
            actix_rt::spawn(async move {
                tokio::time::sleep(Duration::from_millis(action.at_ms)).await;
                let Some(manager) = manager.upgrade() else { return };
                action.kind.act(&manager, &store);
            });
        }
    }
}
