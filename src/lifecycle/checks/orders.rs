//! Each command against the history so far: may this be done now?

use super::super::io::{Command, Input};
use super::super::names::{Kind, ResourceIx, ServiceIx, Step};
use super::super::spec::Dependency;
use super::leases::Tenure;
use super::promises::{Guarantee, Moment, Verdict, ensure};
use super::watched::{Hold, Life, Once, Pressure, Seen, Watched, Way};
use super::world::World;

impl World {
    pub(super) fn obey(&mut self, command: &Command, now: &mut Moment) -> Verdict {
        use Guarantee::*;
        self.obey_beside_permit(command)?;
        match *command {
            Command::Send(ix, step) => {
                ensure(now.step.take() == Some((ix, step)), G07, "a message is announced first")?;
                self.obey_send(ix, step)
            }
            Command::SignalRequested(ix) => self.obey_signal(ix),
            Command::Suspend(ix) => {
                self.obey_rest(ix, now)?;
                let again = self.spec(ix).restartable && !self.get(ix).removed;
                ensure(again, G01, "who is brought to rest can start again")?;
                self.at(ix).life = Life::Suspending;
                Ok(())
            }
            Command::Restart(ix) => self.obey_start_again(ix),
            Command::Permit(ix) => self.obey_permit(ix, now),
            Command::Withdraw(ix) => self.obey_withdrawal(ix),
            Command::Adopt(ix) => self.obey_adopt(ix, now),
            Command::Retire(ix) => {
                if !self.requested {
                    if self.get(ix).life != Life::Resting {
                        self.obey_rest(ix, now)?;
                    }
                    let ends = !self.spec(ix).restartable || self.get(ix).removed;
                    ensure(ends, G01, "who can start again is not ended")?;
                    self.at(ix).life = Life::Retired;
                    return Ok(());
                }
                self.end_drain_delay()?;
                let service = self.at(ix);
                let once = matches!(service.life, Life::Alive | Life::Suspending | Life::Resting);
                ensure(once, G01, "an actor is retired once")?;
                service.life = Life::Retired;
                let forced = self.pressure > Pressure::None;
                let settled = self.services.iter().all(|service| service.is_settled());
                ensure(forced || settled, G06, "no actor is retired while a step is open")
            }
            Command::Force(ix) => {
                let timeout = now.input == Input::StopTimeout(ix);
                let overdue = match self.requested {
                    true => self.spec(ix).stop_limit && self.get(ix).signalled,
                    false => self.get(ix).is_leaving(),
                };
                let expired = self.get(ix).is_expired();
                let late = self.pressure > Pressure::None || (timeout && overdue) || expired;
                ensure(late, G08, "nobody is forced before its time is up")?;
                let deadline = self.pressure == Pressure::Deadline;
                let service = self.at(ix);
                let idle = service.is_settled() && service.life == Life::Alive;
                ensure(deadline || expired || !idle, G08, "the reserve leaves alone who has settled")?;
                let forcible = matches!(service.life, Life::Alive | Life::Suspending | Life::Retired);
                ensure(forcible, G01, "an actor that lives is forced, once")?;
                service.life = Life::Forced;
                Ok(())
            }
            Command::CloseResources(ix) => {
                ensure(self.get(ix).closing == Once::NotYet, G06, "resources are closed once")?;
                self.at(ix).closing = Once::Pending;
                if self.requested {
                    let gone = self.services.iter().all(|service| service.vacant || !service.lives());
                    ensure(gone, G06, "no resource is released while an actor may use it")?;
                    return self.no_step_is_open("resources are open while a step is");
                }
                let service = self.get(ix);
                let rests = service.is_leaving() && service.rests() && service.is_settled();
                ensure(rests, G06, "no resource is released while its actor may use it")?;
                let alone = self.dependents(ix, true).all(|dependent| !dependent.leans());
                ensure(alone, G06, "who depends on a service is down before its resources go")
            }
            Command::StartDelay(ix, repeat) => {
                let service = self.at(ix);
                let owed = service.owes_delay.take() == Some(repeat);
                ensure(service.is_down() && owed, G04, "who failed waits, once it is down")?;
                service.delay = Once::Pending;
                Ok(())
            }
            Command::StartStopTimer(ix, _) => {
                self.at(ix).stop_timer = true;
                Ok(())
            }
            Command::Reload(ix, step) => self.obey_reload(ix, step),
            Command::StartReloadTimer(ix) => {
                let waits = self.get(ix).is_awaited_in_reload();
                ensure(waits, G26, "time runs for whoever is waited for")
            }
            Command::StartSuccessor
            | Command::EndSuccessor
            | Command::StartHandoverTimer
            | Command::PassOn
            | Command::TakeBack
            | Command::GiveWay(_)
            | Command::Resume(_)
            | Command::StartGiveWayTimer => self.obey_handover(command),
            Command::CheckLease(_)
            | Command::SeekLease(_)
            | Command::ReturnLease(_)
            | Command::LeaveLease(_)
            | Command::StartStayOut(_) => self.obey_lease(command),
            Command::Release(resource) => {
                ensure(now.release.take() == Some(resource), G07, "a release is announced first")?;
                self.obey_release(resource)
            }
            Command::ForceResource(resource) => {
                let ix = resource.service;
                let timeout =
                    now.input == Input::StopTimeout(ix) && self.is_active() && self.get(ix).is_leaving();
                let late = self.pressure == Pressure::Deadline || timeout || self.get(ix).is_expired();
                ensure(late, G08, "no resource is forced before its time is up")?;
                let hold = self.at(resource.service).hold(resource.index);
                ensure(*hold == Hold::Asked, G07, "a resource that was asked is forced, once")?;
                *hold = Hold::Forced;
                Ok(())
            }
            Command::StartDeadlines { shares } => {
                self.take_turns();
                let deepest = self.services.iter().map(|service| service.level).max();
                ensure(shares == deepest.unwrap_or(0) + 1, G08, "there is a share for each turn")?;
                self.shares = shares;
                ensure(now.requested.is_some() && !now.deadlines, G08, "one deadline, from the request on")?;
                now.deadlines = true;
                Ok(())
            }
            Command::StartDrainDelay => {
                let once = self.drain_delay == Once::NotYet && now.requested == Some(true);
                ensure(once, G05, "the drain delay begins with the request, when services ran")?;
                ensure(!self.handing.in_charge, G24, "nobody has to hear of an address that goes on")?;
                self.drain_delay = Once::Pending;
                Ok(())
            }
            Command::StartLastCall => {
                let once = self.last_call == Once::NotYet && self.pressure == Pressure::Deadline;
                ensure(once, G08, "the last call begins at the deadline, once")?;
                self.last_call = Once::Pending;
                Ok(())
            }
            Command::Exit(signal) => {
                let third = self.signals == 3 && now.input == Input::Signal(signal);
                ensure(third, G12, "the third signal ends the process")
            }
            Command::Announce(ref told) => self.obey_announcement(told, now),
        }
    }

