//! A manager at work, from its first command to its last answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::Recipient;
use futures_util::future::join_all;
use tokio::sync::oneshot;
use tracing::Dispatch;

use super::inbox::{ManagerInput, ManagerSender, TimerEvent};
use super::notifying;
use super::predecessor::Predecessors;
use super::shell::Shell;
use super::shell_parts::Parts;
use super::stored_sockets::StoredSockets;
use super::watched_files::{self, FileWatch};
use crate::base::seconds;
#[cfg(feature = "testing")]
use crate::events::EventSender;
use crate::events::{self, EventStream, LifecycleEvent, Name};
use crate::grpc::{Gauge, GrpcRegistrar, Server};
use crate::handover::{self, Inheritance};
use crate::lifecycle::{ServiceIx, Stage};
use crate::manager::api::definition::CheckedDefinition;
use crate::manager::api::messages::GetStatus;
use crate::manager::api::pending_service::{Needed, PendingService};
use crate::manager::api::plan::ManagerPlan;
use crate::manager::api::status::ManagerStatus;
use crate::manager::observe::event_log::{EventLog, Subject};
use crate::manager::observe::flight_recorder::FlightRecorder;
use crate::manager::observe::logging::{self, Spans};
use crate::manager::outside;
use crate::manager::signals::{self, SomeHear};
use crate::operations::{Endpoint, LINGER};
use crate::report::{ConfigError, ManagerError, ShutdownReport};
use crate::server::worker::workers::Workers;
use crate::service::ServiceSpec;

/// How long the end waits for threads to drop what was left on them, when there is no more time.
const LAST_THREADS_WAIT: Duration = Duration::from_millis(15);
/// The same, while there is time: a thread with blocking tasks does not end before they do.
const THREADS_WAIT: Duration = Duration::from_millis(100);
/// How long it waits for the last events to be logged, and for systemd to be told of them.
const LOG_WAIT: Duration = Duration::from_millis(10);
/// How many of those who are waited for are named in a progress event.
const NAMED: usize = 5;

/// A manager that has started and not ended.
pub(crate) struct Running {
    pub(crate) shell: Shell,
    logged: Option<oneshot::Receiver<()>>,
    /// Resolves when systemd has been told all.
    notified: Option<oneshot::Receiver<()>>,
    /// What shows the manager from outside, until it is over.
    endpoint: Option<Endpoint>,
    /// Looks at files while it is there.
    _files: Option<FileWatch>,
}

/// A manager that has ended.
pub(crate) struct Ended {
    pub(super) result: Result<(), ManagerError>,
    pub(super) status: ManagerStatus,
}

