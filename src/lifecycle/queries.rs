//! What the shell may ask: before it orders something, and to say who waits for whom.

use std::collections::BTreeSet;

use super::machine::Machine;
use super::names::{ServiceIx, Stage};
use super::service::{Actor, Life, Transition};

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

    /// Whether a service is on its way to another set-up, and not in it.
    pub(crate) fn is_retrying_setup(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        self.is_active() && service.setup_retried && service.life != Life::On
    }

    /// Whether a service is on its way down, or down until it may start again.
    pub(crate) fn is_restarting(&self, ix: ServiceIx) -> bool {
        self.get(ix).transition == Transition::Restart
    }

    /// Whether the service's actor, which may be started again, can end by itself now.
    pub(crate) fn is_replaceable(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        let alive = matches!(service.actor, Actor::Alive | Actor::Suspending);
        self.is_active() && service.restartable && !service.leaves_for_good && alive
    }

    /// Whether `RestartService` would be obeyed.
    pub(crate) fn can_restart(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        let refused = service.leaves_for_good || service.transition == Transition::Addition;
        service.restartable && service.actor != Actor::Gone && !refused
    }

    /// Whether a service leaves, and does not come back.
    pub(crate) fn leaves_for_good(&self, ix: ServiceIx) -> bool {
        self.get(ix).leaves_for_good
    }

    /// The services that depend on one.
    pub(crate) fn dependents(&self, ix: ServiceIx) -> Vec<ServiceIx> {
        self.get(ix).dependents.iter().map(|dependent| dependent.by).collect()
    }

    /// The services that would go down with one, and could not come back.
    pub(crate) fn cannot_follow(&self, ix: ServiceIx) -> Vec<ServiceIx> {
        let (mut stuck, mut seen, mut next) = (Vec::new(), vec![ix], vec![ix]);
        while let Some(ix) = next.pop() {
            for dependent in self.get(ix).dependents.iter().filter(|dependent| !dependent.survives) {
                let service = self.get(dependent.by);
                let up = service.life == Life::On && service.has_begun();
                if up && !seen.contains(&dependent.by) {
                    seen.push(dependent.by);
                    next.push(dependent.by);
                    stuck.extend((!self.get(dependent.by).restartable).then_some(dependent.by));
                }
            }
        }
        stuck
    }

    /// The services that can neither start nor stop before one has.
    pub(crate) fn waiting_on(&self, ix: ServiceIx) -> Vec<ServiceIx> {
        let (mut waiting, mut next) = (BTreeSet::new(), vec![ix]);
        while let Some(on) = next.pop() {
            let service = self.get(on);
            let starts = service.dependents.iter().map(|dependent| dependent.by);
            let starts = starts.filter(|&by| !service.facts.up && self.is_to_start(by));
            let stops = service.depends_on.iter().map(|dependency| dependency.on);
            let stops = stops.filter(|&needed| {
                (service.facts.blocks_stop && self.is_to_stop(needed))
                    || (service.facts.holds_resources && self.is_to_release(needed))
            });
            next.extend(starts.chain(stops).filter(|&other| other != ix && waiting.insert(other)));
        }
        waiting.into_iter().collect()
    }

    fn is_to_start(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        let waits = service.life == Life::On && service.is_only_registered();
        (waits || service.life == Life::Down)
            && service.wanted
            && matches!(self.stage(), Stage::SettingUp | Stage::Running)
    }

    /// Whether it is to be asked to stop, and has not been.
    fn is_to_stop(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        let leaves = matches!(service.life, Life::Leaving(_)) || self.stage() == Stage::Stopping;
        leaves && service.facts.has_work && !service.asked
    }

    /// Whether it has come to its end, and keeps its resources for others.
    fn is_to_release(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        let leaves = matches!(service.life, Life::Leaving(_)) || self.stage() == Stage::Releasing;
        leaves && service.is_settled() && service.has_resources()
    }
}
