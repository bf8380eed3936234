//! The lives of an actor, as a future that we own.
//!
//! ```text
//!   Unborn --make--> LiveActor --+-- stops by itself --> Gone::Ended          restartable:  Suspended, until it is restarted
//!                    ^       +-- panics -----------> Gone::Panicked       otherwise:    gone
//!                    |       |                                            permitted:    started again at once
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
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use actix::dev::channel::{AddressReceiver, channel};
use actix::{Actor, Addr, Context};
use tracing::instrument::WithSubscriber;

use super::actor_span::{ActorSpan, MakeSpan};
use super::control::{Ask, Control, ExitMode, Order, Orders, Reply};
use super::live_actor::{LiveActor, Polled, Restart};
use super::next_life::NextLife;
use super::notice::{Gone, Notice, Observer};
use super::panics::{PanicLog, catch, install_hook};
use super::stray_panics::StrayPanics;
use super::thread::Thread;
use super::watch::{Tag, Watch};

/// actix's own default.
const MAILBOX_CAPACITY: usize = 16;

/// Starts an actor on a thread. `make` runs there, too. With `restart` it can be started again. It is polled in that span, if there
/// is one.
pub(crate) fn launch<A>(
    thread: &Thread,
    tag: Tag,
    make: impl FnOnce() -> A + Send + 'static,
    observer: Observer,
    restart: Option<Restart<A>>,
    span: Option<MakeSpan>,
) -> (Addr<A>, Arc<Control>)
where
    A: Actor<Context = Context<A>>,
{
    install_hook();
    let (sender, receiver) = channel(MAILBOX_CAPACITY);
    let control = Arc::new(Control::new(thread.post()));
    let watch = Arc::clone(thread.watch());
    let dispatch = thread.dispatch().cloned();
    let incarnation = {
        let control = Arc::clone(&control);
        let make = Box::new(make);
        move || {
            let body = Body::Unborn { make, receiver };
            let waker = Waker::from(Arc::clone(&control));
            let lives = Lives {
                body,
                control,
                restart,
                observer,
                panic_log: Rc::new(PanicLog::default()),
                strays: StrayPanics::default(),
            };
            let incarnation = Incarnation { lives, waker, watch, tag, span: ActorSpan::new(span) };
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
    (Addr::new(sender), control)
}

struct Incarnation<A: Actor<Context = Context<A>>> {
    lives: Lives<A>,
    /// That of the control.
    waker: Waker,
    watch: Arc<Watch>,
    tag: Tag,
    span: ActorSpan,
}

/// What is polled in there.
struct Lives<A: Actor<Context = Context<A>>> {
    body: Body<A>,
    control: Arc<Control>,
    restart: Option<Restart<A>>,
    observer: Observer,
    panic_log: Rc<PanicLog>,
    strays: StrayPanics,
}

enum Body<A: Actor<Context = Context<A>>> {
    Unborn { make: Box<dyn FnOnce() -> A + Send>, receiver: AddressReceiver<A> },
    LiveActor(Box<LiveActor<A>>),
    Suspended(Box<LiveActor<A>>),
    Gone,
}

impl<A: Actor<Context = Context<A>>> Unpin for Incarnation<A> {}

impl<A: Actor<Context = Context<A>>> Future for Incarnation<A> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let Self { lives, waker, watch, tag, span } = &mut *self;
        watch.enter(*tag);
        span.enter();
        let told = lives.control.begin(cx);
        let cx = &mut TaskContext::from_waker(waker);
        let lived = match lives.body {
            Body::LiveActor(_) if !told => lives.go_on(cx, true),
            _ => lives.obey(cx),
        };
        match lived {
            None => {
                span.leave();
                watch.leave();
                Poll::Pending
            }
            Some(gone) => {
                self.end(gone);
                Poll::Ready(())
            }
        }
    }
}

impl<A: Actor<Context = Context<A>>> Incarnation<A> {
    fn end(&mut self, gone: Gone) {
        self.lives.drop_body();
        self.span.leave();
        // The observer may look at the thread at once.
        self.watch.leave();
        let Lives { strays, panic_log, observer, .. } = &mut self.lives;
        strays.tell_last(panic_log, observer);
        observer(Notice::Gone(gone));
    }
}

impl<A: Actor<Context = Context<A>>> Lives<A> {
    /// A poll with orders; how the actor went, if it is gone.
    fn obey(&mut self, cx: &mut TaskContext<'_>) -> Option<Gone> {
        let Orders { queue, exit_mode } = self.control.take_orders();
        if exit_mode == ExitMode::Force {
            return Some(Gone::Dismissed);
        }
        let born = self.be_born();
        for order in queue {
            match order {
                Order::Ask(ask) => self.accept(ask),
                Order::Suspend => drop(self.suspend(Gone::Dismissed)),
                Order::Restart(first) => match self.start_again() {
                    Ok(true) => self.accept(first),
                    Ok(false) => drop(first),
                    Err(gone) => return Some(gone),
                },
            }
        }
        if exit_mode == ExitMode::Retire {
            self.retire(cx);
            return Some(Gone::Dismissed);
        }
        self.go_on(cx, born)
    }

