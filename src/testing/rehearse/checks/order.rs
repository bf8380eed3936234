//! The order of what happened: who was set up, run, asked, released when; each once, each to its end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::violation::Violation;
use crate::events::{End, LeaseEvent, LifecycleEvent, Name};
use crate::lifecycle::{Outcome, Step};
use crate::manager::test_support::fault::{FaultKind, FaultPoint};
use crate::testing::rehearse::cases::{Case, Known};
use crate::testing::rehearse::history::{History, Phase, moment};

pub(super) fn violations(case: Option<&Case>, known: &Known, history: &History) -> Vec<Violation> {
    let forced = matches!(case, Some(Case { kind: FaultKind::StopRequest(ask, _), .. }) if ask.forces());
    let deadline = match history.asked_at() {
        _ if forced => Some(Duration::ZERO),
        asked => asked.map(|asked| asked + known.whole),
    };
    let mut watch = Watch { deadline, ..Watch::default() };
    watch.services.extend(known.services().map(|service| (service.clone(), Life::default())));
    for timed in &history.0 {
        if watch.stopped {
            watch.found("nothing after `stopped`", format!("there was {}", timed.event));
        }
        match moment(&timed.event) {
            Some((point, phase)) => watch.see(&point, phase, timed.at),
            None => watch.see_other(&timed.event),
        }
    }
    watch.conclude();
    watch.found
}

/// What has happened so far.
#[derive(Default)]
struct Watch {
    services: BTreeMap<Name, Life>,
    /// Whether anybody was let run.
    ran: bool,
    asked: bool,
    releasing: bool,
    stopped: bool,
    /// When resources need no longer wait for each other.
    deadline: Option<Duration>,
    found: Vec<Violation>,
}

/// The latest life of a service.
#[derive(Default)]
struct Life {
    steps: [Progress; Step::ALL.len()],
    resources: Vec<(Name, Progress)>,
    /// On its way down while others run.
    leaves: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    Unsent,
    Open,
    Over(Outcome),
}

impl Life {
    fn step(&self, step: Step) -> Progress {
        self.steps[step as usize]
    }
}

impl Watch {
    fn found(&mut self, expected: impl Into<String>, happened: impl Into<String>) {
        self.found.push(Violation::new(expected, happened));
    }

    fn life(&mut self, service: &Name) -> &mut Life {
        self.services.entry(service.clone()).or_default()
    }

    fn see(&mut self, point: &FaultPoint, phase: Phase<'_>, at: Duration) {
        match (point, phase) {
            (FaultPoint::Step { service, step }, Phase::Began) => self.step_began(point, service, *step),
            (FaultPoint::Step { service, step }, Phase::Over(end)) => {
                self.step_over(point, service, *step, end)
            }
            (FaultPoint::Start { service, resource }, Phase::Began) => {
                self.resource_began(point, service, resource)
            }
            (FaultPoint::Start { service, resource }, Phase::Lost(end)) => {
                self.resource_over(point, service, resource, Progress::Unsent, end);
            }
            (FaultPoint::Release { service, resource }, Phase::Began) => {
                self.release_began(point, service, resource, at);
            }
            (FaultPoint::Release { service, resource }, Phase::Over(end)) => {
                self.resource_over(point, service, resource, Progress::Open, end);
            }
            _ => {}
        }
    }

    fn step_began(&mut self, point: &FaultPoint, service: &Name, step: Step) {
        let life = self.life(service);
        if step == Step::Setup && life.leaves {
            // Another life.
            let register = life.step(Step::Register);
            let left: Vec<_> = life.resources.iter().filter(|(_, progress)| is_alive(*progress)).collect();
            let left = (!left.is_empty()).then(|| format!("it has {left:?} of the life before"));
            *life = Life::default();
            life.steps[Step::Register as usize] = register;
            if let Some(left) = left {
                self.found(format!("{service} to be set up again with none of its resources left"), left);
            }
        }
        let before = self.life(service).step(step);
        if before != Progress::Unsent {
            self.found(format!("{point} to begin once in a life of {service}"), "it began again");
        }
        self.life(service).steps[step as usize] = Progress::Open;
        let set_up = |life: &Life| life.step(Step::Setup) == Progress::Over(Outcome::Ok);
        match step {
            Step::Register => {}
            Step::Setup => {
                if self.life(service).step(Step::Register) == Progress::Open {
                    self.found("register to be over before setup (G2)", format!("{point} began"));
                }
            }
            Step::Run => {
                let first = !std::mem::replace(&mut self.ran, true);
                if !set_up(self.life(service)) {
                    self.found("no Run without a Setup that succeeded (G2, G3)", format!("{point} began"));
                }
                let missing = self.services.iter().find(|(_, life)| !set_up(life)).map(|(id, _)| id.clone());
                if let Some(missing) = missing.filter(|_| first) {
                    let expected = "no Run before every Setup succeeded (G2, G3)";
                    self.found(expected, format!("{point} began, and {missing} was not set up"));
                }
            }
            Step::Shutdown => {
                if self.life(service).step(Step::Run) != Progress::Open {
                    self.found("Shutdown only for a Run that is not over (G5)", format!("{point} began"));
                }
            }
        }
    }

