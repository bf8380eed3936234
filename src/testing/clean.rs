//! Whether a manager stopped cleanly.

use actix::MailboxError;

use crate::report::{ManagerError, ResourceEnding, ServiceReport, ShutdownReport};

/// How a manager ended, as [`assert_stopped_clean`] may be told of it: the answer to
/// [`WaitForShutdown`](crate::WaitForShutdown), with or without the mailbox's own result around it, or a report.
pub trait Ending {
    /// What was not clean, one thing each.
    fn faults(&self) -> Vec<String>;
}

impl<T: Ending> Ending for &T {
    fn faults(&self) -> Vec<String> {
        (**self).faults()
    }
}

impl Ending for ManagerError {
    fn faults(&self) -> Vec<String> {
        let mut faults = vec![self.to_string()];
        faults.extend(self.report().faults());
        faults
    }
}

impl Ending for Result<(), ManagerError> {
    fn faults(&self) -> Vec<String> {
        self.as_ref().err().map(Ending::faults).unwrap_or_default()
    }
}

impl Ending for Result<Result<(), ManagerError>, MailboxError> {
    fn faults(&self) -> Vec<String> {
        match self {
            Ok(result) => result.faults(),
            Err(error) => vec![format!("the manager is gone ({error}): its actix system was stopped")],
        }
    }
}

impl Ending for ShutdownReport {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.forced {
            faults.push("something had to be forced".to_owned());
        }
        if self.cause.is_some() && self.took.is_none() {
            faults.push("the shutdown is not over".to_owned());
        }
        faults.extend(self.services.iter().flat_map(of_service));
        faults
    }
}

fn of_service(service: &ServiceReport) -> Vec<String> {
    let id = &service.id;
    let mut faults = Vec::new();
    for (name, step) in service.steps() {
        match (&step.why, step.outcome) {
            (Some(why), _) if !why.is_mended() => faults.push(format!("{id} ({name}): {why}")),
            (None, None) => faults.push(format!("{id} ({name}): it has not answered")),
            _ => {}
        }
    }
    let others = service.failures.iter().filter(|failure| !failure.is_mended());
    faults.extend(others.map(|failure| format!("{id}: {failure}")));
    for resource in &service.resources {
        let whose = format!("{id} (release of {})", resource.name);
        match (resource.ending, &resource.why) {
            (Some(ResourceEnding::Acknowledged), _) => {}
            (_, Some(why)) if why.is_mended() => {}
            (_, Some(why)) => faults.push(format!("{whose}: {why}")),
            (Some(ending), None) => faults.push(format!("{whose}: it did not acknowledge: {ending:?}")),
            (None, None) => faults.push(format!("{whose}: it has not ended")),
        }
    }
    faults
}

/// What was not clean, as text.
pub(super) fn unclean(end: &impl Ending) -> Option<String> {
    let faults = end.faults();
    (!faults.is_empty()).then(|| faults.join("\n  "))
}

/// Asserts that a manager stopped cleanly: nothing failed, nothing was forced, and every resource acknowledged its release.
///
/// ```
/// use majordomo::testing::assert_stopped_clean;
/// use majordomo::{Manager, ManagerOptions, StartShutdown, WaitForShutdown};
///
/// # #[actix::main]
/// # async fn main() {
/// let manager = Manager::new(ManagerOptions::new().grpc_server_address("127.0.0.1:0")).start();
/// manager.do_send(StartShutdown);
/// assert_stopped_clean(manager.send(WaitForShutdown).await);
/// # }
/// ```
///
/// # Panics
/// When it did not, with all that was not clean and, after a forced end, the latest events before it.
#[track_caller]
pub fn assert_stopped_clean(end: impl Ending) {
    if let Some(why) = unclean(&end) {
        panic!("expected: a clean stop\nhappened: {why}");
    }
}
