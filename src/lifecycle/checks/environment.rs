//! What may happen next: everything that services, resources, users, signals and timers can do.
//!
//! A hang is not an action: it is never taking one. So whatever is listed here may also never come,
//! except what is [`forced_to_come`].

use super::super::io::{Answer, Departure, Input};
use super::super::names::{Kind, Repeat, ResourceIx, ServiceIx, SignalKind, Step};
use super::super::reload_names::ReloadStep;
use super::leases::Tenure;
use super::permits::of_permits;
use super::reloads::Part;
use super::watched::{Hold, Life, Once, Pressure, Seen, Transition, Watched, Way};
use super::world::World;

/// The bounds of an environment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// How many resources each service may start.
    pub(super) resources: usize,
    pub(super) server_resources: usize,
    /// Whether there is a deadline, and a reserve before it.
    pub(super) deadline: bool,
    pub(super) signals: bool,
    /// Whether users ask for the shutdown.
    pub(super) shutdown: bool,
    /// How many orders users may give to single services.
    pub(super) orders: u8,
    /// How many reloads are asked for.
    pub(super) reloads: u8,
    /// How many hand-overs are asked for.
    pub(super) handovers: u8,
    /// How many leases each service may lose.
    pub(super) leases: u8,
    /// How many restarts, and how many retries of its set-up, the budgets of each service may forget.
    pub(super) forgotten: u8,
    /// Whether panics outside of steps, and losses of resources, happen.
    pub(super) strays: bool,
    pub(super) answers: &'static [Answer],
    pub(super) departures: &'static [Departure],
}

pub(super) const ALL_ANSWERS: &[Answer] =
    &[Answer::Ok, Answer::Error, Answer::OwnError, Answer::Panic, Answer::Missing];
pub(super) const ALL_DEPARTURES: &[Departure] =
    &[Departure::Ended, Departure::Panicked, Departure::Dismissed, Departure::Abandoned];

/// Everything that may happen next.
pub(super) fn possible(world: &World, bounds: &Bounds, to: &mut Vec<Input>) {
    if world.stopped || world.exited {
        return;
    }
    if let Some((ix, service)) = world.each().find(|(_, service)| service.closing == Once::Pending) {
        // Answered on the spot, so that nothing comes between, but for what others began before that is taken in.
        world.each().for_each(|(ix, service)| of_permits(ix, service, bounds, to));
        to.extend(may_start(service, bounds).then_some(Input::ResourceStarted(ix)));
        to.push(Input::ResourcesClosed(ix));
        return;
    }
    for (ix, service) in world.each().filter(|(_, service)| !service.vacant) {
        of_service(ix, service, world, bounds, to);
        of_restarts(ix, service, world, bounds, to);
    }
    of_users(world, bounds, to);
    world.possible_of_handover(bounds.handovers, to);
    world.possible_of_leases(bounds.leases, to);
    to.extend(timers(world, bounds));
}

fn of_service(ix: ServiceIx, service: &Watched, world: &World, bounds: &Bounds, to: &mut Vec<Input>) {
    if service.lives() {
        for step in Step::ALL.into_iter().filter(|&step| service.is_open(step)) {
            to.extend(bounds.answers.iter().map(|&answer| Input::Answered(ix, step, answer)));
        }
        to.extend((bounds.strays && !service.rests()).then_some(Input::Panicked(ix)));
        let departures = || bounds.departures.iter().copied();
        of_permits(ix, service, bounds, to);
        let rests = departures().filter(|&departure| world.can_rest(ix, departure));
        to.extend(rests.map(|departure| Input::Suspended(ix, departure)));
        // One that can rest does so when it goes by itself.
        let rests_instead = |departure| {
            matches!(departure, Departure::Ended | Departure::Panicked)
                && world.spec(ix).restartable
                && !bounds.strays
        };
        let goes = departures().filter(|&d| world.can_go(ix, d) && !rests_instead(d));
        to.extend(goes.map(|departure| Input::Gone(ix, departure)));
    }
    if service.closing == Once::NotYet && may_start(service, bounds) {
        to.push(Input::ResourceStarted(ix));
    }
    for (index, &hold) in service.holds().iter().enumerate() {
        of_resource(ResourceIx { service: ix, index: index as u32 }, hold, bounds, to);
    }
}

