//! The lives of an actor, as a future that we own.
//!
//! ```text
//!   Unborn --make--> Alive --+-- stops by itself --> Gone::Ended          restartable:  Suspended, until it is restarted
//!                    ^       +-- panics -----------> Gone::Panicked       otherwise:    gone
//!                    |       +-- suspended --------> Gone::Dismissed, Suspended
//!                    |       +-- retired, forced --> Gone::Dismissed, gone
//!                    '-- restarted -- Suspended
//! ```
//!
//! A poll goes: take orders, poll the actor and the tasks it spawned, poll the requests that it owes an
//! answer. Since all of that happens in one poll, a panic is attributed to the request whose answer it cost;
//! what no request accounts for is the actor's own.
//!
//! A suspended actor is neither polled nor dropped: its mailbox takes messages, and keeps those that it had.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use actix::dev::ContextFut;
use actix::dev::channel::{AddressReceiver, channel};
use actix::{Actor, ActorContext, Addr, Context};
use smallvec::SmallVec;
use tracing::instrument::WithSubscriber;

use super::control::{Answer, Ask, Control, Fate, Order, Reply};
use super::lane::Lane;
use super::panics::{Notes, catch, install_hook};
use super::tasks::Tasks;
use super::thread::Thread;
use super::watch::{Tag, Watch};
use crate::error::PanicError;

/// actix's own default.
const MAILBOX_CAPACITY: usize = 16;

/// What the launcher of an incarnation is told, on the actor's thread.
#[derive(Debug)]
pub(crate) enum Notice {
    /// A handler or a spawned task panicked, no request is to blame, and the actor lives.
    Panicked(PanicError),
    /// The actor rests, its tasks and its pending replies are gone: it may be restarted.
    Suspended(Gone),
    /// The actor, its tasks and its pending replies are gone. Told once, as the last.
    Gone(Gone),
}

/// How an actor went.
#[derive(Debug)]
pub(crate) enum Gone {
    Ended,
    Panicked(PanicError),
    Dismissed,
}

pub(crate) type Observer = Box<dyn Fn(Notice) + Send>;

/// Starts an actor's context again; false when nobody holds an address any more.
pub(crate) type Restart<A> = fn(&mut ContextFut<A, Context<A>>) -> bool;

/// Starts an actor on a thread. `make` runs there, too. With `restart` it can be started again.
pub(crate) fn launch<A>(
    thread: &Thread,
    tag: Tag,
    make: impl FnOnce() -> A + Send + 'static,
    observer: Observer,
    restart: Option<Restart<A>>,
) -> (Addr<A>, Arc<Control>, Lane<A>)
where
    A: Actor<Context = Context<A>>,
{
    install_hook();
    let (sender, receiver) = channel(MAILBOX_CAPACITY);
    let control = Arc::new(Control::new(thread.post()));
    let watch = Arc::clone(thread.watch());
    let lane = Lane::new();
    let dispatch = thread.dispatch().cloned();
    let incarnation = {
        let (control, lane) = (Arc::clone(&control), lane.clone());
        let make = Box::new(make);
        move || {
            let body = Body::Unborn { make, receiver };
            let waker = Waker::from(Arc::clone(&control));
            let incarnation = Incarnation {
                body,
                control,
                waker,
                lane,
                restart,
                watch,
                tag,
                observer,
                notes: Arc::new(Notes::default()),
                owed: Vec::new(),
            };
            match dispatch {
                Some(dispatch) => {
                    // Boxed, so that this is not made anew for every type of actor.
                    let incarnation: Pin<Box<dyn Future<Output = ()>>> = Box::pin(incarnation);
                    actix_rt::spawn(incarnation.with_subscriber(dispatch))
                }
                None => actix_rt::spawn(incarnation),
            };
        }
    };
    thread.run(incarnation);
    (Addr::new(sender), control, lane)
}

struct Incarnation<A: Actor<Context = Context<A>>> {
    body: Body<A>,
    control: Arc<Control>,
    /// That of the control.
    waker: Waker,
    lane: Lane<A>,
    restart: Option<Restart<A>>,
    watch: Arc<Watch>,
    tag: Tag,
    observer: Observer,
    notes: Arc<Notes>,
    owed: Vec<Owed>,
}

enum Body<A: Actor<Context = Context<A>>> {
    Unborn { make: Box<dyn FnOnce() -> A + Send>, receiver: AddressReceiver<A> },
    Alive(Box<Alive<A>>),
    Suspended(Box<Alive<A>>),
    Gone,
}

