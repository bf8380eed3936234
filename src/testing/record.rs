//! The events of one manager, as they came.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::failing::Failing;
use crate::events::TimedEvent;

#[derive(Default)]
pub(super) struct Record {
    pub(super) events: Mutex<Vec<Arc<TimedEvent>>>,
    pub(super) count: watch::Sender<usize>,
}

impl Record {
    pub(super) fn events(&self) -> MutexGuard<'_, Vec<Arc<TimedEvent>>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, event: &Arc<TimedEvent>) {
        let count = {
            let mut events = self.events();
            events.push(Arc::clone(event));
            events.len()
        };
        self.count.send_replace(count);
    }

    #[track_caller]
    pub(super) fn fail(&self, expected: String, happened: String) -> ! {
        panic!("{}", Failing { expected, happened, events: self.events().clone() })
    }
}