/// Restarts, and orders to a single service.
fn of_restarts(ix: ServiceIx, service: &Watched, world: &World, bounds: &Bounds, to: &mut Vec<Input>) {
    to.extend((service.delay == Once::Pending).then_some(Input::DelayOver(ix)));
    to.extend(service.stop_timer.then_some(Input::StopTimeout(ix)));
    let forgets = service.restarts > 0 && service.forgotten < bounds.forgotten;
    to.extend(forgets.then_some(Input::Forgotten(ix, Repeat::Restart, 1)));
    let forgets = service.setup_retries > 0 && service.setup_retries_forgotten < bounds.forgotten;
    to.extend(forgets.then_some(Input::Forgotten(ix, Repeat::Setup, 1)));
    for (part, step) in [(Part::Preparing, ReloadStep::Prepare), (Part::Committing, ReloadStep::Commit)] {
        if service.part == part {
            to.extend(bounds.answers.iter().map(|&answer| Input::ReloadAnswered(ix, step, answer)));
        }
    }
    to.extend(service.is_awaited_in_reload().then_some(Input::ReloadTimeout(ix)));
    if world.orders < bounds.orders && service.kind != Kind::Server {
        to.extend([Input::StopAsked(ix), Input::RestartAsked(ix), Input::RemoveAsked(ix)]);
        let may_step_down = world.lease_means_anything(Input::StepDownAsked(ix));
        to.extend(may_step_down.then_some(Input::StepDownAsked(ix)));
    }
}

/// From its set-up on a service may start resources, in its steps or in tasks that outlive them; word
/// of them may come even when its actor is gone.
fn may_start(service: &Watched, bounds: &Bounds) -> bool {
    let most = if service.kind == Kind::Server { bounds.server_resources } else { bounds.resources };
    service.step(Step::Setup) != Seen::Unsent && service.holds().len() < most
}

fn of_resource(resource: ResourceIx, hold: Hold, bounds: &Bounds, to: &mut Vec<Input>) {
    if hold == Hold::Over {
        return;
    }
    to.extend(bounds.strays.then_some(Input::ResourcePanicked(resource)));
    if hold >= Hold::Asked {
        to.extend(bounds.answers.iter().map(|&answer| Input::Released(resource, answer)));
    }
    let possible = |&&departure: &&Departure| match departure {
        Departure::Ended | Departure::Panicked => bounds.strays || hold >= Hold::Forced,
        Departure::Dismissed | Departure::Abandoned => hold >= Hold::Forced,
    };
    to.extend(
        bounds.departures.iter().filter(possible).map(|&departure| Input::ResourceGone(resource, departure)),
    );
}

fn of_users(world: &World, bounds: &Bounds, to: &mut Vec<Input>) {
    to.push(Input::Start);
    if bounds.shutdown {
        to.extend([Input::ShutdownAsked, Input::ForceAsked]);
    }
    if world.reloading.asked < bounds.reloads {
        to.push(Input::ReloadAsked);
    }
    if bounds.signals {
        to.push(Input::Signal(SignalKind::Terminate));
    }
    let running = world.each().filter(|(_, service)| service.kind.accepts() && service.is_open(Step::Run));
    to.extend(running.map(|(ix, _)| Input::Serving(ix)));
}

