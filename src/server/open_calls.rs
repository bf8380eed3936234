//! The calls that are open on one worker, for whoever asks what a server is doing.
//!
//! The worker's own thread adds, and removes all but those that it handed over to others, so the lock is all but never
//! contended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slab::Slab;
use tokio::time::Instant;

use crate::events::Name;
use crate::grpc::call::call_path::{CallPath, counted_as};
use crate::grpc::register::methods::Method;

/// A call that is open.
#[derive(Debug)]
pub(crate) struct OpenCall {
    method: Arc<Method>,
    path: Option<Arc<CallPath>>,
    pub(crate) began: Instant,
    /// Whether it was answered UNAVAILABLE and is open only for the bytes of that.
    pub(crate) called_off: bool,
}

impl OpenCall {
    /// What it is counted as: its path, where it is served.
    pub(crate) fn method(&self) -> &str {
        counted_as(&self.method, self.path.as_deref())
    }

    /// Whether it is a watch of health, or a stream of reflection.
    pub(crate) fn is_watch(&self) -> bool {
        self.method.is_watch()
    }
}

/// The calls that are open.
#[derive(Debug, Default)]
pub(crate) struct OpenCalls(Mutex<Slab<OpenCall>>);

impl OpenCalls {
    /// Returns the key by which it is removed.
    pub(crate) fn insert(&self, method: Arc<Method>, path: Option<Arc<CallPath>>, began: Instant) -> usize {
        self.lock().insert(OpenCall { method, path, began, called_off: false })
    }

    pub(crate) fn call_off(&self, key: usize) {
        if let Some(call) = self.lock().get_mut(key) {
            call.called_off = true;
        }
    }

    pub(crate) fn remove(&self, key: usize) {
        let call = self.lock().try_remove(key);
        drop(call);
    }

    /// What the call is of that has this key.
    pub(crate) fn path_at(&self, key: usize) -> Option<Name> {
        self.lock().get(key).map(|call| call.method().into())
    }

    /// Calls are kept from coming and going in the meantime.
    pub(crate) fn for_each(&self, mut tell: impl FnMut(&OpenCall)) {
        self.lock().iter().for_each(|(_, call)| tell(call));
    }

    fn lock(&self) -> MutexGuard<'_, Slab<OpenCall>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
