//! The statuses as a value: events in, statuses out.

use std::collections::BTreeMap;

use crate::events::{LeaseEvent, LifecycleEvent as Event, Name};
use crate::grpc::builtin::health::{LIVENESS, ServingStatus};
use crate::grpc::builtin::ids::SERVER_ID;
use crate::lifecycle::Outcome;

/// Which services serve, by the events so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Statuses {
    /// Every service of the manager, by its id.
    services: BTreeMap<Name, Life>,
    /// Whose each gRPC service is.
    owners: BTreeMap<&'static str, Name>,
    all_run: bool,
    stopping: bool,
    draining: bool,
}

/// How far a service has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    /// It waits for something that is not of this process.
    Standby,
    /// Without a main loop it runs when all do.
    Coming,
    Running,
    Over,
}

impl Statuses {
    /// Takes note of something that happened. Returns whether it may have changed anything.
    pub(crate) fn observe(&mut self, event: &Event) -> bool {
        match event {
            Event::Standby { service, .. } => self.set(service, Life::Standby),
            Event::RegisterStarted { service } => {
                self.services.entry(service.clone()).or_insert(Life::Coming);
            }
            Event::SetupStarted { service } => {
                let life = self.services.entry(service.clone()).or_insert(Life::Coming);
                if *life == Life::Standby {
                    *life = Life::Coming;
                }
            }
            Event::SetupFinished { service, end } if end.outcome == Outcome::Ok && self.all_run => {
                let coming = self.services.get_mut(service).filter(|life| **life == Life::Coming);
                coming.into_iter().for_each(|life| *life = Life::Running);
            }
            Event::RunStarted { service } => self.set(service, Life::Running),
            Event::RunFinished { service, .. }
            | Event::ServiceLost { service, .. }
            | Event::RestartStarted { service, .. }
            | Event::Lease(
                LeaseEvent::LeaseLost { service, .. } | LeaseEvent::StepDownStarted { service, .. },
            )
            | Event::StopStarted { service } => self.set(service, Life::Over),
            Event::RestartFinished { service, end } if end.outcome == Outcome::Ok => {
                // Before all run, one without a main loop does not.
                let ran = self.services.get(service) == Some(&Life::Running);
                self.set(service, if self.all_run || ran { Life::Running } else { Life::Coming });
            }
            Event::ServiceRemoved { service } => {
                self.services.remove(service);
            }
            Event::Running => {
                self.all_run = true;
                for life in self.services.values_mut().filter(|life| **life == Life::Coming) {
                    *life = Life::Running;
                }
            }
            Event::ShutdownRequested { .. } => self.stopping = true,
            // The drain of the server begins.
            Event::ShutdownStarted { service } if **service == *SERVER_ID => self.draining = true,
            _ => return false,
        }
        true
    }

    fn set(&mut self, service: &Name, life: Life) {
        self.services.insert(service.clone(), life);
    }

    /// Takes note of the gRPC services that are served, and of whose each is.
    pub(crate) fn serve(&mut self, owners: BTreeMap<&'static str, Name>) {
        self.owners = owners;
    }

    /// Whether all have run, if only once.
    pub(crate) fn has_run(&self) -> bool {
        self.all_run
    }

    /// Whether nothing changes any more that a watch should tell.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining
    }

    /// Whether a service waits for something that is not of this process: nobody waits for it.
    pub(crate) fn stands_by(&self, id: &str) -> bool {
        self.services.get(id) == Some(&Life::Standby)
    }

    /// The status of that name; `None` where there is none of it.
    pub(crate) fn of(&self, name: &str) -> Option<ServingStatus> {
        match name {
            "" => Some(self.when(self.all_run)),
            LIVENESS => Some(ServingStatus::Serving),
            _ => {
                let id = self.owners.get(name).map_or(name, |owner| owner);
                self.services.get(id).map(|&life| self.when(life == Life::Running))
            }
        }
    }

    /// Every name, and its status.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, ServingStatus)> {
        let ids = self.services.keys().map(|id| &**id);
        let names = ["", LIVENESS].into_iter().chain(self.owners.keys().copied()).chain(ids);
        names.filter_map(|name| Some((name, self.of(name)?)))
    }

    fn when(&self, serving: bool) -> ServingStatus {
        if serving && !self.stopping { ServingStatus::Serving } else { ServingStatus::NotServing }
    }
}

#[cfg(test)]
mod tests {
    use super::ServingStatus::{NotServing, Serving};
    use super::*;
    use crate::events::End;
    use crate::lifecycle::{Cause, WaitsFor};
    use std::time::Duration;

    fn name(id: &str) -> Name {
        id.into()
    }

    fn started(id: &str) -> Event {
        Event::RunStarted { service: name(id) }
    }

    fn finished(id: &str, outcome: Outcome) -> Event {
        let end = End { took: Duration::ZERO, outcome, error: None, cancelled: false };
        Event::RunFinished { service: name(id), end }
    }

    fn asked() -> Event {
        Event::ShutdownRequested { cause: Cause::StartShutdown }
    }