struct Alive<A: Actor<Context = Context<A>>> {
    actor: ContextFut<A, Context<A>>,
    tasks: Tasks,
    polled: bool,
}

/// A request that waits for its answer.
struct Owed {
    answer: Pin<Box<dyn Future<Output = Answer>>>,
    reply: Box<dyn FnOnce(Reply) + Send>,
    last: bool,
}

/// What a poll of the body came to.
enum Polled {
    Lives,
    Ended,
    Panicked,
}

impl<A: Actor<Context = Context<A>>> Unpin for Incarnation<A> {}

impl<A: Actor<Context = Context<A>>> Future for Incarnation<A> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let this = &mut *self;
        this.watch.enter(this.tag);
        let (orders, fate) = this.control.take(cx);
        // Taken, not cloned: a poll counts no references.
        let waker = std::mem::replace(&mut this.waker, Waker::noop().clone());
        let lived = this.live(&mut TaskContext::from_waker(&waker), orders, fate);
        this.waker = waker;
        let Some(gone) = lived else {
            this.watch.leave();
            return Poll::Pending;
        };
        this.end(gone);
        Poll::Ready(())
    }
}

impl<A: Actor<Context = Context<A>>> Incarnation<A> {
    /// One poll; how the actor went, if it is gone.
    fn live(&mut self, cx: &mut TaskContext<'_>, orders: SmallVec<[Order; 1]>, fate: Fate) -> Option<Gone> {
        if fate == Fate::Force {
            return Some(Gone::Dismissed);
        }
        let born = self.be_born();
        for order in orders {
            match order {
                Order::Ask(ask) if matches!(self.body, Body::Suspended(_)) => drop(ask),
                Order::Ask(ask) => self.owe(ask),
                Order::Suspend => self.suspend(Gone::Dismissed),
                Order::Restart(first) => match self.start_again() {
                    Ok(true) => self.owe(first),
                    Ok(false) => drop(first),
                    Err(gone) => return Some(gone),
                },
            }
        }
        if fate == Fate::Retire {
            self.retire(cx);
            return Some(Gone::Dismissed);
        }
        let polled = if born { self.poll_body(cx) } else { Polled::Panicked };
        if let Some(answered) = self.poll_owed(cx) {
            self.retire(cx);
            self.drop_body();
            answered();
            return Some(Gone::Dismissed);
        }
        let gone = match polled {
            Polled::Lives => {
                self.tell_stray_panics();
                return None;
            }
            Polled::Ended => Gone::Ended,
            Polled::Panicked => self.notes.take().map_or(Gone::Ended, Gone::Panicked),
        };
        if self.restart.is_none() || !matches!(self.body, Body::Alive(_)) {
            return Some(gone);
        }
        self.suspend(gone);
        None
    }

    /// Makes the actor on its first poll. Whether there is one.
    fn be_born(&mut self) -> bool {
        match std::mem::replace(&mut self.body, Body::Gone) {
            Body::Unborn { make, receiver } => {
                let alive = catch(&self.notes, || {
                    let mut tasks = Tasks::default();
                    let actor = tasks.enter(|| Context::with_receiver(receiver).into_future(make()));
                    Box::new(Alive { actor, tasks, polled: false })
                });
                let Some(alive) = alive else { return false };
                self.body = Body::Alive(alive);
            }
            body => self.body = body,
        }
        true
    }

    /// Brings the actor to rest, and tells of it: what it owes and what it spawned is dropped.
    fn suspend(&mut self, gone: Gone) {
        match std::mem::replace(&mut self.body, Body::Gone) {
            Body::Alive(mut alive) => {
                catch(&self.notes, || drop(std::mem::take(&mut self.owed)));
                catch(&self.notes, || drop(std::mem::take(&mut alive.tasks)));
                alive.polled = false;
                self.body = Body::Suspended(alive);
                self.tell_stray_panics();
                (self.observer)(Notice::Suspended(gone));
            }
            body => self.body = body,
        }
    }

    /// Starts an actor again that rests; whether it lives now.
    ///
    /// # Errors
    /// When nobody can reach it any more.
    fn start_again(&mut self) -> Result<bool, Gone> {
        let Some(restart) = self.restart else { return Ok(false) };
        let mut alive = match std::mem::replace(&mut self.body, Body::Gone) {
            Body::Suspended(alive) => alive,
            body => {
                self.body = body;
                return Ok(false);
            }
        };
        let started = catch(&self.notes, || {
            let Alive { actor, tasks, .. } = &mut *alive;
            tasks.enter(|| restart(actor))
        });
        self.body = Body::Alive(alive);
        match started {
            Some(true) => Ok(true),
            Some(false) => Err(Gone::Ended),
            None => {
                let panic = self.notes.take();
                self.suspend(panic.map_or(Gone::Ended, Gone::Panicked));
                Ok(false)
            }
        }
    }