impl Ended {
    pub(crate) fn refused(error: ManagerError) -> Self {
        let status =
            ManagerStatus::new(Stage::Stopped, Duration::ZERO, Vec::new(), &ShutdownReport::default());
        Self { result: Err(error), status }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn result(&self) -> &Result<(), ManagerError> {
        &self.result
    }
}

impl Running {
    pub(crate) fn begin(
        plan: CheckedDefinition,
        sketch: Option<ManagerPlan>,
        sender: ManagerSender,
    ) -> Result<Self, ConfigError> {
        let CheckedDefinition { options, checked, mut pending_services, mut specs, held, one_thread } = plan;
        let inheritance = match &checked.handover {
            Some(_) => {
                handover::keep_sockets();
                Inheritance::of_process()?
            }
            None => None,
        };
        let is_first = inheritance.is_none();
        let mut stored = StoredSockets::find();
        let meter = options.meter();
        let (endpoint, health) = match checked.operations {
            Some(operations) => {
                let (endpoint, health) = outside::show(operations, sketch, &sender, &meter, is_first)?;
                (Some(endpoint), Some(health.observer()))
            }
            None => (None, None),
        };
        let reloads = pending_services.iter().any(|pending| pending.reload_at_signal);
        let hands_over = options.handover.is_some();
        let also = reloads.then_some(SomeHear::Reload).into_iter();
        let also = also.chain(hands_over.then_some(SomeHear::Handover)).collect();
        let signals =
            if options.handle_signals { Some(signals::register(sender.clone(), also)?) } else { None };
        let registrar = GrpcRegistrar::new().with_layers(
            options.grpc_server.parts.handler_layers(),
            options.grpc_server.parts.middleware.clone(),
        );
        let (gauge, mut give_way) = (Gauge::default(), None);
        let workers = match one_thread {
            true => Workers::of_this_thread(),
            false => Workers::new(options.stuck_after),
        };
        let mut observers: Vec<_> = health.into_iter().chain(meter.observer()).collect();
        if options.serves(pending_services.iter().map(|pending| pending.kind.registers())) {
            let server = {
                let (registrar, sender) = (registrar.clone(), sender.clone());
                let ix = ServiceIx(pending_services.len() as u32);
                let on_notice = Arc::new(move |notice| sender.send(ManagerInput::Server(ix, notice)));
                Server::new(
                    checked.addresses,
                    checked.grpc_server,
                    registrar,
                    gauge.clone(),
                    on_notice,
                    workers.clone(),
                    meter.clone(),
                )
            };
            observers.push(server.observer());
            give_way = Some(server.give_way());
            // No service can hold up the thread that accepts connections.
            #[cfg(feature = "tls")]
            let has_files = server.has_tls_files();
            let mut spec = ServiceSpec::new(server).dedicated_thread();
            #[cfg(feature = "tls")]
            if has_files {
                spec = spec.reloadable_on_demand();
            }
            spec.depends_on.clone_from(&options.grpc_server.parts.depends_on);
            let server = PendingService::grpc_server(spec);
            let about = |on: ServiceIx| Needed {
                after_handover: pending_services[on.0 as usize].after_handover,
                leased: pending_services[on.0 as usize].lease.is_some(),
                ..Needed::default()
            };
            specs.push(server.spec(|on| place(&pending_services, on), about)?);
            pending_services.push(server);
        }
        let dispatch = options.dispatch.unwrap_or_else(Dispatch::none);
        let files = watched_files::start(
            options.watched_files,
            specs.iter().any(|spec| spec.reloadable),
            sender.clone(),
            dispatch.clone(),
        )?;
        let (log_sender, log_stream) = events::channel();
        let logged = logging::start(
            &dispatch,
            log_stream,
            options.flight_recorder,
            options.log_error_limit,
            one_thread,
        )?;
        observers.extend(options.observers);
        observers.extend(logged.is_some().then_some(log_sender));
        let known = |pending: &PendingService| (pending.id.clone(), pending.depends_on.clone());
        let services = pending_services.iter().map(known).collect();
        let ids = pending_services.iter().map(|pending| pending.id.clone());
        let notified = match options.notify_systemd {
            true => notifying::start(ids.collect(), &checked.budget, &sender, &dispatch, is_first)?,
            false => None,
        };
        let (tell_systemd, notified) = notified.unzip();
        observers.extend(tell_systemd);
        let before = inheritance.map(|one| Predecessors::watch(one, sender.clone())).transpose()?;
        let tells_systemd = notified.is_some();
        stored.keep(hands_over && tells_systemd, &dispatch)?;
        let mut shell = Shell::new(Parts {
            sender,
            signals,
            event_log: EventLog::new(services, observers, FlightRecorder::new(options.flight_recorder)),
            pending_services,
            specs,
            budget: checked.budget,
            registrar,
            gauge,
            give_way,
            spans: Spans::new(dispatch),
            service_threads: checked.service_threads,
            stuck_after: options.stuck_after,
            reload_timeout: options.reload_timeout,
            workers,
            endpoint: endpoint.as_ref().map_or_else(Vec::new, |endpoint| endpoint.addresses().to_vec()),
            endpoint_gate: endpoint.as_ref().map(Endpoint::gate),
            handover: checked.handover,
            tells_systemd,
            meter,
            held,
            one_thread,
            #[cfg(feature = "testing")]
            fault: options.rehearsal.fault,
        });
        shell.begin_with(stored);
        if let Some(before) = before {
            shell.succeed(before);
        }
        let mut running = Self { shell, logged, notified, endpoint, _files: files };
        running.tell_of_endpoint();
        Ok(running)
    }

    pub(crate) fn stage(&self) -> Stage {
        self.shell.stage()
    }

    /// Tells an observer of all that happens from now on.
    #[cfg(feature = "testing")]
    pub(crate) fn observe(&mut self, observer: EventSender) {
        self.shell.event_log.observers().add(observer);
    }

    /// A stream of all that happens from now on.
    pub(crate) fn subscribe(&mut self) -> EventStream {
        self.shell.event_log.observers().subscribe()
    }

    /// Nested managers that are not over.
    pub(crate) fn children(&self) -> Vec<(Name, Recipient<GetStatus>)> {
        self.shell.children()
    }

