//! Catching panics with their message, place and backtrace.
//!
//! A payload carries only the message, and tokio and actix swallow even that when a spawned future panics.
//! So a panic hook, installed once and chained to the one before it, notes every panic for the actor that
//! is being polled on its thread. Threads without actors may have the latest panic kept instead.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use crate::base::{PanicError, discard};
use crate::process::stderr_is_stuck;

/// How many panics of one life of an actor are told one by one, and kept until then. The rest is counted: tasks that panic in a loop
/// fill nothing.
pub(super) const FEW: usize = 7;

/// For how long the stack of a panic stands for others of the same actor at the same place.
const SAME_STACK: Duration = Duration::from_secs(1);

/// What the message of an injected panic begins with. No hook prints it.
#[cfg(feature = "testing")]
pub(crate) const REHEARSED: &str = "rehearsed: ";

/// The panics of one actor that were not reported yet. It lives on the actor's thread, as the hook does that fills it: a poll
/// without a panic is to cost neither a lock nor an atomic. Small, since few actors ever panic.
#[derive(Default)]
pub(super) struct PanicLog {
    /// Taken out while it is changed, so that nothing is borrowed whatever panics meanwhile.
    notes: Cell<Option<Box<Notes>>>,
    /// Whether any are kept.
    holds: Cell<bool>,
    /// All of this life.
    seen: Cell<u32>,
}

#[derive(Default)]
struct Notes {
    /// The oldest, [`FEW`] at most.
    kept: Vec<PanicError>,
    /// How many were not kept.
    dropped: usize,
    /// The stack that was captured last, where, and when.
    captured: Option<(String, Instant, Arc<Backtrace>)>,
}

impl PanicLog {
    /// What is told by `f` is of no panic that comes while it runs.
    fn with_notes<T>(&self, f: impl FnOnce(&mut Notes) -> T) -> T {
        let mut notes = self.notes.take().unwrap_or_default();
        let told = f(&mut notes);
        self.holds.set(!notes.kept.is_empty());
        self.notes.set(Some(notes));
        told
    }

    /// The stack of a panic at that place. To capture one takes as long as all else of a restart: one that panics there again and again is
    /// known by its first.
    fn stack_at(&self, place: &str) -> Arc<Backtrace> {
        self.with_notes(|notes| {
            let known =
                notes.captured.take().filter(|(at, when, _)| at == place && when.elapsed() < SAME_STACK);
            let new = || (place.to_owned(), Instant::now(), Arc::new(Backtrace::force_capture()));
            let (.., stack) = notes.captured.insert(known.unwrap_or_else(new));
            Arc::clone(stack)
        })
    }

    fn push(&self, panic: PanicError) {
        self.seen.set(self.seen.get().saturating_add(1));
        self.with_notes(|notes| match notes.kept.len() < FEW {
            true => notes.kept.push(panic),
            false => notes.dropped = notes.dropped.saturating_add(1),
        });
    }

    /// Whether none is left.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        !self.holds.get()
    }

    /// The oldest that is left, in little space for whoever passes it on: there seldom is one.
    pub(super) fn take(&self) -> Option<Box<PanicError>> {
        if self.is_empty() {
            return None;
        }
        self.with_notes(|notes| (!notes.kept.is_empty()).then(|| Box::new(notes.kept.remove(0))))
    }

    /// How many were not kept since this was last asked.
    pub(super) fn take_dropped(&self) -> usize {
        self.with_notes(|notes| std::mem::take(&mut notes.dropped))
    }

    /// Another life begins.
    pub(super) fn begin_life(&self) {
        self.seen.set(0);
    }

    fn has_seen_few(&self) -> bool {
        self.seen.get() >= FEW as u32
    }
}

thread_local! {
    /// Whose code runs on this thread.
    static CURRENT: Cell<Option<Rc<PanicLog>>> = const { Cell::new(None) };
    /// The latest panic on a thread that has it kept.
    static LATEST: RefCell<Latest> = const { RefCell::new(Latest::NotKept) };
}

/// Whether the latest panics are kept with a backtrace.
static CAPTURE_ALWAYS: AtomicBool = AtomicBool::new(false);

enum Latest {
    NotKept,
    None,
    Some(PanicError),
}

/// Has the latest panic on this thread kept from now on, for [`latest`].
pub(crate) fn keep_latest() {
    install_hook();
    LATEST.set(Latest::None);
}

/// Has the latest panics kept with a backtrace, whatever the environment says.
pub(crate) fn capture_always() {
    CAPTURE_ALWAYS.store(true, Ordering::Relaxed);
}

/// The panic on this thread that had this payload. Its backtrace is there only where it is asked for: to capture one
/// takes long, and on these threads others wait.
pub(crate) fn latest(payload: &(dyn Any + Send)) -> PanicError {
    let kept = LATEST.with(|latest| match &*latest.borrow() {
        Latest::Some(panic) => Some(panic.clone()),
        Latest::NotKept | Latest::None => None,
    });
    // One that was caught by whoever panicked, before one that the hook did not see, is another.
    let kept = kept.filter(|panic| panic.message == PanicError::message_of(payload));
    kept.unwrap_or_else(|| PanicError::unseen(payload))
}

