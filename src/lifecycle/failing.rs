//! What goes wrong, and what it leads to: another set-up, a restart, the manager's shutdown, or nothing more than that it is told.

use super::announcement::{Announcement, Fault, Remedy};
use super::io::{Command, Departure};
use super::machine::{Commands, Machine};
use super::names::{Cause, ErrorStage, Kind, Outcome, ResourceIx, ServiceIx, Stage, Step};
use super::service::{Actor, Life, Progress, Resource, StopMode, Transition};
use super::spec::RestartMode;

/// What a failure leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It only spoils the end.
    Told,
    /// It is on its way down anyway, and others run; or it was told to stop before it was set up.
    Mended,
    /// Its set-up is tried again.
    RetrySetup,
    Restart,
    /// What was added to a running manager, and could not be set up, is taken back.
    Rollback,
    Shutdown(ErrorStage),
}

impl Machine {
    /// Closes an open step, tells of it, and lets a failure take its course.
    pub(super) fn step_over(
        &mut self,
        ix: ServiceIx,
        step: Step,
        outcome: Outcome,
        cancelled: bool,
        out: &mut Commands,
    ) {
        let error = self.error_of(ix, step, outcome).filter(|_| !(cancelled && outcome == Outcome::Ended));
        let verdict = match error {
            None => Verdict::Told,
            Some(_) if cancelled => Verdict::Mended,
            Some(error) => self.judge(ix, error),
        };
        let kind = self.get(ix).kind;
        self.service(ix).set(step, Progress::Over(outcome));
        self.open_steps -= 1;
        self.open_runs -= usize::from(step == Step::Run);
        self.service(ix).cut |= outcome == Outcome::Forced;
        let error = error.map(|stage| Fault { stage, remedy: verdict.remedy() });
        out.push(Command::Announce(Announcement::StepFinished {
            service: ix,
            step,
            outcome,
            error,
            cancelled,
        }));
        if kind == Kind::Server && step == Step::Run {
            self.drained(out);
        }
        self.note(ix);
        self.touch(ix);
        self.follow_up(ix, verdict, outcome, out);
    }

    /// Which part of the manager's error an ended step belongs to, if it is an error at all.
    fn error_of(&self, ix: ServiceIx, step: Step, outcome: Outcome) -> Option<ErrorStage> {
        let service = self.get(ix);
        let asked = service.step(Step::Shutdown) != Progress::Unsent;
        match (step, outcome) {
            (_, Outcome::Ok) => None,
            (_, Outcome::Forced) => Some(ErrorStage::Shutdown),
            // Its failure has been told; this is merely cut.
            (_, Outcome::Ended) if service.life == Life::Leaving(StopMode::AtOnce) => None,
            (Step::Register | Step::Setup, _) if self.has_run() => Some(ErrorStage::Run),
            (Step::Register | Step::Setup, _) => Some(ErrorStage::Setup),
            // An actor that stops itself when asked to stop does what it was asked.
            (Step::Run, Outcome::Ended) if asked => None,
            (Step::Shutdown, Outcome::Ended) => None,
            (Step::Run, _) => Some(ErrorStage::Run),
            (Step::Shutdown, _) => Some(ErrorStage::Shutdown),
        }
    }

    /// G21: whether a set-up that ends now ends because it was told to. After a failed set-up the error holds every
    /// failing service (G3).
    pub(super) fn cancels(&self, ix: ServiceIx, step: Step) -> bool {
        let told = self.get(ix).asked && (!self.is_stopping() || self.stopping.cancels);
        told && matches!(step, Step::Register | Step::Setup)
    }

    /// Whether everybody was let run, if only until the shutdown.
    pub(super) fn has_run(&self) -> bool {
        self.stage == Stage::Running || self.stopping.ran
    }

    fn judge(&self, ix: ServiceIx, error: ErrorStage) -> Verdict {
        let service = self.get(ix);
        match (self.stage, service.life) {
            (Stage::SettingUp | Stage::Running, Life::On)
                if error != ErrorStage::Shutdown && service.may_retry_setup() =>
            {
                Verdict::RetrySetup
            }
            (Stage::Running, Life::On) if service.transition == Transition::Addition => Verdict::Rollback,
            (Stage::Running, Life::On) if error == ErrorStage::Shutdown => Verdict::Told,
            (Stage::Running, Life::On) if service.mode != RestartMode::Never && service.may_restart() => {
                Verdict::Restart
            }
            (Stage::SettingUp | Stage::Running, Life::Leaving(_) | Life::Down | Life::Delayed) => {
                Verdict::Mended
            }
            _ if error == ErrorStage::Shutdown => Verdict::Told,
            _ => Verdict::Shutdown(error),
        }
    }

    fn follow_up(&mut self, ix: ServiceIx, verdict: Verdict, outcome: Outcome, out: &mut Commands) {
        match verdict {
            Verdict::Told | Verdict::Mended => {}
            Verdict::RetrySetup => self.retry_setup(ix, out),
            Verdict::Restart => self.restart_failed(ix, outcome, out),
            Verdict::Rollback => self.roll_back(ix, out),
            Verdict::Shutdown(ErrorStage::Setup) => self.request_shutdown(Cause::SetupFailed(ix), out),
            Verdict::Shutdown(_) => self.request_shutdown(Cause::RunFailed(ix), out),
        }
    }

    /// A failure outside of any step.
    pub(super) fn fail(
        &mut self,
        ix: ServiceIx,
        needed: bool,
        outcome: Outcome,
        tell: impl FnOnce(Fault) -> Announcement,
        out: &mut Commands,
    ) {
        let stage = self.error_stage(needed);
        let verdict = self.judge(ix, stage);
        self.announce(tell(Fault { stage, remedy: verdict.remedy() }), out);
        self.follow_up(ix, verdict, outcome, out);
    }