    /// What is due, if anything is.
    pub(crate) fn take_due(&mut self) -> Option<TimerEvent> {
        self.shell.take_due()
    }

    #[cfg(all(test, feature = "testing"))]
    pub(crate) fn sender(&self) -> super::inbox::ManagerSender {
        self.shell.sender.clone()
    }

    #[cfg(all(test, feature = "testing"))]
    pub(crate) fn do_after(&mut self, time: Duration, tick: TimerEvent) {
        self.shell.later(time, tick);
    }

    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.shell.due_times.first()
    }

    pub(super) fn status(&mut self) -> ManagerStatus {
        let (mut status, ids) = self.status_begun();
        status.services = ids.iter().filter_map(|id| self.shell.service_status(id, status.up)).collect();
        status
    }

    /// The same without the services, and their ids in the order in which they were handed over.
    pub(super) fn status_begun(&mut self) -> (ManagerStatus, Vec<Name>) {
        let grpc = self.shell.gauge.in_flight().filter(|_| self.stage() != Stage::Stopped);
        let (stage, addresses) = (self.stage(), self.shell.grpc_addresses());
        let operations_addresses = self.shell.endpoint.clone();
        let handover = self.shell.handover_status();
        let event_log = &mut self.shell.event_log;
        let now = event_log.now();
        let mut status = ManagerStatus::new(stage, now, addresses, event_log.report_mut().report());
        status.grpc = grpc;
        status.operations_addresses = operations_addresses;
        status.handover = handover;
        status.history = event_log.recorder().events();
        (status, event_log.report().ids())
    }

    /// Says who is being waited for.
    pub(crate) fn progress(&mut self) {
        let event = LifecycleEvent::Progress {
            left: self.shell.left(),
            of: self.shell.all(),
            waiting_for: self.shell.waiting_for(),
            to_force: self.shell.to_force(),
        };
        self.shell.event_log.emit(event);
    }

    /// All is over: what still lies on the threads goes with them.
    pub(crate) fn stop_threads(&mut self) {
        self.shell.event_log.keep_history();
        self.shell.event_log.observers().close();
        let threads = self.shell.stop_threads();
        let told = self.logged.take().into_iter().chain(self.notified.take());
        let sender = self.shell.sender.clone();
        let wait = self.shell.to_force().unwrap_or(THREADS_WAIT);
        let wait = wait.clamp(LAST_THREADS_WAIT, THREADS_WAIT);
        // One that was called off must not take this process's end for a death that leaves all to it.
        let successor = self.shell.successor_called_off();
        // Whoever follows the events is told of the end before the manager's users are: they may end the process.
        let linger = wait.min(LINGER);
        let endpoint = self.endpoint.take().map(|endpoint| endpoint.stop(linger));
        // The timers below belong to the thread's runtime, which looks at them seldom while messages never end: this one is the
        // manager's own. The end is told once, whichever comes first.
        self.shell.due_times.after(wait + LOG_WAIT, TimerEvent::Finished);
        actix_rt::spawn(async move {
            let shown = async {
                if let Some(over) = endpoint {
                    over.await;
                }
            };
            let _ = tokio::join!(
                tokio::time::timeout(wait, threads),
                tokio::time::timeout(wait, shown),
                tokio::time::timeout(wait, successor)
            );
            let _ = tokio::time::timeout(LOG_WAIT, join_all(told)).await;
            sender.send(ManagerInput::Timer(TimerEvent::Finished));
        });
    }
}

impl Shell {
    /// Who has begun something and not finished it, the first of them by name.
    pub(super) fn waiting_for(&self) -> String {
        let event_log = &self.event_log;
        let open = event_log.open();
        let name = |subject| match subject {
            Subject::Service(ix, _) => event_log.id(ix).clone(),
            Subject::Resource(resource) => event_log.resource_name(resource).clone(),
        };
        let mut waiting_for: Vec<String> = open
            .iter()
            .take(NAMED)
            .map(|&(subject, lasted)| {
                format!("{} ({}, {})", name(subject), subject.activity(), seconds(lasted))
            })
            .collect();
        if open.len() > NAMED {
            waiting_for.push(format!("and {} more", open.len() - NAMED));
        }
        waiting_for.join(", ")
    }
}

fn place(pending_services: &[PendingService], id: &Name) -> Option<ServiceIx> {
    pending_services.iter().position(|pending| pending.id == *id).map(|at| ServiceIx(at as u32))
}