fn keep(info: &PanicHookInfo<'_>) {
    // Nothing is kept while the thread is being torn down.
    let _ = LATEST.try_with(|latest| {
        if let Ok(mut latest) = latest.try_borrow_mut()
            && !matches!(*latest, Latest::NotKept)
        {
            let stack = || match CAPTURE_ALWAYS.load(Ordering::Relaxed) {
                true => Backtrace::force_capture(),
                false => Backtrace::capture(),
            };
            *latest = Latest::Some(note(info, |_| Arc::new(stack())));
        }
    });
}

fn note(info: &PanicHookInfo<'_>, stack_at: impl FnOnce(&str) -> Arc<Backtrace>) -> PanicError {
    let location = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    PanicError { message: PanicError::message_of(info.payload()), backtrace: stack_at(&location), location }
}

/// Installs the hook, once a process. The hook that was there before still prints.
pub(super) fn install_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let panic_log = CURRENT.try_with(current).ok().flatten();
            match panic_log {
                // To capture one takes long: one that panics in a loop is known by its first.
                Some(panic_log) if panic_log.has_seen_few() => {
                    panic_log.push(note(info, |_| Arc::new(Backtrace::disabled())));
                }
                Some(panic_log) => panic_log.push(note(info, |place| panic_log.stack_at(place))),
                None => keep(info),
            }
            // What a rehearsal makes go wrong is told by what comes of it.
            #[cfg(feature = "testing")]
            if PanicError::message_of(info.payload()).starts_with(REHEARSED) {
                return;
            }
            // It prints, as a rule, and would then hold the panic up for as long as nobody reads. The report has it all the same.
            if !stderr_is_stuck() {
                previous(info);
            }
        }));
    });
}

fn current(current: &Cell<Option<Rc<PanicLog>>>) -> Option<Rc<PanicLog>> {
    let panic_log = current.take();
    current.set(panic_log.clone());
    panic_log
}

/// Runs code of the actor whose notes these are. Whether it returned; if it panicked, there is a note.
pub(super) fn catch<T>(panic_log: &Rc<PanicLog>, run: impl FnOnce() -> T) -> Option<T> {
    let outer = CURRENT.with(|current| current.replace(Some(Rc::clone(panic_log))));
    let before = panic_log.seen.get();
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    let result = result.map_err(|payload| {
        if panic_log.seen.get() == before {
            panic_log.push(PanicError::unseen(&*payload));
        }
        discard(payload);
    });
    CURRENT.with(|current| current.replace(outer));
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g11_a_panic_is_noted_with_message_and_place() {
        install_hook();
        let panic_log = Rc::new(PanicLog::default());
        assert!(catch(&panic_log, || panic!("boom {}", 7)).is_none());
        let note = panic_log.take().unwrap();
        assert_eq!(note.message, "boom 7");
        assert!(note.location.contains("panics.rs"), "{}", note.location);
        assert!(panic_log.take().is_none());
    }

    #[test]
    fn g11_an_actor_that_panics_again_at_the_same_place_is_told_with_the_stack_of_the_first() {
        install_hook();
        let panic_log = Rc::new(PanicLog::default());
        let stack_of = |panics: fn()| {
            assert!(catch(&panic_log, panics).is_none());
            panic_log.take().unwrap().backtrace
        };
        let here: fn() = || panic!("here");
        let (first, again, elsewhere) = (stack_of(here), stack_of(here), stack_of(|| panic!("there")));
        assert!(Arc::ptr_eq(&first, &again), "at once");
        assert!(!Arc::ptr_eq(&first, &elsewhere));
    }

    #[test]
    fn g11_the_latest_panic_of_a_thread_is_known_by_its_payload() {
        fn caught(run: impl FnOnce()) -> PanicError {
            latest(&*panic::catch_unwind(AssertUnwindSafe(run)).unwrap_err())
        }
        assert_eq!(caught(|| panic!("before")).location, "an unknown place");
        keep_latest();
        let seen = caught(|| panic!("boom {}", 8));
        assert_eq!(seen.message, "boom 8");
        assert!(seen.location.contains("panics.rs"), "{}", seen.location);
        let other = caught(|| panic::resume_unwind(Box::new("quiet")));
        assert_eq!((&*other.message, &*other.location), ("quiet", "an unknown place"));
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
        let panic_log = Rc::new(PanicLog::default());
        assert!(catch(&panic_log, || panic::panic_any(Bomb)).is_none());
        assert!(panic_log.take().unwrap().message.contains("no text"));
    }

    #[test]
    fn g11_a_resumed_unwinding_that_no_hook_saw_is_noted_too() {
        let panic_log = Rc::new(PanicLog::default());
        assert!(catch(&panic_log, || panic::resume_unwind(Box::new("quiet"))).is_none());
        assert_eq!(panic_log.take().unwrap().message, "quiet");
    }
}