    /// A service is asked when those that depend on it are done; in the shutdown at the latest when their time is, and at once
    /// while it is being set up.
    fn obey_signal(&mut self, ix: ServiceIx) -> Verdict {
        use Guarantee::*;
        ensure(!self.get(ix).signalled, G05, "requested resolves once")?;
        let limited = !self.requested || (self.spec(ix).stop_limit && self.pressure == Pressure::None);
        let told = self.get(ix).stop_timer || !limited || self.get(ix).life != Life::Alive;
        ensure(told, G08, "who is told to stop knows for how long")?;
        if !self.requested {
            let service = self.get(ix);
            ensure(service.way == Way::Asked, G05, "requested resolves for who goes down")?;
            let alone = self.dependents(ix, true).all(|dependent| !dependent.blocks_stop());
            ensure(alone, G05, "who depends on a service goes down before it")?;
            self.at(ix).signalled = true;
            return Ok(());
        }
        if self.get(ix).is_being_set_up() || self.get(ix).has_lost_its_lease() {
            self.at(ix).signalled = true;
            return Ok(());
        }
        self.end_drain_delay()?;
        let time = self.pressure > Pressure::None || self.get(ix).level <= self.shares_spent;
        let alone = self.dependents(ix, false).all(|dependent| dependent.is_done());
        ensure(alone || time, G05, "who depends on a service is asked, and done, before it")?;
        self.at(ix).signalled = true;
        Ok(())
    }

    /// The drain delay is over now, if there is one and it is not yet.
    fn end_drain_delay(&mut self) -> Verdict {
        if self.drain_delay == Once::Pending {
            let idle = self.services.iter().all(|service| !service.is_open(Step::Run));
            let cut = idle || self.pressure > Pressure::None;
            ensure(cut, Guarantee::G05, "everything works during the drain delay")?;
            self.drain_delay = Once::Done;
        }
        self.drained_enough = true;
        Ok(())
    }

    /// While others run, an actor is brought to rest when it has failed, when it is done, or when its time is up.
    fn obey_rest(&mut self, ix: ServiceIx, now: &Moment) -> Verdict {
        use Guarantee::*;
        ensure(!self.requested, G05, "in the shutdown actors end")?;
        let service = self.get(ix);
        ensure(service.life == Life::Alive, G01, "an actor that lives is brought to rest, once")?;
        let timeout = now.input == Input::StopTimeout(ix) || service.is_expired();
        let done = service.signalled && (service.is_settled() || timeout);
        let fits = service.way == Way::AtOnce || (service.way == Way::Asked && done);
        ensure(fits, G05, "who is asked to stop may finish")
    }

    fn may_start(&self, ix: ServiceIx) -> Verdict {
        use Guarantee::*;
        ensure(!self.requested, G03, "nothing begins once shutdown was asked")?;
        let service = self.get(ix);
        let due = service.wanted && service.delay != Once::Pending && service.owes_delay.is_none();
        ensure(due && service.is_down(), G04, "who starts again was down, and is due")
    }

