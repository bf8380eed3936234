//! Each command against the history so far: may this be done now?

use super::super::io::{Command, Input};
use super::super::names::{Kind, ResourceIx, ServiceIx, Step};
use super::promises::{Guarantee, Moment, Verdict, ensure};
use super::world::{Hold, Life, Once, Pressure, Seen, World};

impl World {
    pub(super) fn obey(&mut self, command: &Command, now: &mut Moment) -> Verdict {
        use Guarantee::*;
        match *command {
            Command::Send(ix, step) => {
                ensure(now.step.take() == Some((ix, step)), G07, "a message is announced first")?;
                self.obey_send(ix, step)
            }
            Command::SignalRequested => {
                ensure(self.requested, G05, "requested resolves after the request")?;
                ensure(!self.signalled, G05, "requested resolves once")?;
                if self.drain_delay == Once::Pending {
                    let idle = self.services.iter().all(|service| !service.is_open(Step::Run));
                    let cut = idle || self.pressure > Pressure::None;
                    ensure(cut, G05, "everything works during the drain delay")?;
                    self.drain_delay = Once::Done;
                }
                self.signalled = true;
                Ok(())
            }
            Command::Retire(ix) => {
                let service = self.at(ix);
                ensure(service.life == Life::Alive, G01, "an actor is retired once")?;
                service.life = Life::Retired;
                let forced = self.pressure > Pressure::None;
                let settled = self.services.iter().all(|service| service.is_settled());
                ensure(forced || settled, G06, "no actor is retired while a step is open")?;
                ensure(self.signalled, G05, "actors live until the shutdown")
            }
            Command::Force(ix) => {
                let late = self.pressure > Pressure::None;
                ensure(late, G08, "nobody is forced before the reserve begins")?;
                let deadline = self.pressure == Pressure::Deadline;
                let service = self.at(ix);
                let idle = service.is_settled() && service.life == Life::Alive;
                ensure(deadline || !idle, G08, "the reserve leaves alone who has settled")?;
                let forcible = matches!(service.life, Life::Alive | Life::Retired);
                ensure(forcible, G01, "an actor that lives is forced, once")?;
                service.life = Life::Forced;
                Ok(())
            }
            Command::CloseResources => {
                ensure(self.closing == Once::NotYet, G06, "resources are closed once")?;
                self.closing = Once::Pending;
                let gone = self.services.iter().all(|service| !service.lives());
                ensure(gone, G06, "no resource is released while an actor may use it")?;
                self.no_step_is_open("resources are open while a step is")
            }
            Command::Release(resource) => {
                ensure(now.release.take() == Some(resource), G07, "a release is announced first")?;
                self.obey_release(resource)
            }
            Command::ForceResource(resource) => {
                ensure(
                    self.pressure == Pressure::Deadline,
                    G08,
                    "no resource is forced before the deadline",
                )?;
                let hold = self.at(resource.service).hold(resource.index);
                ensure(*hold == Hold::Asked, G07, "a resource that was asked is forced, once")?;
                *hold = Hold::Forced;
                Ok(())
            }
            Command::StartDeadlines => {
                ensure(now.requested.is_some() && !now.deadlines, G08, "one deadline, from the request on")?;
                now.deadlines = true;
                Ok(())
            }
            Command::StartDrainDelay => {
                let once = self.drain_delay == Once::NotYet && now.requested == Some(true);
                ensure(once, G05, "the drain delay begins with the request, when services ran")?;
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

    fn obey_send(&mut self, ix: ServiceIx, step: Step) -> Verdict {
        use Guarantee::*;
        let kind = self.get(ix).kind;
        if step != Step::Shutdown {
            ensure(!self.requested, G03, "nothing begins once shutdown was asked")?;
            let server_first = self
                .services
                .iter()
                .all(|other| other.kind != Kind::Server || other.step(Step::Setup) == Seen::Ok);
            let is_port = kind == Kind::Server && step == Step::Setup;
            ensure(is_port || server_first, G02, "the port is bound before anybody starts")?;
        }
        ensure(self.get(ix).step(step) == Seen::Unsent, G02, "no message is sent twice")?;
        match step {
            Step::Register => ensure(kind.registers(), G02, "who has calls to answer registers")?,
            Step::Setup => {
                let registered = !kind.registers() || self.get(ix).step(Step::Register) == Seen::Ok;
                ensure(registered, G02, "Register comes before Setup")?;
            }
            Step::Run => {
                ensure(self.all_set_up(), G02, "no Run before every Setup succeeded")?;
                ensure(kind.runs(), G02, "who has a main loop runs")?;
            }
            Step::Shutdown => {
                ensure(self.get(ix).is_open(Step::Run), G05, "who runs is asked to shut down")?;
                ensure(self.signalled, G05, "Shutdown comes after the drain delay")?;
            }
        }
        let service = self.at(ix);
        ensure(matches!(service.life, Life::Unborn | Life::Alive), G01, "messages go to the living")?;
        service.life = Life::Alive;
        service.steps[step as usize] = Seen::Open;
        Ok(())
    }

    fn no_step_is_open(&self, promise: &'static str) -> Verdict {
        let over = |life| matches!(life, Life::Forced | Life::Gone);
        let kept = self.services.iter().all(|service| service.is_settled() || over(service.life));
        ensure(kept, Guarantee::G06, promise)
    }

    fn obey_release(&mut self, resource: ResourceIx) -> Verdict {
        use Guarantee::*;
        ensure(self.closing == Once::Done && self.releasing, G06, "no Release while resources are started")?;
        self.no_step_is_open("no Release before every Run ended or was forced")?;
        let deadline = self.pressure == Pressure::Deadline;
        let later = &self.get(resource.service).holds()[resource.index as usize + 1..];
        let in_order = later.iter().all(|&hold| hold == Hold::Over);
        ensure(in_order || deadline, G06, "the last started is released first")?;
        let hold = self.at(resource.service).hold(resource.index);
        ensure(*hold == Hold::Alive, G06, "Release is sent once, to the living")?;
        *hold = Hold::Asked;
        Ok(())
    }
}
