//! The tasks that an actor spawns, kept together so that they end with it.
//!
//! ```text
//!   a call of the actor --spawns nothing--> the thread's spare set stays spare: nothing is polled
//!        |
//!        '-- spawns --> its waker notes it --> the set is the actor's own, until all tasks in it have ended
//! ```
//!
//! Most actors spawn nothing, and to poll a set costs as much as to handle a message: all of a thread share a set without tasks. A set
//! that is entered, and not being polled, wakes whoever polled it last when something is spawned in it (`LocalSet::enter`). A spare one was
//! polled last by [`Spawned`], which notes that.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use tokio::task::{LocalEnterGuard, LocalSet};

thread_local! {
    static SPARE: RefCell<Rc<TaskSet>> = RefCell::default();
}

/// The tasks of one actor; dropping it ends them. It lives on one thread.
#[derive(Debug)]
pub(super) struct Tasks {
    own: Option<Box<LocalSet>>,
    spare: Rc<TaskSet>,
}

/// A set without a task, which all of a thread share until something is spawned in it.
#[derive(Debug)]
struct TaskSet {
    /// Nothing, once it is somebody's.
    set: RefCell<Option<Box<LocalSet>>>,
    spawned: Arc<Spawned>,
    /// Whether a call goes on within it.
    entered: Cell<bool>,
}

/// Whether something was spawned in a set.
#[derive(Debug, Default)]
struct Spawned(AtomicBool);

impl Wake for Spawned {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Default for TaskSet {
    fn default() -> Self {
        let (mut set, spawned) = (Box::<LocalSet>::default(), Arc::<Spawned>::default());
        // It has none to poll, and wakes this from now on.
        let waker = Waker::from(Arc::clone(&spawned));
        let _ = Pin::new(&mut *set).poll(&mut Context::from_waker(&waker));
        Self { set: RefCell::new(Some(set)), spawned, entered: Cell::new(false) }
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self { own: None, spare: SPARE.with_borrow(Rc::clone) }
    }
}

impl Tasks {
    /// What is spawned in there is among these, and waits for the next poll.
    pub(super) fn enter<T>(&mut self, spawn: impl FnOnce() -> T) -> T {
        if let Some(within) = self.enter_spare() {
            let _claims = Claims(self);
            let _within = within;
            return spawn();
        }
        let _within = self.own.get_or_insert_default().enter();
        spawn()
    }

    /// Nothing where the actor has tasks already, and within a call of another actor, which has the spare set.
    #[inline]
    fn enter_spare(&mut self) -> Option<LocalEnterGuard> {
        if self.own.is_some() || self.spare.entered.get() {
            return None;
        }
        let within = self.spare.set.borrow().as_ref().map(|set| set.enter());
        if within.is_none() {
            self.spare = SPARE.with_borrow(Rc::clone);
            return self.enter_spare();
        }
        self.spare.entered.set(true);
        within
    }

    /// The same, and then polls them. A panic in there leaves them as they are: what they answer to is told first.
    pub(super) fn poll_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        spawn: impl FnOnce(&mut Context<'_>) -> T,
    ) -> T {
        let done = self.enter(|| spawn(cx));
        if let Some(own) = &mut self.own
            && Pin::new(&mut **own).poll(cx).is_ready()
        {
            self.own = None;
        }
        done
    }

    #[cold]
    fn claim(&mut self) {
        self.own = self.spare.set.take();
        self.spare = Rc::default();
        SPARE.set(Rc::clone(&self.spare));
    }
}

/// What was spawned in the spare set belongs to the actor, also when it panicked then.
struct Claims<'a>(&'a mut Tasks);

impl Drop for Claims<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.spare.entered.set(false);
        if self.0.spare.spawned.0.load(Ordering::Relaxed) {
            self.0.claim();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use tokio::task::spawn_local;

    use super::*;

    fn poll_with(tasks: &mut Tasks, spawn: impl FnOnce()) {
        tasks.poll_with(&mut Context::from_waker(Waker::noop()), |_| spawn());
    }

    fn waits(held: &Rc<()>) {
        let held = Rc::clone(held);
        drop(spawn_local(async move {
            std::future::pending::<()>().await;
            drop(held);
        }));
    }

    #[test]
    fn a_set_is_an_actors_own_only_while_a_task_lives() {
        let (mut some, mut others) = (Tasks::default(), Tasks::default());
        let (go, went) = tokio::sync::oneshot::channel();
        poll_with(&mut some, || drop(spawn_local(async move { went.await.unwrap() })));
        assert!(some.own.is_some(), "its task waits");
        poll_with(&mut others, || {});
        assert!(others.own.is_none());
        go.send(()).unwrap();
        poll_with(&mut some, || {});
        assert!(some.own.is_none(), "its task has ended");
        // The next one is found as the first was.
        poll_with(&mut some, || waits(&Rc::new(())));
        poll_with(&mut others, || waits(&Rc::new(())));
        assert!(some.own.is_some() && others.own.is_some());
    }

    #[test]
    fn a_panic_ends_no_task_and_what_was_spawned_before_it_is_the_actors() {
        let mut tasks = Tasks::default();
        let held = Rc::new(());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            poll_with(&mut tasks, || {
                waits(&held);
                panic!("of the actor");
            });
        }));
        assert!(panicked.is_err());
        assert_eq!(Rc::strong_count(&held), 2);
        let panicked = catch_unwind(AssertUnwindSafe(|| poll_with(&mut tasks, || panic!("of the actor"))));
        assert!(panicked.is_err());
        assert_eq!(Rc::strong_count(&held), 2);
        drop(tasks);
        assert_eq!(Rc::strong_count(&held), 1);
    }

    #[test]
    fn the_tasks_of_one_do_not_end_with_another() {
        let (mut some, mut others) = (Tasks::default(), Tasks::default());
        let (kept, ended) = (Rc::new(()), Rc::new(()));
        poll_with(&mut some, || waits(&kept));
        others.enter(|| waits(&ended));
        drop(others);
        assert_eq!((Rc::strong_count(&kept), Rc::strong_count(&ended)), (2, 1));
    }

    #[test]
    fn what_is_spawned_within_another_actors_call_is_whose_call_it_is() {
        let (mut outer, mut inner) = (Tasks::default(), Tasks::default());
        let (of_outer, of_inner) = (Rc::new(()), Rc::new(()));
        outer.enter(|| {
            inner.enter(|| waits(&of_inner));
            waits(&of_outer);
        });
        drop(inner);
        assert_eq!((Rc::strong_count(&of_outer), Rc::strong_count(&of_inner)), (2, 1));
        drop(outer);
        assert_eq!(Rc::strong_count(&of_outer), 1);
    }
}
