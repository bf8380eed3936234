//! Catching panics with their message, place and backtrace.
//!
//! A payload carries only the message, and tokio and actix swallow even that when a spawned future panics.
//! So a panic hook, installed once and chained to the one before it, notes every panic for the actor that
//! is being polled on its thread.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, Once, PoisonError};

use crate::error::PanicError;

/// The panics of one actor that nobody has accounted for yet.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<Vec<PanicError>>);

impl Notes {
    fn push(&self, panic: PanicError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(panic);
    }

    /// The oldest that is left.
    pub(super) fn take(&self) -> Option<PanicError> {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.is_empty() { None } else { Some(notes.remove(0)) }
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

thread_local! {
    /// Whose code runs on this thread.
    static CURRENT: RefCell<Option<Arc<Notes>>> = const { RefCell::new(None) };
}

/// Installs the hook, once a process. The hook that was there before still prints.
pub(super) fn install_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let notes = CURRENT.try_with(|current| current.borrow().clone()).ok().flatten();
            if let Some(notes) = notes {
                notes.push(PanicError {
                    message: PanicError::message_of(info.payload()),
                    location: info
                        .location()
                        .map_or_else(|| "an unknown place".to_owned(), ToString::to_string),
                    backtrace: Arc::new(Backtrace::force_capture()),
                });
            }
            previous(info);
        }));
    });
}

/// Runs code of the actor whose notes these are. Whether it returned; if it panicked, there is a note.
pub(super) fn catch<T>(notes: &Arc<Notes>, run: impl FnOnce() -> T) -> Option<T> {
    let outer = CURRENT.with(|current| current.replace(Some(Arc::clone(notes))));
    let before = notes.len();
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    let result = result.map_err(|payload| {
        if notes.len() == before {
            notes.push(PanicError::unseen(&*payload));
        }
        discard(payload);
    });
    CURRENT.with(|current| current.replace(outer));
    result.ok()
}

/// A payload's own drop may panic as well.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g11_a_panic_is_noted_with_message_and_place() {
        install_hook();
        let notes = Arc::new(Notes::default());
        assert!(catch(&notes, || panic!("boom {}", 7)).is_none());
        let note = notes.take().unwrap();
        assert_eq!(note.message, "boom 7");
        assert!(note.location.contains("panics.rs"), "{}", note.location);
        assert!(notes.take().is_none());
    }

    #[test]
    fn g11_a_payload_that_panics_in_its_drop_is_survived() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("second");
            }
        }
        install_hook();
        let notes = Arc::new(Notes::default());
        assert!(catch(&notes, || panic::panic_any(Bomb)).is_none());
        assert!(notes.take().unwrap().message.contains("no text"));
    }

    #[test]
    fn g11_a_resumed_unwinding_that_no_hook_saw_is_noted_too() {
        let notes = Arc::new(Notes::default());
        assert!(catch(&notes, || panic::resume_unwind(Box::new("quiet"))).is_none());
        assert_eq!(notes.take().unwrap().message, "quiet");
    }
}
