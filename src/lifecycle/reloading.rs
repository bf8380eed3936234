//! A reload: new settings are taken over by all that can, or by nobody.
//!
//! ```text
//!   asked --> all are asked to prepare --all did--> commit, each after those that it depends on --> over
//!    ^                     |
//!    |                     '-- one refuses, goes down, or takes too long --> refused: nobody commits
//!    '-- asked meanwhile: another follows. A shutdown calls it off
//! ```
//!
//! Who is being set up may have read the old settings: it is waited for, and prepares when it is up. Who begins its set-up later reads the new
//! ones, and takes no part. Whoever fails to commit has failed as if its main loop had: its policy says what follows. All others go on.

use super::announcement::Announcement;
use super::io::{Answer, Command};
use super::machine::{Commands, Machine};
use super::names::{Outcome, ServiceIx, Stage, Step};
use super::reload_names::{ReloadEnd, ReloadStep};
use super::reload_state::{Reload, Share};
use super::service::{Actor, Life, Progress, StopMode};

impl Machine {
    /// `Reload`, or SIGHUP: now, or when all run, or when the one that is under way is over.
    pub(super) fn reload_asked(&mut self, out: &mut Commands) {
        if self.is_stopping() {
            return;
        }
        self.reload.again = true;
        self.reload_when_due(out);
    }

    pub(super) fn reload_when_due(&mut self, out: &mut Commands) {
        let busy = self.reload.step.is_some() || self.is_handing_over();
        if self.stage != Stage::Running || !self.reload.again || busy {
            return;
        }
        self.reload = Reload { step: Some(ReloadStep::Prepare), ..Reload::default() };
        self.announce(Announcement::ReloadStarted, out);
        // Nobody is done before all have been asked.
        self.reload.open = 1;
        for ix in self.each() {
            let service = self.get(ix);
            if service.reloadable && service.life == Life::On && service.is_being_set_up() {
                self.share_begins(ix, Share::SetUp, out);
            } else if self.can_reload(ix) {
                self.share_begins(ix, Share::Preparing, out);
            }
        }
        self.share_ends(out);
    }

    fn can_reload(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        service.reloadable && service.is_set_up() && service.is_needed()
    }

    fn share_begins(&mut self, ix: ServiceIx, share: Share, out: &mut Commands) {
        self.reload.open += 1;
        self.service(ix).reload = share;
        self.review_permit(ix, out);
        self.demand(ix, share, out);
    }

    /// Has a service do its share, within its time.
    fn demand(&mut self, ix: ServiceIx, share: Share, out: &mut Commands) {
        match share {
            Share::Preparing => out.push(Command::Reload(ix, ReloadStep::Prepare)),
            Share::Committing => out.push(Command::Reload(ix, ReloadStep::Commit)),
            Share::None | Share::SetUp | Share::Prepared => {}
        }
        out.push(Command::StartReloadTimer(ix));
    }

    pub(super) fn reload_answered(
        &mut self,
        ix: ServiceIx,
        step: ReloadStep,
        answer: Answer,
        out: &mut Commands,
    ) {
        match (self.get(ix).reload, step) {
            (Share::Preparing, ReloadStep::Prepare) if answer == Answer::Ok => self.prepared(ix, out),
            (Share::Preparing, ReloadStep::Prepare) => self.refuse(ix, answer.outcome(), out),
            (Share::Committing, ReloadStep::Commit) if answer == Answer::Ok => self.leave_reload(ix, out),
            (Share::Committing, ReloadStep::Commit) => self.commit_failed(ix, answer.outcome(), out),
            _ => {}
        }
    }

    /// A service has had the time that its share of the reload may take.
    pub(super) fn reload_timeout(&mut self, ix: ServiceIx, out: &mut Commands) {
        match self.get(ix).reload {
            Share::None | Share::Prepared => {}
            Share::SetUp | Share::Preparing => self.refuse(ix, Outcome::Forced, out),
            Share::Committing => self.commit_failed(ix, Outcome::Forced, out),
        }
    }

    /// A service may have come up, or gone down.
    pub(super) fn note_reload(&mut self, ix: ServiceIx, out: &mut Commands) {
        let (share, service) = (self.get(ix).reload, self.get(ix));
        if share == Share::None || self.can_reload(ix) {
            if share == Share::SetUp {
                self.service(ix).reload = Share::Preparing;
                self.demand(ix, Share::Preparing, out);
            }
            return;
        }
        // Whose main loop has returned has nothing to take over; whose set-up begins anew reads what is new.
        let over = service.life == Life::On && matches!(service.step(Step::Run), Progress::Over(_));
        let on = service.life == Life::On;
        let cut = service.life == Life::Leaving(StopMode::AtOnce) || (on && service.actor != Actor::Alive);
        match self.reload.step {
            _ if share == Share::SetUp && on && !cut && !service.is_only_registered() => {}
            _ if share == Share::SetUp || over => self.leave_reload(ix, out),
            Some(ReloadStep::Commit) if !(share == Share::Committing && cut) => self.leave_reload(ix, out),
            Some(step) => {
                self.reload.failed = true;
                self.announce(Announcement::ReloadLeft(ix, step), out);
                self.leave_reload(ix, out);
            }
            None => {}
        }
    }

