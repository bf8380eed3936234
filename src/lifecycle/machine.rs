//! What goes in, and to whom it goes. The rules themselves are in `starting`, `adding`, `failing`, `restarting`, `stopping`,
//! `releasing`, `reloading`, `handover`, `store_checks`, `leasing` and `stepping_down`.

use std::collections::VecDeque;

use super::announcement::Announcement;
use super::handover_state::Handover;
use super::io::{Command, Input};
use super::lease_state::Leases;
use super::names::{Cause, ResourceIx, ServiceIx, SignalKind, Stage};
use super::reload_state::Reload;
use super::service::{Dependent, Life, Service};
use super::spec::{RestartMode, Spec, start_order};
use super::stop_state::Stopping;

/// Every rule of a manager's life, as a value.
///
/// The counters are what the shells of ten thousand services need: each input costs the same, however
/// many services there are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Machine {
    pub(super) services: Vec<Service>,
    /// Everybody after those that it depends on.
    pub(super) order: Vec<ServiceIx>,
    /// Places of services that were removed.
    pub(super) vacant: Vec<ServiceIx>,
    pub(super) stage: Stage,
    pub(super) stopping: Stopping,
    pub(super) reload: Reload,
    pub(super) handover: Handover,
    pub(super) leases: Leases,
    pub(super) signals: u8,
    pub(super) running_announced: bool,
    /// Whether anybody but the server may start.
    pub(super) opened: bool,
    /// Whether nobody may run yet, although all are set up.
    pub(super) held: bool,
    /// Services that are up.
    pub(super) up: u32,
    /// Services with a main loop that runs or will run.
    pub(super) working: u32,
    /// Steps sent and not over.
    pub(super) open_steps: usize,
    /// `Run`s sent and not over.
    pub(super) open_runs: usize,
    /// Actors of services that are not gone.
    pub(super) actors: usize,
    /// Resources that are not over.
    pub(super) resources: usize,
    /// Services that were told to start no further resources, and have not confirmed it.
    pub(super) closing: usize,
    /// Services to be looked at before the step is over.
    touched: VecDeque<ServiceIx>,
}

/// What a step of the machine leaves to be done, in order.
pub(crate) type Commands = Vec<Command>;

impl Machine {
    /// A machine for these services, whose dependencies form no cycle. At most one is the server.
    pub(crate) fn new(specs: impl IntoIterator<Item = Spec>, drain_delay: bool) -> Self {
        let services: Vec<Service> = specs.into_iter().map(Service::new).collect();
        let needs = |service: &Service| service.depends_on.iter().map(|on| on.on.0 as usize).collect();
        let order = start_order(&services.iter().map(needs).collect::<Vec<_>>()).unwrap_or_default();
        debug_assert_eq!(order.len(), services.len(), "dependencies were checked");
        let mut machine = Self {
            services,
            order: order.into_iter().map(|at| ServiceIx(at as u32)).collect(),
            vacant: Vec::new(),
            stage: Stage::Created,
            stopping: Stopping::new(drain_delay),
            reload: Reload::default(),
            handover: Handover::default(),
            leases: Leases::default(),
            signals: 0,
            running_announced: false,
            opened: false,
            held: false,
            up: 0,
            working: 0,
            open_steps: 0,
            open_runs: 0,
            actors: 0,
            resources: 0,
            closing: 0,
            touched: VecDeque::new(),
        };
        for ix in machine.each() {
            machine.join(ix);
        }
        machine
    }

    /// Has it send no `Run` before [`Input::RunAllowed`].
    pub(crate) fn hold(&mut self) {
        self.held = true;
    }

    /// The thread of a service, or of one of its resources, is of no use any more: whatever fails of it from now on is a failure of
    /// what is needed, and it is not started again by itself. Its permit to do so is to be taken back before.
    pub(crate) fn lost_its_thread(&mut self, ix: ServiceIx) {
        let service = self.service(ix);
        (service.mode, service.lost_its_thread, service.permitted) = (RestartMode::Never, true, false);
        service.most_setup_retries = Some(0);
    }

    /// Whether every service is set up, or runs already, and nothing has asked for the shutdown.
    pub(crate) fn is_set_up(&self) -> bool {
        self.stage == Stage::Running || (self.stage == Stage::SettingUp && self.all_are_set_up())
    }