    /// Polls what there is of the actor; how it went, if it is gone.
    fn go_on(&mut self, cx: &mut TaskContext<'_>, born: bool) -> Option<Gone> {
        let polled = match &mut self.body {
            Body::LiveActor(alive) => {
                let polled = alive.poll(&self.panic_log, cx, self.control.take_context_woken());
                if let Some(answered) = alive.answer(&self.panic_log, cx) {
                    self.retire(cx);
                    self.drop_body();
                    answered();
                    return Some(Gone::Dismissed);
                }
                polled
            }
            Body::Suspended(_) => Polled::Lives,
            Body::Unborn { .. } | Body::Gone if born => Polled::Ended,
            Body::Unborn { .. } | Body::Gone => Polled::Panicked,
        };
        let gone = match polled {
            Polled::Lives => {
                if !self.panic_log.is_empty() {
                    self.strays.tell(&self.panic_log, &self.observer);
                }
                return None;
            }
            Polled::Ended => Gone::Ended,
            Polled::Panicked => self.panic_log.take().map_or(Gone::Ended, Gone::Panicked),
        };
        if self.restart.is_none() || !matches!(self.body, Body::LiveActor(_)) {
            return Some(gone);
        }
        let next = self.suspend(gone)?;
        self.begin(next)
    }

    /// Makes the actor on its first poll. Whether there is one.
    fn be_born(&mut self) -> bool {
        match std::mem::replace(&mut self.body, Body::Gone) {
            Body::Unborn { make, receiver } => match LiveActor::make(&self.panic_log, make, receiver) {
                Some(alive) => self.body = Body::LiveActor(alive),
                None => return false,
            },
            body => self.body = body,
        }
        true
    }

    /// Brings the actor to rest, and tells of it: what it owes and what it spawned is dropped. Its next life, if it is to begin at once.
    fn suspend(&mut self, gone: Gone) -> Option<NextLife> {
        match std::mem::replace(&mut self.body, Body::Gone) {
            Body::LiveActor(mut alive) => {
                alive.rest(&self.panic_log);
                self.body = Body::Suspended(alive);
                self.strays.tell_last(&self.panic_log, &self.observer);
                self.panic_log.begin_life();
                (self.observer)(Notice::Suspended(gone))
            }
            body => {
                self.body = body;
                None
            }
        }
    }

    /// Begins a life that is ready; how the actor went, if it is gone.
    fn begin(&mut self, NextLife(first): NextLife) -> Option<Gone> {
        match self.start_again() {
            Ok(true) => {
                self.accept(first);
                // Others on the thread have their turn before it is polled.
                self.control.wake_actor();
                None
            }
            Ok(false) => None,
            Err(gone) => Some(gone),
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
        let started = alive.start_again(&self.panic_log, restart);
        self.body = Body::LiveActor(alive);
        match started {
            Some(true) => Ok(true),
            Some(false) => Err(Gone::Ended),
            None => {
                let panic = self.panic_log.take();
                // Nobody has made another life ready before this one was set up.
                drop(self.suspend(panic.map_or(Gone::Ended, Gone::Panicked)));
                Ok(false)
            }
        }
    }

    fn accept(&mut self, ask: Ask) {
        match &mut self.body {
            Body::LiveActor(alive) => alive.accept(&self.panic_log, ask, &self.control),
            Body::Suspended(_) => {}
            // It was not to be made: that is the answer.
            Body::Unborn { .. } | Body::Gone => {
                (ask.reply)(self.panic_log.take().map_or(Reply::Missing, Reply::Panic));
            }
        }
    }

    /// Lets the actor see its own end.
    fn retire(&mut self, cx: &mut TaskContext<'_>) {
        if let Body::LiveActor(alive) = &mut self.body {
            alive.retire(&self.panic_log, cx);
        }
    }

    /// Drops the actor without polling it again.
    fn drop_body(&mut self) {
        match std::mem::replace(&mut self.body, Body::Gone) {
            Body::LiveActor(alive) | Body::Suspended(alive) => alive.end(&self.panic_log),
            body => drop(catch(&self.panic_log, || drop(body))),
        }
    }
}

impl<A: Actor<Context = Context<A>>> Drop for Incarnation<A> {
    /// An arbiter that is stopped drops its tasks where they stand.
    fn drop(&mut self) {
        if !matches!(self.lives.body, Body::Gone) {
            self.span.enter();
            self.end(Gone::Ended);
        }
    }
}
