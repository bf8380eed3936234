//! What holds between steps, whatever has happened.

use super::super::io::Input;
use super::super::names::Step;
use super::promises::{Guarantee, Verdict, ensure};
use super::world::{Hold, Life, Once, Pressure, Seen, Watched, World};

impl World {
    /// What holds between steps.
    pub(super) fn settle(&self, input: Input) -> Verdict {
        use Guarantee::*;
        if self.exited || self.stopped {
            return Ok(());
        }
        let asks = matches!(input, Input::ShutdownAsked | Input::ForceAsked | Input::Signal(_));
        ensure(self.requested || !asks, G05, "whoever asks for the shutdown gets it")?;
        if self.started && !self.requested {
            self.settle_up(input)?;
        }
        for service in &self.services {
            if self.signalled && service.is_open(Step::Run) && service.life == Life::Alive {
                ensure(service.step(Step::Shutdown) != Seen::Unsent, G05, "everybody who runs is asked")?;
            }
            if self.pressure >= Pressure::Reserve && !service.is_settled() {
                ensure(service.life == Life::Forced, G08, "in the reserve, who still works is forced")?;
            }
            if self.pressure == Pressure::Deadline {
                ensure(
                    !service.lives() || service.life == Life::Forced,
                    G08,
                    "at the deadline all are forced",
                )?;
                let closing = self.closing != Once::NotYet || self.services.iter().any(|s| s.lives());
                ensure(closing, G08, "at the deadline only forced ends are waited for")?;
                let asked = self.closing != Once::Done || !service.holds().contains(&Hold::Alive);
                ensure(asked, G08, "at the deadline every resource is asked")?;
                let over = self.closing == Once::Done && self.last_call == Once::Done;
                let forced = !over || !service.holds().contains(&Hold::Asked);
                ensure(forced, G08, "after the last call every resource is forced")?;
            }
        }
        if self.drain_delay == Once::Pending {
            let used = self.services.iter().any(|service| service.is_open(Step::Run));
            ensure(used, G05, "a drain delay that nobody can use is cut")?;
        }
        let left = |hold: &Hold| *hold != Hold::Over;
        let done = self.releasing
            && self.services.iter().all(|service| !service.lives() && !service.holds().iter().any(left));
        ensure(!done, G13, "the end comes as soon as nothing is left")
    }

    /// On the way up, nobody is forgotten and somebody always works.
    fn settle_up(&self, input: Input) -> Verdict {
        use Guarantee::*;
        let works = self.services.iter().any(|service| !service.is_settled());
        ensure(works, G04, "a manager nobody works in ends by itself")?;
        ensure(!self.all_set_up() || self.all_run(), G02, "everybody runs once all are set up")?;
        if self.all_run() && (!self.has_server() || input == Input::Serving) {
            ensure(self.running, G13, "who waits for Running is told")?;
        }
        let failed = |service: &Watched| service.steps.contains(&Seen::Failed);
        ensure(!self.services.iter().any(failed), G03, "no failure goes without a shutdown")
    }
}