    /// A place for a service that is handed to the running manager; [`Input::Added`] starts it.
    pub(crate) fn add(&mut self, spec: Spec) -> ServiceIx {
        let service = Service::new(spec);
        let ix = match self.vacant.pop() {
            Some(ix) => {
                *self.service(ix) = service;
                ix
            }
            None => {
                self.services.push(service);
                ServiceIx(self.services.len() as u32 - 1)
            }
        };
        self.order.push(ix);
        self.join(ix);
        self.wait_if_marked(ix);
        ix
    }

    /// A service makes itself known to those that it depends on.
    fn join(&mut self, ix: ServiceIx) {
        for dependency in self.service(ix).depends_on.clone() {
            let dependent = Dependent { by: ix, survives: dependency.survives };
            self.service(dependency.on).dependents.push(dependent);
            let missing = u32::from(!self.service(dependency.on).facts.up);
            let neighbours = &mut self.service(ix).neighbours;
            neighbours.missing += missing;
            neighbours.lost += if dependency.survives { 0 } else { missing };
        }
        self.note(ix);
        // No other service is concerned.
        self.touched.clear();
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether the manager was started, and nothing has asked for the shutdown.
    pub(super) fn is_active(&self) -> bool {
        matches!(self.stage, Stage::SettingUp | Stage::Running)
    }

    /// Whether every service runs, and nothing has asked for the shutdown.
    pub(crate) fn is_ready(&self) -> bool {
        self.stage == Stage::Running && self.running_announced
    }

    /// Services and resources that an end waits for: a service that has settled is not among them, unless
    /// its actor does not go.
    pub(crate) fn left(&self) -> usize {
        let unsettled = self.services.iter().filter(|service| !service.is_settled()).count();
        // Of the stores it waits only when nothing else is left.
        let leases = if self.stage == Stage::Releasing { self.leases.open as usize } else { 0 };
        self.resources + leases + if self.stopping.retired { self.actors } else { unsettled }
    }

    /// Takes note of what happened, and tells what is to be done about it.
    #[cfg(all(test, rules_alone))]
    pub(crate) fn step(&mut self, input: Input) -> Commands {
        let mut out = Commands::new();
        self.take_step(input, &mut out);
        out
    }

    /// Takes note of what happened, and adds what is to be done about it.
    pub(crate) fn take_step(&mut self, input: Input, out: &mut Commands) {
        // After the end, only a third signal still means something.
        let too_late = self.stage == Stage::Stopped && !matches!(input, Input::Signal(_));
        if too_late || !self.knows(input) {
            return;
        }
        self.take(input, out);
        loop {
            while let Some(ix) = self.touched.pop_front() {
                self.examine(ix, out);
            }
            self.advance(out);
            if self.touched.is_empty() {
                return;
            }
        }
    }

    fn take(&mut self, input: Input, out: &mut Commands) {
        match input {
            Input::Start => self.start(out),
            Input::RunAllowed => self.run_allowed(out),
            Input::Answered(service, step, answer) => self.answered(service, step, answer, out),
            Input::Serving(service) => self.serving(service, out),
            Input::Panicked(service) => self.panicked(service, None, out),
            Input::Suspended(service, departure) => self.suspended(service, departure, out),
            Input::StartedOver(service, departure) => self.started_over(service, departure, out),
            Input::Gone(service, departure) => self.gone(service, departure, out),
            Input::ResourceStarted(service) => self.resource_started(service, out),
            Input::ResourcesClosed(service) => self.resources_closed(service, out),
            Input::Released(resource, answer) => self.released(resource, answer, out),
            Input::ResourcePanicked(resource) => self.panicked(resource.service, Some(resource), out),
            Input::ResourceGone(resource, departure) => self.resource_gone(resource, departure, out),
            Input::ShutdownAsked => self.request_shutdown(Cause::StartShutdown, out),
            Input::ForceAsked => self.force_now(Cause::ForceShutdown, out),
            Input::StopAsked(service) => self.stop_asked(service, out),
            Input::RestartAsked(service) => self.restart_asked(service, out),
            Input::RemoveAsked(service) => self.remove_asked(service, out),
            Input::Added(service) => self.added(service, out),
            Input::DelayOver(service) => self.delay_over(service),
            Input::Forgotten(service, repeat, count) => self.forgotten(service, repeat, count, out),
            Input::StopTimeout(service) => self.stop_timeout(service, out),
            Input::ReloadAsked => self.reload_asked(out),
            Input::ReloadAnswered(service, step, answer) => self.reload_answered(service, step, answer, out),
            Input::ReloadTimeout(service) => self.reload_timeout(service, out),
            Input::HandoverAsked => self.handover_asked(out),
            Input::SuccessorReady => self.successor_ready(out),
            Input::SuccessorGone => self.successor_gone(out),
            Input::HandoverTimeout => self.handover_timeout(out),
            Input::GaveWay(service) => self.gave_way(service),
            Input::GiveWayOver => self.give_way_over(out),
            Input::PredecessorGone => self.predecessor_gone(out),
            Input::LeaseChecked(service) => self.lease_checked(service, out),
            Input::LeaseAcquired(service) => self.lease_acquired(service, out),
            Input::LeaseLost(service) => self.lease_lost(service, out),
            Input::LeaseExpired(service) => self.lease_expired(service, out),
            Input::LeaseRefused(service) => self.lease_refused(service, out),
            Input::LeaseReturned(service) => self.lease_returned(service, out),
            Input::StepDownAsked(service) => self.step_down_asked(service, out),
            Input::StayOutOver(service) => self.stay_out_over(service),
            Input::ShareSpent(share) => self.share_spent(share),
            Input::Signal(signal) => self.signal(signal, out),
            Input::DrainDelayOver => self.drain_delay_over(out),
            Input::ReserveReached => self.reserve_reached(out),
            Input::DeadlineReached => self.deadline_reached(out),
            Input::LastCallOver => self.last_call_over(out),
        }
    }

    /// Whether the input speaks of services and resources that exist.
    fn knows(&self, input: Input) -> bool {
        let Some((ix, resource)) = input.subject() else { return true };
        let service = self.services.get(ix.0 as usize).filter(|service| !service.vacant);
        service.is_some_and(|service| resource.is_none_or(|index| (index as usize) < service.resources.len()))
    }

    pub(super) fn service(&mut self, ix: ServiceIx) -> &mut Service {
        &mut self.services[ix.0 as usize]
    }

    pub(super) fn get(&self, ix: ServiceIx) -> &Service {
        &self.services[ix.0 as usize]
    }

    pub(super) fn each(&self) -> impl Iterator<Item = ServiceIx> + use<> {
        (0..self.services.len() as u32).map(ServiceIx)
    }

    pub(super) fn each_resource(&self) -> Vec<ResourceIx> {
        let of = |ix: ServiceIx| {
            let count = self.get(ix).resources.len() as u32;
            (0..count).map(move |index| ResourceIx { service: ix, index })
        };
        self.each().flat_map(of).collect()
    }

    /// A service is looked at before the step is over.
    pub(super) fn touch(&mut self, ix: ServiceIx) {
        self.touched.push_back(ix);
    }

    /// What a service may do now, by what others have come to.
    fn examine(&mut self, ix: ServiceIx, out: &mut Commands) {
        self.review_permit(ix, out);
        self.note_reload(ix, out);
        self.note_handover(ix);
        match (self.stage, self.get(ix).life) {
            (Stage::SettingUp | Stage::Running, Life::Down) => self.start_when_due(ix, out),
            (Stage::SettingUp | Stage::Running, Life::On) if !self.get(ix).has_begun() => {
                self.set_up_when_due(ix, out)
            }
            (Stage::Running, Life::On) if self.get(ix).neighbours.lost > 0 => self.follow(ix, out),
            (Stage::SettingUp | Stage::Running, Life::Leaving(stop_mode)) => {
                self.leave_further(ix, stop_mode, out)
            }
            (Stage::Stopping, _) => self.ask_when_due(ix, out),
            (Stage::Releasing, _) => {
                self.release_when_due(ix, out);
                self.return_when_cleared(ix, out);
            }
            _ => {}
        }
    }

    /// G12: gracefully, then now, then at once.
    fn signal(&mut self, signal: SignalKind, out: &mut Commands) {
        self.signals = self.signals.saturating_add(1);
        match self.signals {
            1 => self.request_shutdown(Cause::Signal(signal), out),
            2 => self.force_now(Cause::Signal(signal), out),
            _ => out.push(Command::Exit(signal)),
        }
    }

    pub(super) fn announce(&self, announcement: Announcement, out: &mut Commands) {
        out.push(Command::Announce(announcement));
    }
}