    /// The part of the error that a failure outside of any step belongs to.
    /// One who is not needed any more brings nobody else down.
    fn error_stage(&self, needed: bool) -> ErrorStage {
        match self.stage {
            _ if !needed => ErrorStage::Shutdown,
            Stage::Created | Stage::SettingUp => ErrorStage::Setup,
            Stage::Running => ErrorStage::Run,
            Stage::Stopping if self.stopping.ran => ErrorStage::Run,
            Stage::Stopping => ErrorStage::Setup,
            Stage::Releasing | Stage::Stopped => ErrorStage::Shutdown,
        }
    }

    /// A main loop has returned, and that is what it was to do, unless it always is to run.
    pub(super) fn returned(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.stage != Stage::Running || self.get(ix).mode != RestartMode::Always {
            return;
        }
        if self.get(ix).may_restart() {
            self.restart_failed(ix, Outcome::Ok, out);
        } else {
            let tell = |error| Announcement::ServiceLost { service: ix, outcome: Outcome::Ok, error };
            self.fail(ix, true, Outcome::Ok, tell, out);
        }
    }

    pub(super) fn panicked(&mut self, ix: ServiceIx, resource: Option<ResourceIx>, out: &mut Commands) {
        let over = match resource {
            Some(r) => self.get(ix).resources[r.index as usize] == Resource::Over,
            None => self.get(ix).rests(),
        };
        if !over {
            let needed = self.get(ix).is_needed() || self.get(ix).lost_its_thread;
            let tell = |error| Announcement::Panicked { service: ix, resource, error };
            self.fail(ix, needed, Outcome::Panic, tell, out);
        }
    }

    /// An actor that may be started again has come to rest: by itself, or as told.
    pub(super) fn suspended(&mut self, ix: ServiceIx, departure: Departure, out: &mut Commands) {
        let possible = match self.get(ix).actor {
            Actor::Alive => self.get(ix).restartable && departure.is_its_own(),
            Actor::Suspending => departure != Departure::Abandoned,
            _ => false,
        };
        if possible {
            self.departed(ix, departure, Actor::Suspended, out);
        }
    }

    pub(super) fn gone(&mut self, ix: ServiceIx, departure: Departure, out: &mut Commands) {
        let before = self.get(ix).actor;
        let possible = match departure {
            Departure::Ended | Departure::Panicked => !matches!(before, Actor::Unborn | Actor::Gone),
            Departure::Dismissed => matches!(before, Actor::Retiring | Actor::Forcing),
            Departure::Abandoned => before == Actor::Forcing,
        };
        if possible {
            self.actors -= 1;
            self.departed(ix, departure, Actor::Gone, out);
            self.vacate_when_gone(ix, out);
        }
    }

    pub(super) fn departed(&mut self, ix: ServiceIx, departure: Departure, to: Actor, out: &mut Commands) {
        let needed = self.get(ix).is_needed();
        let resting = self.get(ix).rests();
        // What has failed, and was told to rest, is cut off without further blame.
        let blameless =
            self.get(ix).life == Life::Leaving(StopMode::AtOnce) && self.get(ix).actor != Actor::Forcing;
        self.note_departure(ix, departure);
        self.service(ix).actor = to;
        self.service(ix).cut |= departure == Departure::Abandoned;
        let open: Vec<Step> = Step::ALL.into_iter().filter(|&step| self.get(ix).is_open(step)).collect();
        let gives_up = to == Actor::Gone && self.must_return(ix);
        if open.is_empty() && !resting && !gives_up {
            self.departed_idle(ix, needed, departure, out);
        }
        for &step in &open {
            // The one panic is told with the first step that it ended; the others just never got an answer.
            let outcome = match departure {
                Departure::Panicked if step != open[0] => Outcome::Ended,
                Departure::Dismissed if blameless => Outcome::Ended,
                _ => departure.outcome(),
            };
            let cancelled = outcome == Outcome::Ended && self.cancels(ix, step);
            self.step_over(ix, step, outcome, cancelled, out);
        }
        self.note(ix);
        self.touch(ix);
        if gives_up {
            self.give_up_restart(ix, departure, out);
        }
    }

    /// An actor without an open step went: as told, or by itself while others still counted on it.
    fn departed_idle(&mut self, ix: ServiceIx, needed: bool, departure: Departure, out: &mut Commands) {
        let lost = match departure {
            Departure::Dismissed | Departure::Abandoned => false,
            Departure::Panicked => true,
            // An actor may stop itself once shutdown was asked.
            Departure::Ended => needed && !self.is_stopping(),
        };
        if lost {
            let outcome = departure.outcome();
            let tell = |error| Announcement::ServiceLost { service: ix, outcome, error };
            self.fail(ix, needed, outcome, tell, out);
        } else if departure == Departure::Abandoned {
            let stage = ErrorStage::Shutdown;
            let remedy = Remedy::when(self.is_active());
            self.announce(Announcement::ServiceStuck(ix, Fault { stage, remedy }), out);
        }
    }

    /// G11: a resource that dies while its service is needed fails that service.
    pub(super) fn resource_lost(&mut self, resource: ResourceIx, outcome: Outcome, out: &mut Commands) {
        let ix = resource.service;
        let needed = self.get(ix).is_needed();
        let tell = |error| Announcement::ResourceLost { resource, outcome, error };
        self.fail(ix, needed, outcome, tell, out);
    }
}

impl Verdict {
    fn remedy(self) -> Remedy {
        match self {
            Verdict::Told | Verdict::Shutdown(_) => Remedy::None,
            Verdict::RetrySetup => Remedy::SetupRetry,
            Verdict::Mended | Verdict::Restart | Verdict::Rollback => Remedy::Other,
        }
    }
}