    fn may_set_up(&self, ix: ServiceIx) -> Verdict {
        use Guarantee::*;
        let service = self.get(ix);
        ensure(!self.waits(ix), G24, "who is to wait for the predecessor does")?;
        let may = matches!(service.tenure, Tenure::Unneeded | Tenure::Held);
        ensure(may, G25, "who starts has its lease")?;
        let up = self.spec(ix).depends_on.iter().all(|dependency| self.get(dependency.on).is_up());
        ensure(up || service.kind == Kind::Server, G02, "what a service depends on is up before it")
    }

    pub(super) fn obey_start_again(&mut self, ix: ServiceIx) -> Verdict {
        self.may_start(ix)?;
        self.may_set_up(ix)?;
        let service = self.at(ix);
        ensure(service.life == Life::Resting, Guarantee::G01, "who starts again was at rest")?;
        service.start_over();
        (service.life, service.way) = (Life::Alive, Way::Down);
        Ok(())
    }

    pub(super) fn obey_send(&mut self, ix: ServiceIx, step: Step) -> Verdict {
        use Guarantee::*;
        let kind = self.get(ix).kind;
        if step != Step::Shutdown {
            ensure(!self.requested, G03, "nothing begins once shutdown was asked")?;
            ensure(!self.waits_for_checks(), G25, "nothing begins before the stores were asked")?;
            let is_port = kind == Kind::Server && step == Step::Setup;
            ensure(is_port || self.port_is_bound(), G02, "the port is bound before anybody starts")?;
        }
        let again =
            step == Step::Register && self.get(ix).step(step) == Seen::Failed && self.get(ix).lives > 0;
        ensure(self.get(ix).step(step) == Seen::Unsent || again, G02, "no message is sent twice")?;
        match step {
            Step::Register => {
                ensure(kind.registers(), G02, "who has calls to answer registers")?;
                self.may_start(ix)?;
                if !self.waits(ix) {
                    self.may_set_up(ix)?;
                }
                self.at(ix).way = Way::On;
            }
            Step::Setup => {
                let registered = !kind.registers() || self.get(ix).step(Step::Register) == Seen::Ok;
                ensure(registered, G02, "Register comes before Setup")?;
                self.may_set_up(ix)?;
                if self.get(ix).way != Way::On {
                    self.may_start(ix)?;
                    self.at(ix).way = Way::On;
                }
            }
            Step::Run => {
                ensure(
                    self.running || self.launched() || self.all_set_up(),
                    G02,
                    "no Run before every Setup succeeded",
                )?;
                ensure(kind.runs() && self.get(ix).is_up(), G02, "who has a main loop, and is up, runs")?;
                let runs = |on: &Watched| !on.kind.runs() || on.step(Step::Run) != Seen::Unsent;
                let mut bound = self.spec(ix).depends_on.iter().filter(|on| !on.survives || !self.running);
                let runs = |on: &Watched| runs(on) || (kind == Kind::Server && (on.waits || on.late));
                // One that it survives may be in another life by then.
                let again = |on: &Dependency| on.survives && self.get(on.on).lives > 0;
                let after = bound.all(|on| runs(self.get(on.on)) || again(on));
                ensure(after, G02, "what a service depends on is let run before it")?;
            }
            Step::Shutdown => {
                ensure(self.get(ix).is_open(Step::Run), G05, "who runs is asked to shut down")?;
                ensure(self.get(ix).signalled, G05, "Shutdown comes after the drain delay")?;
            }
        }
        let service = self.at(ix);
        ensure(matches!(service.life, Life::Unborn | Life::Alive), G01, "messages go to the living")?;
        service.life = Life::Alive;
        service.steps[step as usize] = Seen::Open;
        self.launched |= step == Step::Run;
        Ok(())
    }

    fn no_step_is_open(&self, promise: &'static str) -> Verdict {
        let over = |life| matches!(life, Life::Forced | Life::Gone);
        let kept = self.services.iter().all(|service| service.is_settled() || over(service.life));
        ensure(kept, Guarantee::G06, promise)
    }

    fn obey_release(&mut self, resource: ResourceIx) -> Verdict {
        use Guarantee::*;
        let ix = resource.service;
        ensure(self.get(ix).closing == Once::Done, G06, "no Release while resources are started")?;
        let deadline = self.pressure == Pressure::Deadline;
        if self.releasing {
            self.no_step_is_open("no Release before every Run ended or was forced")?;
            let alone = self.dependents(ix, false).all(|dependent| dependent.is_cleared());
            ensure(alone || deadline, G06, "who depends on a service gives its resources back before it")?;
        } else {
            // It was at rest when it closed.
            let apart = self.get(ix).is_leaving();
            ensure(apart, G06, "before Releasing, only who goes down alone gives its resources back")?;
        }
        let later = &self.get(resource.service).holds()[resource.index as usize + 1..];
        let in_order = later.iter().all(|&hold| hold == Hold::Over);
        ensure(in_order || deadline, G06, "the last started is released first")?;
        let hold = self.at(resource.service).hold(resource.index);
        ensure(*hold == Hold::Alive, G06, "Release is sent once, to the living")?;
        *hold = Hold::Asked;
        Ok(())
    }
}
