//! The calls that are open on one worker, for whoever asks what a server is doing.
//!
//! Only the worker's own thread adds and removes, so its lock is all but never contended.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::uri::PathAndQuery;
use slab::Slab;
use tokio::time::Instant;

/// A call that is open.
#[derive(Debug)]
pub(super) struct OpenCall {
    path: Option<PathAndQuery>,
    pub(super) began: Instant,
}

impl OpenCall {
    pub(super) fn path(&self) -> &str {
        self.path.as_ref().map_or("", PathAndQuery::path)
    }
}

/// The calls that are open.
#[derive(Debug, Default)]
pub(super) struct OpenCalls(Mutex<Slab<OpenCall>>);

impl OpenCalls {
    /// Returns the key by which it is removed.
    pub(super) fn insert(&self, path: Option<PathAndQuery>, began: Instant) -> usize {
        self.lock().insert(OpenCall { path, began })
    }

    pub(super) fn remove(&self, key: usize) {
        let call = self.lock().try_remove(key);
        drop(call);
    }

    /// Calls are kept from coming and going in the meantime.
    pub(super) fn for_each(&self, mut tell: impl FnMut(&OpenCall)) {
        self.lock().iter().for_each(|(_, call)| tell(call));
    }

    fn lock(&self) -> MutexGuard<'_, Slab<OpenCall>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
