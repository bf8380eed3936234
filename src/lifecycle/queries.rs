//! What the shell may ask before it orders something.

use super::machine::Machine;
use super::names::ServiceIx;
use super::service::{Actor, Life, Passage};

impl Machine {
    /// Whether the place of a removed service is free.
    pub(crate) fn is_vacant(&self, ix: ServiceIx) -> bool {
        self.get(ix).vacant
    }

    /// Whether a service was stopped by itself, and is down.
    pub(crate) fn is_stopped(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        !service.wanted && service.life == Life::Down
    }

    /// Whether a service is on its way down, or down until it may start again.
    pub(crate) fn is_restarting(&self, ix: ServiceIx) -> bool {
        self.get(ix).passage == Passage::Restart
    }

    /// Whether `RestartService` would be obeyed.
    pub(crate) fn can_restart(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        let refused = service.leaves_for_good || service.passage == Passage::Addition;
        service.restartable && service.actor != Actor::Gone && !refused
    }

    /// Who depends on a service.
    pub(crate) fn dependents(&self, ix: ServiceIx) -> Vec<ServiceIx> {
        self.get(ix).dependents.iter().map(|dependent| dependent.by).collect()
    }

    /// Who would have to go down with a service, and could not come back.
    pub(crate) fn cannot_follow(&self, ix: ServiceIx) -> Vec<ServiceIx> {
        let (mut stuck, mut seen, mut next) = (Vec::new(), vec![ix], vec![ix]);
        while let Some(ix) = next.pop() {
            for dependent in self.get(ix).dependents.iter().filter(|dependent| !dependent.survives) {
                let up = self.get(dependent.by).life == Life::On;
                if up && !seen.contains(&dependent.by) {
                    seen.push(dependent.by);
                    next.push(dependent.by);
                    stuck.extend((!self.get(dependent.by).restartable).then_some(dependent.by));
                }
            }
        }
        stuck
    }
}
