//! The tasks that an actor spawns, kept together so that they end with it.
//!
//! Most actors spawn none, and a set costs more than a kilobyte: an actor that has no task shares a spare one with all
//! others on its thread, and has one of its own only while a task lives.

use std::cell::Cell;
use std::pin::Pin;
use std::task::Context;

use tokio::task::LocalSet;

thread_local! {
    /// A set without a task.
    static SPARE: Cell<Option<LocalSet>> = const { Cell::new(None) };
}

/// The tasks of one actor; dropping it ends them.
#[derive(Debug, Default)]
pub(super) struct Tasks(Option<LocalSet>);

impl Tasks {
    /// What is spawned in there is among these, and waits for the next poll.
    pub(super) fn enter<T>(&mut self, spawn: impl FnOnce() -> T) -> T {
        let tasks = self.0.get_or_insert_with(spare);
        let _within = tasks.enter();
        spawn()
    }

    /// The same, and then polls them. A panic in there leaves them as they are: what they answer to is told first.
    pub(super) fn poll_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        spawn: impl FnOnce(&mut Context<'_>) -> T,
    ) -> T {
        let tasks = self.0.get_or_insert_with(spare);
        let done = {
            let _within = tasks.enter();
            spawn(cx)
        };
        if Pin::new(tasks).poll(cx).is_ready() {
            SPARE.set(self.0.take());
        }
        done
    }
}

fn spare() -> LocalSet {
    SPARE.take().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::rc::Rc;
    use std::task::Waker;

    use tokio::task::spawn_local;

    use super::*;

    fn poll_with(tasks: &mut Tasks, spawn: impl FnOnce()) {
        tasks.poll_with(&mut Context::from_waker(Waker::noop()), |_| spawn());
    }

    #[test]
    fn a_set_is_kept_only_while_a_task_lives() {
        let (mut some, mut others) = (Tasks::default(), Tasks::default());
        let (go, went) = tokio::sync::oneshot::channel();
        poll_with(&mut some, || drop(spawn_local(async move { went.await.unwrap() })));
        assert!(some.0.is_some(), "its task waits");
        poll_with(&mut others, || {});
        assert!(others.0.is_none());
        go.send(()).unwrap();
        poll_with(&mut some, || {});
        assert!(some.0.is_none(), "its task has ended");
    }

    #[test]
    fn a_panic_ends_no_task() {
        let mut tasks = Tasks::default();
        let held = Rc::new(());
        let holds = Rc::clone(&held);
        poll_with(&mut tasks, || {
            drop(spawn_local(async move {
                std::future::pending::<()>().await;
                drop(holds);
            }));
        });
        let panicked = catch_unwind(AssertUnwindSafe(|| poll_with(&mut tasks, || panic!("of the actor"))));
        assert!(panicked.is_err());
        assert_eq!(Rc::strong_count(&held), 2);
    }

    #[test]
    fn the_tasks_of_one_do_not_end_with_another() {
        let (mut some, mut others) = (Tasks::default(), Tasks::default());
        let (kept, ended) = (Rc::new(()), Rc::new(()));
        let spawn = |held: &Rc<()>| {
            let held = Rc::clone(held);
            drop(spawn_local(async move {
                std::future::pending::<()>().await;
                drop(held);
            }));
        };
        poll_with(&mut some, || spawn(&kept));
        others.enter(|| spawn(&ended));
        drop(others);
        assert_eq!((Rc::strong_count(&kept), Rc::strong_count(&ended)), (2, 1));
    }
}