    /// A service `loop` with a main loop, and `calls`, which only answers `a.Calls`, up to there.
    fn after(events: impl IntoIterator<Item = Event>) -> Statuses {
        let mut statuses = Statuses::default();
        statuses.serve([("a.Calls", name("calls"))].into());
        statuses.observe(&Event::RegisterStarted { service: name("calls") });
        statuses.observe(&Event::SetupStarted { service: name("calls") });
        statuses.observe(&Event::SetupStarted { service: name("loop") });
        for event in events {
            statuses.observe(&event);
        }
        statuses
    }

    /// Of `loop`, `calls`, `a.Calls` and all.
    #[track_caller]
    fn assert_statuses(statuses: &Statuses, wanted: [ServingStatus; 4]) {
        let found = ["loop", "calls", "a.Calls", ""].map(|name| statuses.of(name).unwrap());
        assert_eq!(found, wanted, "{statuses:?}");
        assert_eq!(statuses.of(LIVENESS), Some(Serving));
    }

    #[test]
    fn g05_health_says_serving_of_a_main_loop_when_it_runs_and_of_the_rest_when_all_do() {
        assert_statuses(&after([]), [NotServing; 4]);
        assert_statuses(&after([started("loop")]), [Serving, NotServing, NotServing, NotServing]);
        assert_statuses(&after([started("loop"), Event::Running]), [Serving; 4]);
    }

    #[test]
    fn g04_health_says_not_serving_of_a_service_that_ended_and_leaves_the_others_alone() {
        let ended = [started("loop"), Event::Running, finished("loop", Outcome::Ok)];
        assert_statuses(&after(ended), [NotServing, Serving, Serving, Serving]);
        // Also of one that was over before the server accepted calls.
        let at_once = [started("loop"), finished("loop", Outcome::Ok), Event::Running];
        assert_statuses(&after(at_once), [NotServing, Serving, Serving, Serving]);
    }

    #[test]
    fn g25_health_says_not_serving_of_a_service_that_stands_by_and_serving_of_all_the_others() {
        let lease = || (name("loop"), name("lease"));
        let standby = || Event::Standby { service: name("loop"), waits_for: WaitsFor::Lease };
        let acquired = || {
            let (service, lease) = lease();
            Event::Lease(LeaseEvent::LeaseAcquired { service, lease, epoch: 1 })
        };
        assert_statuses(&after([standby(), Event::Running]), [NotServing, Serving, Serving, Serving]);
        let set_up = Event::SetupStarted { service: name("loop") };
        let runs = || [standby(), Event::Running, acquired(), set_up.clone(), started("loop")];
        assert_statuses(&after(runs()), [Serving; 4]);
        let again = runs().into_iter().chain([finished("loop", Outcome::Ok), standby()]);
        assert_statuses(&after(again), [NotServing, Serving, Serving, Serving]);
    }

    #[test]
    fn health_says_not_serving_of_a_service_that_restarts_and_serving_when_it_is_up_again() {
        let because = || crate::lifecycle::RestartCause::Asked;
        let begun = |id| Event::RestartStarted { service: name(id), because: because() };
        let over = |id, outcome| Event::RestartFinished {
            service: name(id),
            end: End { took: Duration::ZERO, outcome, error: None, cancelled: false },
        };
        let before = || vec![started("loop"), Event::Running, begun("loop"), begun("calls")];
        assert_statuses(&after(before()), [NotServing, NotServing, NotServing, Serving]);
        let failed = [over("calls", Outcome::Error), over("loop", Outcome::Ended)];
        assert_statuses(
            &after(before().into_iter().chain(failed)),
            [NotServing, NotServing, NotServing, Serving],
        );
        let again = [started("loop"), over("loop", Outcome::Ok), over("calls", Outcome::Ok)];
        assert_statuses(&after(before().into_iter().chain(again)), [Serving; 4]);
        // Also of one that restarted before the server accepted calls.
        let early = [started("loop"), begun("calls"), over("calls", Outcome::Ok)];
        assert_statuses(&after(early.clone()), [Serving, NotServing, NotServing, NotServing]);
        assert_statuses(&after(early.into_iter().chain([Event::Running])), [Serving; 4]);
    }

    #[test]
    fn g05_health_says_not_serving_for_good_once_shutdown_is_asked() {
        let events = [started("loop"), Event::Running, asked()];
        assert_statuses(&after(events), [NotServing; 4]);
        let too_late = [asked(), started("loop"), Event::Running];
        assert_statuses(&after(too_late), [NotServing; 4]);
    }

    #[test]
    fn g05_health_ends_its_watches_with_the_servers_drain_alone() {
        let asked_to_stop = |id| Event::ShutdownStarted { service: name(id) };
        let others = after([started("loop"), Event::Running, asked(), asked_to_stop("loop")]);
        assert!(!others.is_draining());
        assert!(after([asked(), asked_to_stop(SERVER_ID)]).is_draining());
    }

    #[test]
    fn g01_health_knows_every_name_once_and_no_other() {
        let statuses = after([started("loop"), Event::Running]);
        let all: Vec<_> = statuses.all().map(|(name, _)| name).collect();
        assert_eq!(all, ["", LIVENESS, "a.Calls", "calls", "loop"]);
        assert_eq!(statuses.of("a.Call"), None);
    }
}