    fn prepared(&mut self, ix: ServiceIx, out: &mut Commands) {
        self.service(ix).reload = Share::Prepared;
        self.share_ends(out);
    }

    fn refuse(&mut self, ix: ServiceIx, outcome: Outcome, out: &mut Commands) {
        self.reload.failed = true;
        let step = ReloadStep::Prepare;
        self.announce(Announcement::ReloadFailed { service: ix, step, outcome, error: None }, out);
        self.leave_reload(ix, out);
    }

    /// A service takes no part any more, or has done its share.
    fn leave_reload(&mut self, ix: ServiceIx, out: &mut Commands) {
        let share = std::mem::replace(&mut self.service(ix).reload, Share::None);
        self.review_permit(ix, out);
        match (share, self.reload.step) {
            // It was not waited for.
            (Share::Prepared, Some(ReloadStep::Prepare)) => return,
            // It lets others go on.
            (Share::Committing, _) => self.commit_or_pass(ix, out),
            _ => {}
        }
        self.share_ends(out);
    }

    /// One of those that this step of the reload waits for is done.
    fn share_ends(&mut self, out: &mut Commands) {
        self.reload.open -= 1;
        match self.reload.step {
            Some(_) if self.reload.open > 0 => {}
            Some(ReloadStep::Prepare) if self.reload.failed => self.reload_over(ReloadEnd::Refused, out),
            Some(ReloadStep::Prepare) => self.commit_all(out),
            Some(ReloadStep::Commit) if self.reload.failed => self.reload_over(ReloadEnd::Incomplete, out),
            Some(ReloadStep::Commit) => self.reload_over(ReloadEnd::Done, out),
            None => {}
        }
    }

    /// All have prepared. Each commits after those that it depends on, also through others that take no part.
    fn commit_all(&mut self, out: &mut Commands) {
        self.reload.step = Some(ReloadStep::Commit);
        // It is not over before all are on their way.
        self.reload.open = 1;
        for ix in self.each() {
            let waits = self.get(ix).depends_on.len() as u32;
            self.service(ix).commits_after = waits;
            self.reload.open += u32::from(self.get(ix).reload == Share::Prepared);
        }
        for at in 0..self.order.len() {
            let ix = self.order[at];
            if self.get(ix).depends_on.is_empty() {
                self.commit_or_pass(ix, out);
            }
        }
        self.share_ends(out);
    }

    /// A service that waits for nobody commits; whoever takes no part lets those that depend on it go on.
    fn commit_or_pass(&mut self, ix: ServiceIx, out: &mut Commands) {
        let mut next = vec![ix];
        while let Some(ix) = next.pop() {
            let prepared = self.get(ix).reload == Share::Prepared;
            if prepared && self.can_reload(ix) && self.get(ix).neighbours.lost == 0 {
                self.service(ix).reload = Share::Committing;
                self.demand(ix, Share::Committing, out);
                continue;
            }
            if prepared {
                // It is about to go down. Whoever calls this is waited for itself, so that the reload is not over yet.
                self.service(ix).reload = Share::None;
                self.reload.open -= 1;
            }
            for at in 0..self.get(ix).dependents.len() {
                let by = self.get(ix).dependents[at].by;
                // One that was added meanwhile waits for nobody.
                if self.get(by).commits_after > 0 {
                    self.service(by).commits_after -= 1;
                    next.extend((self.get(by).commits_after == 0).then_some(by));
                }
            }
        }
    }

    fn commit_failed(&mut self, ix: ServiceIx, outcome: Outcome, out: &mut Commands) {
        let needed = self.get(ix).is_needed();
        self.reload.failed = true;
        self.service(ix).reload = Share::None;
        let failed = |error| Announcement::ReloadFailed {
            service: ix,
            step: ReloadStep::Commit,
            outcome,
            error: Some(error),
        };
        self.fail(ix, needed, outcome, failed, out);
        // It may have begun the shutdown, which has called the reload off.
        if self.reload.step.is_some() {
            self.commit_or_pass(ix, out);
            self.share_ends(out);
        }
    }

    /// The shutdown has begun.
    pub(super) fn call_reload_off(&mut self, out: &mut Commands) {
        self.reload.again = false;
        if self.reload.step.is_some() {
            self.reload_over(ReloadEnd::CalledOff, out);
        }
    }

    fn reload_over(&mut self, end: ReloadEnd, out: &mut Commands) {
        for ix in self.each() {
            (self.service(ix).reload, self.service(ix).commits_after) = (Share::None, 0);
            self.review_permit(ix, out);
        }
        self.reload = Reload { again: self.reload.again, ..Reload::default() };
        self.announce(Announcement::ReloadFinished(end), out);
        self.reload_when_due(out);
        self.hand_over_when_due(out);
    }
}
