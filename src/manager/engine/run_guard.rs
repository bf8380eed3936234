//! `Manager::run` that is dropped before its end: nobody waits for the manager any more, so it stops.

use std::panic::{AssertUnwindSafe, catch_unwind};

use actix::Recipient;
use tracing::dispatcher::{self, Dispatch};
use tracing::warn;

use crate::manager::api::messages::StartShutdown;

/// Has a manager stop when it is dropped, unless that has ended.
pub(crate) struct RunGuard {
    manager: Recipient<StartShutdown>,
    dispatch: Dispatch,
    has_ended: bool,
}

impl RunGuard {
    pub(crate) fn new(manager: Recipient<StartShutdown>, dispatch: Dispatch) -> Self {
        Self { manager, dispatch, has_ended: false }
    }

    pub(crate) fn has_ended(&mut self) {
        self.has_ended = true;
    }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        self.manager.do_send(StartShutdown);
        let say = || {
            warn!(
                target: "majordomo",
                "Manager::run was dropped before its end: the manager stops, and nobody waits for it; \
                 use start() and WaitForShutdown to stop waiting for a manager that is to go on"
            );
        };
        // Whatever drops this may be panicking already.
        let _ = catch_unwind(AssertUnwindSafe(|| dispatcher::with_default(&self.dispatch, say)));
    }
}
