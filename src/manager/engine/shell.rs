//! The shell around the rules: what actors, timers and signals tell goes in as an input, and what comes out
//! as a command becomes a message.
//!
//! No rule of order is decided here. What is: which thread an actor lives on, how long a forced end waits
//! for its acknowledgement, and who blocks whom.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use tokio_util::task::TaskTracker;

use super::due_times::DueTimes;
use super::forced_actors::Forcing;
use super::handover_state::Handovers;
use super::inbox::{Generation, ManagerInput, ManagerSender, TimerEvent};
use super::open_orders::OpenOrders;
use super::permits::Permits;
use super::reload_state::Reloads;
use super::service_slot::ServiceSlot;
use super::shell_parts::Parts;
use crate::base::clock;
use crate::grpc::{Gauge, GrpcAddress, GrpcRegistrar};
use crate::lifecycle::{
    Absence, Announcement, Budget, Command, Commands, Input, Machine, ResourceIx, ServiceIx, Stage,
};
use crate::manager::observe::event_log::{Detail, EventLog};
use crate::manager::observe::logging::Spans;
use crate::manager::observe::watchdog::Watchdog;
use crate::manager::observe::worker_stalls::WorkerStalls;
use crate::manager::signals::Registration;
use crate::metrics::Meter;
use crate::operations::Gate;
use crate::server::give_way::GiveWay;
use crate::server::worker::workers::Workers;
use crate::service::{Deadlines, Leases, Provided, Started};
use crate::supervision::{Lodgers, OnForeignStop, Pool, Thread, batched};

/// The moment that resources get which were never asked before the deadline.
pub(crate) const LAST_CALL: Duration = Duration::from_millis(20);

/// A manager at work.
pub(crate) struct Shell {
    pub(crate) sender: ManagerSender,
    pub(crate) machine: Machine,
    pub(crate) event_log: EventLog,
    pub(crate) services: Vec<ServiceSlot>,
    pub(crate) budget: Budget,
    pub(crate) limits: Arc<Deadlines>,
    pub(crate) registrar: GrpcRegistrar,
    pub(crate) gauge: Gauge,
    /// Has the gRPC server give way, where there is one.
    pub(crate) give_way: Option<GiveWay>,
    pub(crate) spans: Spans,
    pub(crate) service_threads: Arc<Pool>,
    pub(crate) resource_threads: Arc<Pool>,
    pub(crate) due_times: DueTimes,
    pub(crate) inputs: VecDeque<(Input, Detail)>,
    commands: Commands,
    pub(crate) forcing: Forcing,
    pub(crate) absence: Absence,
    /// Threads that are to show that they run again after an absence.
    pub(crate) called: Vec<(Arc<Thread>, Arc<AtomicBool>)>,
    pub(crate) deadline: Option<Instant>,
    /// The turns in which services stop.
    pub(crate) shares: u32,
    /// The latest life of any service.
    pub(crate) generation: Generation,
    pub(crate) orders: OpenOrders,
    pub(super) permits: Permits,
    pub(super) reloads: Reloads,
    pub(super) handovers: Handovers,
    /// The thread that keeps leases, once one was needed.
    pub(super) leases: Option<Leases>,
    /// Whether systemd hears of this manager.
    pub(super) tells_systemd: bool,
    /// Has the manager told of signals, unless it handles none.
    pub(super) signals: Option<Registration>,
    /// How long a service's part in a reload may take.
    pub(super) reload_timeout: Duration,
    pub(crate) watchdog: Watchdog,
    pub(crate) worker_stalls: WorkerStalls,
    /// What services share.
    pub(super) provided: Provided,
    /// What the connections of all servers are served by.
    pub(super) workers: Workers,
    /// Where the operations endpoint listens.
    pub(super) endpoint: Vec<GrpcAddress>,
    /// Has it accept connections, or not.
    pub(super) endpoint_gate: Option<Gate>,
    /// What counts for it.
    pub(super) meter: Meter,
    /// What is still to go wrong, in a rehearsal.
    #[cfg(feature = "testing")]
    pub(crate) fault: Option<crate::manager::test_support::fault::Fault>,
}

