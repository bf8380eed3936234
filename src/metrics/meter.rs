//! What counting begins with.

use std::sync::Arc;

use super::ReadLoad;
use super::core::Core;
use super::methods::MethodMeter;
use super::requests::RequestMeter;
use crate::base::clock;
use crate::events::{EventSender, Name};
use crate::lifecycle::RestartPolicy;

/// Counts for a manager, if anybody wants that.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Option<Arc<Core>>);

impl Meter {
    pub(super) fn new(core: &Arc<Core>) -> Self {
        Self(Some(Arc::clone(core)))
    }

    pub(super) fn core(&self) -> Option<&Arc<Core>> {
        self.0.as_ref()
    }

    /// Who is to be told of every event.
    pub(crate) fn observer(&self) -> Option<EventSender> {
        let core = Arc::clone(self.0.as_ref()?);
        Some(EventSender::calling(move |event| core.life().observe(event, clock::now())))
    }

    /// A service is there: it may be restarted so often, needs a lease of that name, if any, and, where it is a server, carries something.
    pub(crate) fn add_service(
        &self,
        id: &Name,
        policy: &RestartPolicy,
        lease: Option<&Name>,
        load: impl FnOnce() -> Option<ReadLoad>,
    ) {
        if let Some(core) = &self.0 {
            core.life().add(id, policy, lease, load());
        }
    }

    /// What counts the calls of a method on one worker. `path`: `/package.Service/Method`, where a descriptor set tells of it.
    pub(crate) fn method(&self, path: Option<&str>, kind: &'static str) -> MethodMeter {
        let new = |core: &Arc<Core>| MethodMeter::new(&core.methods, core.go_names, path, kind);
        self.0.as_ref().map_or_else(MethodMeter::default, new)
    }

    /// What counts the requests of a server on one worker.
    pub(crate) fn requests(&self) -> RequestMeter {
        self.0.as_ref().map_or_else(RequestMeter::default, |core| RequestMeter::new(&core.requests))
    }
}