/// The timers that have been started, also those that have gone off or are late: a manager may hear of
/// them again after it was forced.
fn timers(world: &World, bounds: &Bounds) -> impl Iterator<Item = Input> {
    let deadline = bounds.deadline && world.requested;
    let share = world.shares_spent + 1;
    [
        (Input::ShareSpent(share), deadline && world.drained_enough && share < world.shares),
        (Input::DrainDelayOver, world.drain_delay != Once::NotYet),
        (Input::ReserveReached, deadline),
        (Input::DeadlineReached, deadline && world.pressure >= Pressure::Reserve),
        (Input::LastCallOver, world.last_call != Once::NotYet),
    ]
    .into_iter()
    .filter_map(|(input, started)| started.then_some(input))
}

/// Something that comes although everybody hangs: timers, and the ends of those who are forced.
pub(super) fn forced_to_come(world: &World, deadline: bool) -> Option<Input> {
    if let Some((ix, _)) = world.each().find(|(_, service)| service.closing == Once::Pending) {
        return Some(Input::ResourcesClosed(ix));
    }
    for (ix, service) in world.each() {
        if service.life == Life::Forced {
            return Some(Input::Gone(ix, Departure::Abandoned));
        }
        if let Some(index) = service.holds().iter().position(|&hold| hold == Hold::Forced) {
            let resource = ResourceIx { service: ix, index: index as u32 };
            return Some(Input::ResourceGone(resource, Departure::Abandoned));
        }
    }
    if world.last_call == Once::Pending {
        return Some(Input::LastCallOver);
    }
    if world.drain_delay == Once::Pending {
        return Some(Input::DrainDelayOver);
    }
    match world.pressure {
        Pressure::None if deadline && world.requested => Some(Input::ReserveReached),
        Pressure::Reserve if deadline && world.requested => Some(Input::DeadlineReached),
        _ => None,
    }
}

/// Something that comes when nobody hangs and no time runs out.
pub(super) fn kindly_to_come(world: &World) -> Option<Input> {
    for (ix, service) in world.each() {
        if let Some(step) = Step::ALL.into_iter().find(|&step| service.is_open(step)) {
            return Some(Input::Answered(ix, step, Answer::Ok));
        }
        if service.life == Life::Retired {
            return Some(Input::Gone(ix, Departure::Dismissed));
        }
        if service.life == Life::Suspending {
            return Some(Input::Suspended(ix, Departure::Dismissed));
        }
        if let Some(index) = service.holds().iter().position(|&hold| hold == Hold::Asked) {
            return Some(Input::Released(ResourceIx { service: ix, index: index as u32 }, Answer::Ok));
        }
    }
    store_to_answer(world).or_else(|| forced_to_come(world, false))
}

/// What a store that is asked answers, where another waits for it.
fn store_to_answer(world: &World) -> Option<Input> {
    let answers = |ix| [Input::LeaseReturned(ix), Input::LeaseChecked(ix)];
    world.each().flat_map(|(ix, _)| answers(ix)).find(|&answer| world.lease_means_anything(answer))
}

/// Something that leads a restart, or the stop of one service, to its end, when nobody hangs and no time runs out.
pub(super) fn passage_to_go_on(world: &World) -> Option<Input> {
    if let Some((ix, _)) = world.each().find(|(_, service)| service.closing == Once::Pending) {
        return Some(Input::ResourcesClosed(ix));
    }
    for (ix, service) in world.each().filter(|(_, service)| !service.vacant) {
        let has_work = |&step: &Step| service.is_open(step) && (step != Step::Run || service.signalled);
        if let Some(step) = Step::ALL.into_iter().find(has_work) {
            return Some(Input::Answered(ix, step, Answer::Ok));
        }
        if matches!(service.life, Life::Retired | Life::Forced) {
            return Some(Input::Gone(ix, Departure::Dismissed));
        }
        if service.life == Life::Suspending {
            return Some(Input::Suspended(ix, Departure::Dismissed));
        }
        if service.delay == Once::Pending {
            return Some(Input::DelayOver(ix));
        }
        if let Some(index) = service.holds().iter().position(|&hold| hold == Hold::Asked) {
            return Some(Input::Released(ResourceIx { service: ix, index: index as u32 }, Answer::Ok));
        }
        if let Some(index) = service.holds().iter().position(|&hold| hold == Hold::Forced) {
            let resource = ResourceIx { service: ix, index: index as u32 };
            return Some(Input::ResourceGone(resource, Departure::Abandoned));
        }
    }
    store_to_answer(world).or(world.handing.has_predecessor.then_some(Input::PredecessorGone))
}