impl Shell {
    pub(crate) fn new(parts: Parts) -> Self {
        let sender = parts.sender.clone();
        let on_foreign_stop: OnForeignStop =
            Arc::new(move |stop| sender.send(ManagerInput::ForeignStop(stop)));
        let (threads, dispatch) = (parts.service_threads, parts.spans.dispatch().clone());
        let watchdog = Watchdog::new(parts.stuck_after, &parts.sender);
        let pool = |kind| {
            Arc::new(match parts.one_thread {
                true => Pool::of_this_thread(&dispatch),
                false => Pool::new(
                    threads,
                    Lodgers {
                        kind,
                        home: actix_rt::Arbiter::current(),
                        dispatch: dispatch.clone(),
                        wake_monitor: watchdog.wake_monitor(),
                        on_foreign_stop: Arc::clone(&on_foreign_stop),
                    },
                ),
            })
        };
        let provided = Provided::default();
        for pending in &parts.pending_services {
            provided.depends(&pending.id, &pending.depends_on);
        }
        let reloads = Reloads::new(parts.specs.iter().any(|spec| spec.reloadable));
        let mut machine = Machine::new(parts.specs, !parts.budget.drain_delay().is_zero());
        if parts.held {
            machine.hold();
        }
        let mut shell = Self {
            sender: parts.sender,
            machine,
            event_log: parts.event_log,
            services: parts.pending_services.into_iter().map(ServiceSlot::new).collect(),
            budget: parts.budget,
            limits: Arc::default(),
            registrar: parts.registrar,
            gauge: parts.gauge,
            give_way: parts.give_way,
            spans: parts.spans,
            service_threads: pool("service"),
            resource_threads: pool("resource"),
            due_times: DueTimes::default(),
            inputs: VecDeque::new(),
            commands: Commands::new(),
            forcing: Forcing::default(),
            absence: Absence::default(),
            called: Vec::new(),
            deadline: None,
            shares: 1,
            generation: Generation::default(),
            orders: OpenOrders::default(),
            permits: Permits::default(),
            reloads,
            handovers: Handovers::new(parts.handover),
            leases: None,
            tells_systemd: parts.tells_systemd,
            signals: parts.signals,
            reload_timeout: parts.reload_timeout,
            watchdog,
            worker_stalls: WorkerStalls::default(),
            provided,
            workers: parts.workers,
            endpoint: parts.endpoint,
            endpoint_gate: parts.endpoint_gate,
            meter: parts.meter,
            #[cfg(feature = "testing")]
            fault: parts.fault,
        };
        for at in 0..shell.services.len() {
            shell.meter_service(ServiceIx(at as u32));
            shell.connect_server(ServiceIx(at as u32));
            shell.note_lease(ServiceIx(at as u32));
        }
        shell
    }

    pub(crate) fn stage(&self) -> Stage {
        self.machine.stage()
    }

    /// Until whatever is left is forced.
    pub(crate) fn to_force(&self) -> Option<Duration> {
        self.deadline.map(|at| at.saturating_duration_since(clock::now()))
    }

    /// Services and resources, past and present.
    pub(crate) fn all(&self) -> usize {
        self.services.iter().map(|service| 1 + service.resources.len()).sum()
    }

    /// Services and resources that have not come to their end.
    pub(crate) fn left(&self) -> usize {
        self.machine.left()
    }

    /// Whether every service runs and the gRPC server, where there is one, accepts calls.
    pub(crate) fn is_ready(&self) -> bool {
        self.machine.is_ready()
    }

    /// Whether every service is set up, and runs as soon as that is allowed.
    pub(crate) fn is_set_up(&self) -> bool {
        self.machine.is_set_up()
    }

    /// Ends every thread; resolves when all but blocked ones have dropped what was left on them.
    pub(crate) fn stop_threads(&self) -> impl Future<Output = ()> + use<> {
        // One for all: who waits is woken by the last thread alone.
        let ends = TaskTracker::new();
        self.service_threads.stop(&ends);
        self.resource_threads.stop(&ends);
        ends.close();
        let workers = self.workers.stop();
        async move {
            ends.wait().await;
            workers.await;
        }
    }

    /// Lets the rules take note of something, and does what they say.
    pub(crate) fn feed(&mut self, input: Input, detail: Detail) {
        self.inputs.push_back((input, detail));
        self.feed_queued();
    }

    pub(crate) fn feed_queued(&mut self) {
        batched(|| {
            // The same memory for each step: what is told to ten thousand takes much.
            let mut commands = std::mem::take(&mut self.commands);
            while let Some((input, detail)) = self.next_input() {
                if let Err(taken) = self.take_step(input, &mut commands) {
                    self.inputs.push_front((input, detail));
                    self.hear_first(taken);
                    continue;
                }
                self.event_log.count_input();
                for command in commands.drain(..) {
                    self.execute(command, &detail);
                }
            }
            self.commands = commands;
        });
    }

