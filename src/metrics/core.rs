//! All that is counted for one manager.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use super::life::Life;
use super::lock::lock;
use super::methods::Methods;
use super::requests::Requests;

/// All that is counted for one manager.
#[derive(Default)]
pub(super) struct Core {
    life: Mutex<Life>,
    pub(super) methods: Arc<Mutex<Methods>>,
    pub(super) requests: Arc<Mutex<Requests>>,
    /// Whether the names of go-grpc-prometheus are told, too.
    pub(super) go_names: bool,
}

impl Core {
    pub(super) fn with_go_names() -> Self {
        Self { go_names: true, ..Self::default() }
    }

    pub(super) fn life(&self) -> MutexGuard<'_, Life> {
        lock(&self.life)
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("go_names", &self.go_names).finish_non_exhaustive()
    }
}
