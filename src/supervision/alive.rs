//! An actor that lives: its context, what it was sent, what it owes, and the tasks that it spawned.
//!
//! Whatever runs in here is the user's code. Where it panics, that is noted, and nothing here is lost by it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use actix::dev::ContextFut;
use actix::dev::channel::AddressReceiver;
use actix::{Actor, ActorContext, Context};

use super::budget::with_own_budget;
use super::control::{Ask, Reply};
use super::lane::Lane;
use super::owed::Owed;
use super::panics::{Notes, catch};
use super::tasks::Tasks;

/// Starts an actor's context again; false when nobody holds an address any more.
pub(crate) type Restart<A> = fn(&mut ContextFut<A, Context<A>>) -> bool;

/// An actor that was made, and has not ended.
pub(super) struct Alive<A: Actor<Context = Context<A>>> {
    actor: ContextFut<A, Context<A>>,
    lane: Lane<A>,
    owed: Owed,
    tasks: Tasks,
    polled: bool,
}

/// What a poll came to.
pub(super) enum Polled {
    Lives,
    Ended,
    Panicked,
}

impl<A: Actor<Context = Context<A>>> Alive<A> {
    /// Makes the actor, unless that panics.
    pub(super) fn make(
        notes: &Arc<Notes>,
        make: impl FnOnce() -> A,
        receiver: AddressReceiver<A>,
    ) -> Option<Box<Self>> {
        catch(notes, || {
            let mut tasks = Tasks::default();
            let actor = tasks.enter(|| Context::with_receiver(receiver).into_future(make()));
            Box::new(Self { actor, lane: Lane::new(), owed: Owed::default(), tasks, polled: false })
        })
    }

    /// It is asked something, as of its next poll.
    pub(super) fn owe(&mut self, notes: &Arc<Notes>, ask: Ask, waker: &Waker) {
        let Ask { request, reply, last } = ask;
        match catch(notes, || request(&mut self.lane)) {
            Some(answer) => self.owed.add(answer, reply, last, waker),
            None => reply(notes.take().map_or(Reply::Missing, Reply::Panic)),
        }
    }

    /// Polls the actor, and the tasks that it spawned.
    pub(super) fn poll(&mut self, notes: &Arc<Notes>, cx: &mut TaskContext<'_>) -> Polled {
        self.polled = true;
        self.lane.flow_into(self.actor.ctx());
        match catch(notes, || self.poll_actor(cx)) {
            Some(Poll::Pending) => Polled::Lives,
            Some(Poll::Ready(())) => Polled::Ended,
            None => Polled::Panicked,
        }
    }

    fn poll_actor(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        let mut actor = Pin::new(&mut self.actor);
        // An answer that wakes meanwhile has the actor polled again.
        let shares = self.owed.has_woken();
        let mut poll = |cx: &mut TaskContext<'_>| actor.as_mut().poll(cx);
        self.tasks.poll_with(cx, |cx| if shares { with_own_budget(cx, poll) } else { poll(cx) })
    }

    /// Has answers passed on; that of the last request is handed back.
    pub(super) fn answer(
        &mut self,
        notes: &Arc<Notes>,
        cx: &mut TaskContext<'_>,
    ) -> Option<impl FnOnce() + use<A>> {
        self.owed.poll(cx, notes, &mut self.tasks)
    }

    /// Comes to rest: what was asked of it, what it owes and what it spawned is dropped.
    pub(super) fn rest(&mut self, notes: &Arc<Notes>) {
        self.lane.clear();
        self.owed.forgive(notes, &mut self.tasks);
        catch(notes, || drop(std::mem::take(&mut self.tasks)));
        self.polled = false;
    }

    /// Starts again after a rest. `None`: that panicked.
    pub(super) fn start_again(&mut self, notes: &Arc<Notes>, restart: Restart<A>) -> Option<bool> {
        let Self { actor, tasks, .. } = self;
        catch(notes, || tasks.enter(|| restart(actor)))
    }

    /// Lets the actor see its own end: `stopping`, then `stopped`.
    pub(super) fn retire(&mut self, notes: &Arc<Notes>, cx: &mut TaskContext<'_>) {
        if self.polled {
            catch(notes, || {
                self.actor.ctx().stop();
                let _ = self.poll_actor(cx);
            });
        }
    }

    /// Drops the actor without polling it again, then what it owes, then its tasks.
    pub(super) fn end(self, notes: &Arc<Notes>) {
        let Self { mut actor, mut owed, mut tasks, .. } = self;
        catch(notes, || {
            // A live `ContextFut` polls its actor when dropped; a terminated one doesn't.
            actor.ctx().terminate();
            tasks.enter(|| drop(actor));
        });
        owed.forgive(notes, &mut tasks);
        catch(notes, || drop(tasks));
    }
}