impl World {
    /// Whether a restart, a stop, an addition or another set-up is under way that others' being down does not explain.
    pub(super) fn has_passage(&self) -> bool {
        let all_wanted = self.services.iter().all(|service| service.wanted || service.vacant);
        let under_way = |service: &Watched| {
            let leaves = !self.launched() && service.is_leaving() && !service.stands_by();
            service.transition != Transition::None || leaves
        };
        let left = |service: &Watched| service.tenure == Tenure::Left;
        all_wanted && self.services.iter().any(under_way) && !self.services.iter().any(left)
    }

    /// Whether an input means anything now. What does not is late, doubled or impossible, and must change
    /// nothing.
    pub(super) fn means_anything(&self, input: Input) -> bool {
        if !self.knows(input) || self.stopped {
            // Signals are counted even after the end.
            return matches!(input, Input::Signal(_));
        }
        match input {
            Input::Start => !self.started && !self.requested,
            Input::Serving(ix) => self.is_up() && self.may_serve(ix) && !self.get(ix).serving,
            Input::ShutdownAsked => !self.requested,
            Input::ForceAsked => self.pressure < Pressure::Deadline,
            Input::Signal(_) => true,
            Input::ResourcesClosed(ix) => self.get(ix).closing == Once::Pending,
            Input::Suspended(ix, departure) => self.can_rest(ix, departure),
            Input::StartedOver(ix, departure) => self.get(ix).can_start_over(departure),
            Input::DelayOver(ix) => self.is_active() && self.get(ix).delay == Once::Pending,
            Input::Forgotten(ix, Repeat::Restart, count) => count > 0 && self.get(ix).restarts > 0,
            Input::Forgotten(ix, Repeat::Setup, count) => count > 0 && self.get(ix).setup_retries > 0,
            Input::StopAsked(ix) => self.is_up() && self.get(ix).wanted,
            Input::RestartAsked(ix) => self.is_up() && self.can_be_restarted(ix),
            // Whom others depend on stays.
            Input::RemoveAsked(ix) => self.is_up() && !self.get(ix).removed,
            Input::StopTimeout(_) => !self.releasing,
            Input::ReloadAsked | Input::ReloadAnswered(..) | Input::ReloadTimeout(_) => {
                self.reload_means_anything(input)
            }
            Input::HandoverAsked
            | Input::SuccessorReady
            | Input::SuccessorGone
            | Input::HandoverTimeout
            | Input::GaveWay(_)
            | Input::GiveWayOver
            | Input::PredecessorGone => self.handover_means_anything(input),
            Input::LeaseChecked(_)
            | Input::LeaseAcquired(_)
            | Input::LeaseLost(_)
            | Input::LeaseExpired(_)
            | Input::LeaseRefused(_)
            | Input::LeaseReturned(_)
            | Input::StepDownAsked(_)
            | Input::StayOutOver(_) => self.lease_means_anything(input),
            Input::Added(ix) => self.get(ix).way == Way::Down && self.get(ix).life == Life::Unborn,
            Input::ShareSpent(share) => self.requested && share > self.shares_spent,
            Input::DrainDelayOver => self.drain_delay == Once::Pending,
            Input::ReserveReached => self.requested && self.pressure == Pressure::None,
            Input::DeadlineReached => self.requested && self.pressure < Pressure::Deadline,
            Input::LastCallOver => self.last_call == Once::Pending,
            Input::Gone(ix, departure) => self.can_go(ix, departure),
            _ => !self.accounts(input).is_empty(),
        }
    }
}
