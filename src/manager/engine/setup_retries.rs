//! Set-ups that are tried again: how often, how soon, and what a status tells of them.

use std::time::Duration;

use super::shell::Shell;
use crate::lifecycle::{Announcement, Input, Outcome, Repeat, ServiceIx, Step};
use crate::manager::api::status::SetupRetryStatus;
use crate::manager::observe::event_log::Detail;

impl Shell {
    /// A set-up is to be tried again: how long that waits is known before it is told.
    pub(crate) fn count_setup_retry(&mut self, ix: ServiceIx) {
        let now = self.event_log.now();
        let Some(retries) = &mut self.service(ix).setup_retries else { return };
        retries.history.failed(now);
        retries.delay = retries.history.delay();
        let delay = retries.delay;
        self.event_log.note_setup_delay(ix, delay);
    }

    /// Keeps account of set-ups that succeed, and of those that begin.
    pub(crate) fn count_set_ups(&mut self, announcement: &Announcement) {
        let ix = match *announcement {
            Announcement::StepStarted(ix, Step::Setup) => ix,
            Announcement::StepFinished { service, step: Step::Setup, outcome: Outcome::Ok, .. } => service,
            _ => return,
        };
        if let Some(retries) = &mut self.service(ix).setup_retries {
            retries.due = None;
            if !matches!(announcement, Announcement::StepStarted(..)) {
                retries.history.succeeded();
            }
        }
    }

    /// The delay before the next set-up begins.
    pub(super) fn setup_delay(&mut self, ix: ServiceIx) -> Duration {
        let now = self.event_log.now();
        let Some(retries) = &mut self.service(ix).setup_retries else { return Duration::ZERO };
        retries.due = Some(now + retries.delay);
        retries.delay
    }

    /// Before the rules hear of a service, they learn how many of its set-up's retries do not count any more.
    pub(super) fn forget_setup_retries(&mut self, ix: ServiceIx) {
        let now = self.event_log.now();
        let Some(retries) = &mut self.service(ix).setup_retries else { return };
        if retries.history.policy().allowed_by_itself().is_none() {
            // Any number is allowed: they are counted in all.
            return;
        }
        let forgotten = retries.history.forgotten(now);
        if forgotten > 0 {
            self.feed(Input::Forgotten(ix, Repeat::Setup, forgotten), Detail::None);
        }
    }

    /// What a status tells of the retries of a set-up. `total` is what the report counts.
    pub(super) fn setup_retry_status(
        &mut self,
        ix: ServiceIx,
        total: u64,
        now: Duration,
    ) -> Option<SetupRetryStatus> {
        let retries = self.service(ix).setup_retries.as_mut()?;
        let used = retries.history.used(now).0;
        let left = retries.history.policy().allowed_by_itself().map(|most| most.saturating_sub(used));
        Some(SetupRetryStatus { total, used, left, next_at: retries.due })
    }
}
