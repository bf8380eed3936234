//! A live actor: its context, its priority inbox, its pending replies, and the tasks that it spawned.
//!
//! Whatever runs in here is the user's code. Where it panics, that is noted, and nothing here is lost by it.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use actix::dev::ContextFut;
use actix::dev::channel::AddressReceiver;
use actix::{Actor, ActorContext, Context};

use super::budget::with_own_budget;
use super::control::{Ask, Control, Reply};
use super::panics::{PanicLog, catch};
use super::pending_replies::PendingReplies;
use super::priority_inbox::PriorityInbox;
use super::tasks::Tasks;

/// Starts an actor's context again; false when nobody holds an address any more.
pub(crate) type Restart<A> = fn(&mut ContextFut<A, Context<A>>) -> bool;

/// An actor that was made, and has not ended.
pub(super) struct LiveActor<A: Actor<Context = Context<A>>> {
    actor: ContextFut<A, Context<A>>,
    inbox: PriorityInbox<A>,
    pending: PendingReplies,
    tasks: Tasks,
    polled: bool,
    /// Whether there is something for it that nobody woke it for: its first poll, or a request.
    due: bool,
}

/// What a poll came to.
pub(super) enum Polled {
    Lives,
    Ended,
    Panicked,
}

impl<A: Actor<Context = Context<A>>> LiveActor<A> {
    /// Makes the actor, unless that panics.
    pub(super) fn make(
        panic_log: &Rc<PanicLog>,
        make: impl FnOnce() -> A,
        receiver: AddressReceiver<A>,
    ) -> Option<Box<Self>> {
        catch(panic_log, || {
            let mut tasks = Tasks::default();
            let actor = tasks.enter(|| Context::with_receiver(receiver).into_future(make()));
            Box::new(Self {
                actor,
                inbox: PriorityInbox::new(),
                pending: PendingReplies::default(),
                tasks,
                polled: false,
                due: true,
            })
        })
    }

    /// Takes a request in; the actor handles it at its next poll.
    pub(super) fn accept(&mut self, panic_log: &Rc<PanicLog>, ask: Ask, control: &Arc<Control>) {
        self.due = true;
        let Ask { request, reply, last } = ask;
        match catch(panic_log, || request(&mut self.inbox)) {
            Some(answer) => self.pending.add(answer, reply, last, control),
            None => reply(panic_log.take().map_or(Reply::Missing, Reply::Panic)),
        }
    }

    /// Polls the actor, and the tasks that it spawned, unless only answers that it owes were woken.
    pub(super) fn poll(&mut self, panic_log: &Rc<PanicLog>, cx: &mut TaskContext<'_>, woken: bool) -> Polled {
        if !std::mem::take(&mut self.due) && !woken {
            return Polled::Lives;
        }
        self.polled = true;
        self.inbox.deliver_to(self.actor.ctx());
        match catch(panic_log, || self.poll_actor(cx)) {
            Some(Poll::Pending) => Polled::Lives,
            Some(Poll::Ready(())) => Polled::Ended,
            None => Polled::Panicked,
        }
    }

    fn poll_actor(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        let mut actor = Pin::new(&mut self.actor);
        // An answer that wakes meanwhile has the actor polled again.
        let shares = self.pending.has_woken();
        let mut poll = |cx: &mut TaskContext<'_>| actor.as_mut().poll(cx);
        self.tasks.poll_with(cx, |cx| if shares { with_own_budget(cx, poll) } else { poll(cx) })
    }

    /// Has answers passed on; that of the last request is handed back.
    pub(super) fn answer(
        &mut self,
        panic_log: &Rc<PanicLog>,
        cx: &mut TaskContext<'_>,
    ) -> Option<impl FnOnce() + use<A>> {
        if !self.pending.has_woken() {
            return None;
        }
        self.pending.poll(cx, panic_log, &mut self.tasks)
    }

    /// Suspends: drops its requests, its pending replies and its tasks.
    pub(super) fn rest(&mut self, panic_log: &Rc<PanicLog>) {
        self.inbox.clear();
        self.pending.clear(panic_log, &mut self.tasks);
        catch(panic_log, || drop(std::mem::take(&mut self.tasks)));
        self.polled = false;
    }

    /// Starts again after it was suspended. `None`: that panicked.
    pub(super) fn start_again(&mut self, panic_log: &Rc<PanicLog>, restart: Restart<A>) -> Option<bool> {
        self.due = true;
        let Self { actor, tasks, .. } = self;
        catch(panic_log, || tasks.enter(|| restart(actor)))
    }

    /// Lets the actor see its own end: `stopping`, then `stopped`.
    pub(super) fn retire(&mut self, panic_log: &Rc<PanicLog>, cx: &mut TaskContext<'_>) {
        if self.polled {
            catch(panic_log, || {
                self.actor.ctx().stop();
                let _ = self.poll_actor(cx);
            });
        }
    }

    /// Drops the actor without polling it again, then its pending replies, then its tasks.
    pub(super) fn end(self, panic_log: &Rc<PanicLog>) {
        let Self { mut actor, mut pending, mut tasks, .. } = self;
        catch(panic_log, || {
            // A live `ContextFut` polls its actor when dropped; a terminated one doesn't.
            actor.ctx().terminate();
            tasks.enter(|| drop(actor));
        });
        pending.clear(panic_log, &mut tasks);
        catch(panic_log, || drop(tasks));
    }
}
