//! G4, the permit of a restart as an observer sees it: who has it, and what follows from it.
//!
//! In each state between a permit and its withdrawal the service may have taken it. So whatever withdraws it, an order, a reload, a
//! resource, a shutdown, is met by one that has not begun anew, and by one that just has.

use super::super::io::{Command, Departure, Input};
use super::super::names::{Kind, ServiceIx, Step};
use super::super::spec::RestartMode;
use super::environment::Bounds;
use super::promises::{Guarantee, Moment, Verdict, ensure};
use super::reloads::Part;
use super::watched::{Life, Once, Transition, Watched, Way};
use super::world::World;

impl Watched {
    /// Whether it can have begun its next life by itself, in this way.
    pub(super) fn can_start_over(&self, departure: Departure) -> bool {
        self.permitted && matches!(departure, Departure::Ended | Departure::Panicked)
    }
}

/// Whoever has a permit may have taken it.
pub(super) fn of_permits(ix: ServiceIx, service: &Watched, bounds: &Bounds, to: &mut Vec<Input>) {
    let taken = bounds.departures.iter().filter(|&&departure| service.can_start_over(departure));
    to.extend(taken.map(|&departure| Input::StartedOver(ix, departure)));
}

impl World {
    /// Whether a failure would have the service started again with nothing to wait for: no delay, nobody else, no release.
    fn may_start_over(&self, ix: ServiceIx) -> bool {
        let (spec, service) = (self.spec(ix), self.get(ix));
        let policy = spec.at_once && spec.mode != RestartMode::Never && self.may_restart(ix);
        let runs = service.way == Way::On && service.life == Life::Alive && service.is_open(Step::Run);
        let stays = service.transition == Transition::None && service.wanted && !service.removed;
        let alone = self.dependents(ix, false).next().is_none() && service.count == 0;
        let up = spec.depends_on.iter().all(|dependency| self.get(dependency.on).is_up());
        let reloads = !matches!(service.part, Part::None | Part::Over);
        let is_plain = service.kind == Kind::Generic && !service.vacant && !spec.leased;
        self.is_up() && is_plain && policy && runs && stays && alone && up && !reloads
    }

    /// Until its permit is withdrawn a service is told nothing: it would not be known to which of its lives.
    pub(super) fn obey_beside_permit(&self, command: &Command) -> Verdict {
        let (Command::Send(ix, _)
        | Command::SignalRequested(ix)
        | Command::Suspend(ix)
        | Command::Restart(ix)
        | Command::Adopt(ix)
        | Command::Retire(ix)
        | Command::Force(ix)
        | Command::CloseResources(ix)
        | Command::Reload(ix, _)) = *command
        else {
            return Ok(());
        };
        let told = !self.get(ix).permitted;
        ensure(told, Guarantee::G04, "who may begin anew by itself is told nothing before that is withdrawn")
    }

    pub(super) fn obey_permit(&mut self, ix: ServiceIx, now: &mut Moment) -> Verdict {
        use Guarantee::G04;
        ensure(!self.get(ix).permitted, G04, "a permit is granted once")?;
        // Whoever carries this out knows by the end of the step whether it stands.
        ensure(!now.permitted.contains(&ix), G04, "a permit is not granted again in the same step")?;
        now.permitted.push(ix);
        self.at(ix).permitted = true;
        Ok(())
    }

    pub(super) fn obey_withdrawal(&mut self, ix: ServiceIx) -> Verdict {
        let permitted = std::mem::take(&mut self.at(ix).permitted);
        ensure(permitted, Guarantee::G04, "a permit that was granted is withdrawn once")
    }

    /// A service took its permit: it rests in no one's sight, and has nothing to give back.
    pub(super) fn obey_adopt(&mut self, ix: ServiceIx, now: &mut Moment) -> Verdict {
        ensure(
            self.get(ix).count == 0,
            Guarantee::G06,
            "who begins anew by itself has nothing to give back",
        )?;
        now.adopted = Some(ix);
        let service = self.at(ix);
        (service.closing, service.owes_delay) = (Once::Done, None);
        self.obey_start_again(ix)
    }

    /// What holds of permits between steps.
    pub(super) fn settle_permits(&self) -> Verdict {
        let due = |(ix, _)| self.get(ix).permitted == self.may_start_over(ix);
        let due = self.each().all(due);
        ensure(due, Guarantee::G04, "who would be started again at once has the permit, and nobody else")
    }
}
