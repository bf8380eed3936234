//! What a service's neighbours in the graph go by, and how many of them wait for what.

use super::machine::Machine;
use super::names::{ServiceIx, Step};
use super::service::{Dependent, Facts, Life, Neighbours, Progress};

impl Machine {
    /// Tells others what a service has come to. To be called after every change of its state.
    pub(super) fn note(&mut self, ix: ServiceIx) {
        let now = self.facts_of(ix);
        let before = std::mem::replace(&mut self.service(ix).facts, now);
        if now == before {
            return;
        }
        change(&mut self.up, before.up, now.up);
        change(&mut self.working, before.has_work, now.has_work);
        if before.up != now.up {
            for at in 0..self.get(ix).dependents.len() {
                let Dependent { by, survives } = self.get(ix).dependents[at];
                let neighbours = &mut self.service(by).neighbours;
                change(&mut neighbours.missing, !before.up, !now.up);
                if !survives {
                    change(&mut neighbours.lost, !before.up, !now.up);
                }
                self.touch(by);
            }
        }
        for at in 0..self.get(ix).depends_on.len() {
            let on = self.get(ix).depends_on[at];
            if self.counts(on.survives) {
                let neighbours = &mut self.service(on.on).neighbours;
                change(&mut neighbours.blocking, before.blocks_stop, now.blocks_stop);
                change(&mut neighbours.holding, before.holds_resources, now.holds_resources);
                self.touch(on.on);
            }
        }
    }

    /// Whether a dependent's way down matters to those that it depends on: while others run, only of those that go
    /// down with them.
    fn counts(&self, survives: bool) -> bool {
        !survives || self.is_stopping()
    }

    pub(super) fn facts_of(&self, ix: ServiceIx) -> Facts {
        let service = self.get(ix);
        let run_over = matches!(service.step(Step::Run), Progress::Over(_));
        let on = service.life == Life::On;
        let (blocks_stop, holds_resources) = match self.is_stopping() {
            // No resource is released before every actor is gone.
            true => (!(service.asked && service.is_settled()), service.has_resources()),
            false => (service.leans_while_others_run(), service.holds_while_others_run()),
        };
        Facts {
            up: on && service.is_set_up(),
            blocks_stop: blocks_stop && !service.vacant,
            holds_resources,
            has_work: service.kind.runs() && service.wanted && !(on && run_over),
        }
    }

    /// The facts and their counts anew: those of a shutdown are others.
    pub(super) fn recount(&mut self) {
        for ix in self.each() {
            let facts = self.facts_of(ix);
            let service = self.service(ix);
            service.facts = facts;
            (service.neighbours.blocking, service.neighbours.holding) = (0, 0);
        }
        for ix in self.each() {
            let facts = self.get(ix).facts;
            for at in 0..self.get(ix).depends_on.len() {
                let on = self.get(ix).depends_on[at];
                if self.counts(on.survives) {
                    let neighbours: &mut Neighbours = &mut self.service(on.on).neighbours;
                    neighbours.blocking += u32::from(facts.blocks_stop);
                    neighbours.holding += u32::from(facts.holds_resources);
                }
            }
        }
    }
}

/// One more or one less, where something has become true or false.
fn change(counter: &mut u32, before: bool, now: bool) {
    *counter = *counter + u32::from(now) - u32::from(before);
}