    fn step_over(&mut self, point: &FaultPoint, service: &Name, step: Step, end: &End) {
        if self.life(service).step(step) != Progress::Open {
            self.found(format!("{point} to end once, after it began"), "it ended though it was not open");
        }
        self.life(service).steps[step as usize] = Progress::Over(end.outcome);
    }

    fn resource_began(&mut self, point: &FaultPoint, service: &Name, resource: &Name) {
        if self.releasing {
            self.found("no resource to start once releasing began (G6)", format!("{point} was told"));
        }
        let resources = &mut self.life(service).resources;
        let twice = resources.iter().any(|(name, _)| name == resource);
        resources.push((resource.clone(), Progress::Unsent));
        if twice {
            self.found(format!("one resource {resource} of {service} (G1)"), "it was started twice");
        }
    }

    fn release_began(&mut self, point: &FaultPoint, service: &Name, resource: &Name, at: Duration) {
        let late = self.deadline.is_some_and(|deadline| at >= deadline);
        let running = |life: &Life| life.step(Step::Run) == Progress::Open;
        let runs = match self.releasing {
            true => self.services.iter().find(|(_, life)| running(life)).map(|(id, _)| id.clone()),
            false => running(self.life(service)).then(|| service.clone()),
        };
        if let Some(runs) = runs {
            self.found("no Release before every Run is over (G6)", format!("{point} began while {runs} ran"));
        }
        if !self.releasing && !self.life(service).leaves {
            self.found("no Release while its service is up (G6)", format!("{point} began"));
        }
        let resources = &mut self.life(service).resources;
        let Some(at) = resources.iter().rposition(|(name, _)| name == resource) else {
            self.found(format!("{point} of a resource that was started"), "nobody told of its start");
            return;
        };
        let before = std::mem::replace(&mut resources[at].1, Progress::Open);
        let later = resources[at + 1..]
            .iter()
            .find(|(_, later)| *later == Progress::Unsent || (*later == Progress::Open && !late));
        let later = later.map(|(name, _)| name.clone());
        if before != Progress::Unsent {
            self.found(format!("{point} to begin at most once, and not after its end (G6)"), "it did");
        }
        if let Some(later) = later {
            let expected = format!("resources of {service} to be released the last started first (G6)");
            self.found(expected, format!("{point} began before {later} was over"));
        }
    }

    fn resource_over(
        &mut self,
        point: &FaultPoint,
        service: &Name,
        resource: &Name,
        wanted: Progress,
        end: &End,
    ) {
        let resources = &mut self.life(service).resources;
        let known = resources.iter_mut().rfind(|(name, _)| name == resource);
        let before = known.map(|(_, progress)| std::mem::replace(progress, Progress::Over(end.outcome)));
        if before != Some(wanted) {
            let outcome = end.outcome;
            self.found(
                format!("one ending of {point} (G7)"),
                format!("it ended ({outcome}) from {before:?}"),
            );
        }
    }

    fn see_other(&mut self, event: &LifecycleEvent) {
        use LifecycleEvent as E;
        match event {
            E::SetupRetried { service, .. }
            | E::RestartStarted { service, .. }
            | E::Lease(LeaseEvent::LeaseLost { service, .. } | LeaseEvent::StepDownStarted { service, .. })
            | E::StopStarted { service } => self.life(service).leaves = true,
            E::ShutdownRequested { .. } if self.asked => {
                self.found("one begin of the shutdown (G5)", "there were two");
            }
            E::ShutdownRequested { .. } => self.asked = true,
            E::Releasing => self.releasing = true,
            E::Stopped => self.stopped = true,
            E::ServiceRemoved { service } => drop(self.services.remove(service)),
            _ => {}
        }
    }

    /// G7: all that began is over.
    fn conclude(&mut self) {
        if !self.stopped {
            self.found("`stopped` as the last event", "it never came");
        }
        let mut open = Vec::new();
        for (service, life) in &self.services {
            let steps = Step::ALL.into_iter().filter(|&step| life.step(step) == Progress::Open);
            open.extend(steps.map(|step| format!("{step} of {service}")));
            let resources = life.resources.iter().filter(|(_, progress)| is_alive(*progress));
            open.extend(resources.map(|(name, _)| format!("{service}/{name}")));
        }
        for open in open {
            self.found(format!("an ending of {open} (G7)"), "none was told");
        }
    }
}

fn is_alive(progress: Progress) -> bool {
    !matches!(progress, Progress::Over(_))
}