    fn execute(&mut self, command: Command, detail: &Detail) {
        match command {
            Command::Send(ix, step) => self.send(ix, step),
            Command::SignalRequested(ix) => self.signal_requested(ix),
            Command::Suspend(ix) => self.suspend(ix),
            Command::Restart(ix) => self.restart(ix),
            Command::Permit(ix) => self.permit(ix),
            // The next life, too, is of no use any more.
            Command::Withdraw(ix) => self.service(ix).next_life = None,
            Command::Adopt(ix) => self.adopt(ix),
            Command::Retire(ix) => self.retire(ix),
            Command::Force(ix) => self.force(ix),
            Command::CloseResources(ix) => self.close_resources(ix),
            Command::Release(resource) => self.release(resource),
            Command::ForceResource(resource) => self.force_resource(resource),
            Command::StartDeadlines { shares } => self.start_deadlines(shares),
            Command::StartDrainDelay => self.timer(self.budget.drain_delay(), Input::DrainDelayOver),
            Command::StartLastCall => self.timer(LAST_CALL, Input::LastCallOver),
            Command::StartDelay(ix, repeat) => self.start_delay(ix, repeat),
            Command::StartStopTimer(ix, of) => self.start_stop_timer(ix, of),
            Command::Exit(signal) => crate::process::end(128 + signal.number(), None),
            Command::Reload(ix, step) => self.send_reload(ix, step),
            Command::StartReloadTimer(ix) => self.start_reload_timer(ix),
            Command::StartSuccessor => self.start_successor(),
            Command::EndSuccessor => self.end_successor(),
            Command::StartHandoverTimer => self.start_handover_timer(),
            Command::PassOn => self.pass_on(),
            Command::TakeBack => self.take_back(),
            Command::GiveWay(ix) => self.give_way(ix),
            Command::Resume(ix) => self.resume(ix),
            Command::StartGiveWayTimer => self.start_give_way_timer(),
            Command::CheckLease(ix) => self.check_lease(ix),
            Command::SeekLease(ix) => self.seek_lease(ix),
            Command::ReturnLease(ix) => self.return_lease(ix),
            Command::LeaveLease(ix) => self.leave_lease(ix),
            Command::StartStayOut(ix) => self.start_stay_out(ix),
            Command::Announce(announcement) => self.announce(announcement, detail),
        }
    }

    fn announce(&mut self, announcement: Announcement, detail: &Detail) {
        let copy = announcement.clone();
        let own = self.reload_detail(&announcement, detail).or_else(|| self.handover_detail(&announcement));
        let detail = own.as_ref().unwrap_or(detail);
        let reason = match announcement {
            Announcement::ServiceRemoved(ix) => {
                self.event_log.last_failure(ix).or_else(|| self.taken_along(ix))
            }
            _ => detail.text(),
        };
        if let Announcement::SetupRetried(ix, _) = announcement {
            self.count_setup_retry(ix);
        }
        if announcement == Announcement::Stopped {
            self.close_stalls();
            self.close_worker_stalls();
        }
        if matches!(announcement, Announcement::ShutdownRequested(_)) {
            // Whoever hears of it finds it so.
            self.begin_closing();
        }
        self.event_log.announce(announcement, detail);
        #[cfg(feature = "testing")]
        self.strike_at(&copy);
        self.follow_handover(&copy);
        self.inform_predecessor(&copy);
        self.follow_sockets(&copy);
        match copy {
            Announcement::Stopped => self.sender.send(ManagerInput::Timer(TimerEvent::Stopped)),
            Announcement::Running => self.all_are_up(),
            other => {
                if let Announcement::ServiceRemoved(ix) = other {
                    self.forget(ix);
                }
                self.count_restarts(&other);
                self.count_set_ups(&other);
                self.follow_reload(&other, reason.as_deref());
                self.carry_out(&other, reason);
            }
        }
    }

    pub(crate) fn service(&mut self, ix: ServiceIx) -> &mut ServiceSlot {
        &mut self.services[ix.0 as usize]
    }

    pub(crate) fn resource(&mut self, resource: ResourceIx) -> Arc<Started> {
        Arc::clone(&self.service(resource.service).resources[resource.index as usize])
    }
}