    fn owe(&mut self, ask: Ask) {
        let Ask { request, reply, last } = ask;
        match catch(&self.notes, request) {
            Some(answer) => {
                // One at a time is the rule, and those who wait long wait in numbers.
                self.owed.reserve_exact(1);
                self.owed.push(Owed { answer, reply, last });
            }
            None => reply(self.notes.take().map_or(Reply::Missing, Reply::Panic)),
        }
    }

    fn poll_body(&mut self, cx: &mut TaskContext<'_>) -> Polled {
        let alive = match &mut self.body {
            Body::Alive(alive) => alive,
            Body::Suspended(_) => return Polled::Lives,
            Body::Unborn { .. } | Body::Gone => return Polled::Ended,
        };
        alive.polled = true;
        self.lane.flow_into(alive.actor.ctx());
        match catch(&self.notes, || alive.poll(cx)) {
            Some(Poll::Pending) => Polled::Lives,
            Some(Poll::Ready(())) => Polled::Ended,
            None => Polled::Panicked,
        }
    }

    /// Passes answers on; that of the last request is handed back, to be passed on when the actor is gone.
    fn poll_owed(&mut self, cx: &mut TaskContext<'_>) -> Option<impl FnOnce() + use<A>> {
        let mut last = None;
        let mut at = 0;
        while at < self.owed.len() {
            let answer = &mut self.owed[at].answer;
            let reply = match catch(&self.notes, || answer.as_mut().poll(cx).map(read)) {
                Some(Poll::Pending) => {
                    at += 1;
                    continue;
                }
                Some(Poll::Ready(Reply::Missing)) | None => {
                    self.notes.take().map_or(Reply::Missing, Reply::Panic)
                }
                Some(Poll::Ready(reply)) => reply,
            };
            let owed = self.owed.swap_remove(at);
            if owed.last {
                last = Some(move || (owed.reply)(reply));
            } else {
                (owed.reply)(reply);
            }
        }
        last
    }

    /// Lets the actor see its own end: `stopping`, then `stopped`.
    fn retire(&mut self, cx: &mut TaskContext<'_>) {
        let Body::Alive(alive) = &mut self.body else { return };
        if alive.polled {
            catch(&self.notes, || {
                alive.actor.ctx().stop();
                let _ = alive.poll(cx);
            });
        }
    }

    fn tell_stray_panics(&self) {
        while let Some(panic) = self.notes.take() {
            (self.observer)(Notice::Panicked(panic));
        }
    }

    /// Drops the actor without polling it again, then its tasks.
    fn drop_body(&mut self) {
        let body = std::mem::replace(&mut self.body, Body::Gone);
        catch(&self.notes, move || match body {
            Body::Alive(alive) | Body::Suspended(alive) => alive.end(),
            Body::Unborn { .. } | Body::Gone => {}
        });
    }

    fn end(&mut self, gone: Gone) {
        self.drop_body();
        self.owed.clear();
        // Whoever is told may look at the thread at once.
        self.watch.leave();
        self.tell_stray_panics();
        (self.observer)(Notice::Gone(gone));
    }
}

impl<A: Actor<Context = Context<A>>> Drop for Incarnation<A> {
    /// An arbiter that is stopped drops its tasks where they stand.
    fn drop(&mut self) {
        if !matches!(self.body, Body::Gone) {
            self.end(Gone::Ended);
        }
    }
}

impl<A: Actor<Context = Context<A>>> Alive<A> {
    fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        let actor = &mut self.actor;
        self.tasks.poll_with(cx, |cx| Pin::new(actor).poll(cx))
    }

    fn end(mut self) {
        // A live `ContextFut` polls its actor when dropped; a terminated one doesn't.
        self.actor.ctx().terminate();
        let Self { actor, mut tasks, .. } = self;
        tasks.enter(|| drop(actor));
    }
}

/// Takes an answer apart on the actor's thread: an error's text is the user's code.
fn read(answer: Answer) -> Reply {
    match answer {
        Ok(Ok(())) => Reply::Ok,
        Ok(Err(error)) => {
            let text = error.to_string().into();
            Reply::Error(error.into(), text)
        }
        Err(_) => Reply::Missing,
    }
}
