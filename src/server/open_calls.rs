//! The calls that are open on one worker, for the status and the reports.
//!
//! The worker's own thread adds, and removes all but those that it handed over to others, so the lock is all but never
//! contended.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slab::Slab;
use tokio::time::Instant;

use crate::events::Name;

/// What a call is shown as.
pub(crate) trait CallLabel: fmt::Debug + Send + Sync {
    /// What it is counted as, in reports and in the status. Never a peer's choice without a bound.
    fn name(&self) -> &str;

    /// Whether it is open for as long as its peer likes, though it is the server's own.
    fn is_endless(&self) -> bool;
}

/// A call that is open.
#[derive(Debug)]
pub(crate) struct OpenCall {
    label: Arc<dyn CallLabel>,
    pub(crate) began: Instant,
    /// Whether it was called off, and is open only for the bytes of the answer to that.
    pub(crate) called_off: bool,
}

impl OpenCall {
    pub(crate) fn name(&self) -> &str {
        self.label.name()
    }

    pub(crate) fn is_endless(&self) -> bool {
        self.label.is_endless()
    }
}

/// The calls that are open.
#[derive(Debug, Default)]
pub(crate) struct OpenCalls(Mutex<Slab<OpenCall>>);

impl OpenCalls {
    /// Returns the key by which it is removed.
    pub(crate) fn insert(&self, label: Arc<dyn CallLabel>, began: Instant) -> usize {
        self.lock().insert(OpenCall { label, began, called_off: false })
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

    /// How many there are.
    #[cfg(feature = "prometheus")]
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// What the call of this key is shown as.
    pub(crate) fn name_at(&self, key: usize) -> Option<Name> {
        self.lock().get(key).map(|call| call.name().into())
    }

    /// Calls are kept from coming and going in the meantime.
    pub(crate) fn for_each(&self, mut tell: impl FnMut(&OpenCall)) {
        self.lock().iter().for_each(|(_, call)| tell(call));
    }

    fn lock(&self) -> MutexGuard<'_, Slab<OpenCall>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
