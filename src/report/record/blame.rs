//! Whose errors the manager's are, and because of whom.

use std::collections::HashSet;
use std::sync::Arc;

use super::ReportBuilder;
use crate::events::{Failure, Name};
use crate::lifecycle::{Activity, ErrorStage, Fault, RestartCause, Step};
use crate::report::services::{ServiceError, ServicesErrors};
use crate::report::shutdown_report::RestartReport;

impl ReportBuilder {
    pub(super) fn failed(
        &mut self,
        service: &Name,
        resource: Option<&Name>,
        activity: Activity,
        failure: &Failure,
    ) {
        let at = self.index(service);
        if failure.is_mended() {
            self.known[at].mended = Some(Arc::clone(failure.text()));
            return;
        }
        let mut error = ServiceError::new(service, activity, resource, failure);
        let report = &self.report.services[at];
        if self.report.cause.is_none() && report.restarts > 0 {
            error.restarts = self.led_there(at);
        }
        if activity == Activity::Step(Step::Setup) && !failure.is_mended() {
            error.setup_retries = report.setup_retries;
        }
        self.known[at].failed_unasked |= report.shutdown.is_none() && failure.stage() != ErrorStage::Shutdown;
        self.errors(failure.stage()).push(error);
    }

    /// The restarts of the period whose budget is used up.
    fn led_there(&self, at: usize) -> Vec<RestartReport> {
        let failed = |restart: &&RestartReport| matches!(restart.because, RestartCause::Failed { .. });
        let latest = self.report.services[at].latest_restarts.iter().filter(failed);
        let all: Vec<RestartReport> = latest.cloned().collect();
        let first = all.len().saturating_sub(self.known[at].restart as usize);
        all[first..].to_vec()
    }

    /// A panic more of a service, beyond those that are kept.
    pub(crate) fn leave_out(&mut self, service: &Name, fault: Fault) {
        self.service(service).failures_left_out += 1;
        if !fault.is_mended() {
            self.errors(fault.stage).leave_out(service);
        }
    }

    fn errors(&mut self, stage: ErrorStage) -> &mut ServicesErrors {
        match stage {
            ErrorStage::Setup => &mut self.setup,
            ErrorStage::Run => &mut self.run,
            ErrorStage::Shutdown => &mut self.shutdown,
        }
    }

    /// Whom it depends on that failed by itself, if it did so while both were to run.
    pub(super) fn culprit_of(&self, error: &ServiceError) -> Option<String> {
        let mut next: Vec<&Name> = vec![self.services.get_key_value(error.service_id.as_str())?.0];
        let mut seen: HashSet<&Name> = next.iter().copied().collect();
        while let Some(id) = next.pop() {
            let Some(&at) = self.services.get(id) else { continue };
            for on in &self.known[at].depends_on {
                let failed = self.services.get(on).is_some_and(|&at| self.known[at].failed_unasked);
                if failed && !matches!(error.activity(), Activity::Step(Step::Shutdown) | Activity::Release) {
                    return Some(on.to_string());
                }
                if seen.insert(on) {
                    next.push(on);
                }
            }
        }
        None
    }
}
